// SPDX-License-Identifier: Apache-2.0
#include "chat/llama_output_parser.h"

#include <algorithm>
#include <array>

#include "chat/tool_call_syntax.h"

namespace wattle::chat {
namespace {

constexpr std::string_view kTag = "<|python_tag|>";
constexpr std::array<std::string_view, 1> kMarkers = {kTag};
constexpr std::string_view kSpace = " \t\r\n";

// Whether `text` is the begin of {"name": or {"type": (some models put a type first).
bool may_be_call(std::string_view text) {
  size_t pos = text.find_first_not_of(kSpace);
  if (pos == std::string_view::npos) return true;
  if (text[pos] != '{') return false;
  pos = text.find_first_not_of(kSpace, pos + 1);
  if (pos == std::string_view::npos) return true;
  const std::string_view key = text.substr(pos);
  constexpr std::array<std::string_view, 3> kKeys = {"\"name\"", "\"type\"", "\"parameters\""};
  return std::any_of(kKeys.begin(), kKeys.end(), [&](std::string_view k) {
    return key.substr(0, k.size()) == k.substr(0, std::min(key.size(), k.size()));
  });
}

void emit_text(std::string_view text, std::vector<OutputEvent>& out) {
  if (text.empty()) return;
  out.push_back({.kind = OutputEvent::Kind::text, .text = std::string(text)});
}

}  // namespace

std::span<const std::string_view> LlamaOutputParser::markers() const noexcept { return kMarkers; }

void LlamaOutputParser::feed(std::string_view piece, std::vector<OutputEvent>& out) {
  pending_ += piece;
  if (state_ == State::tagged) return;
  if (const size_t tag = pending_.find(kTag); tag != std::string::npos) {
    emit_text(std::string_view(pending_).substr(0, tag), out);
    pending_.erase(0, tag + kTag.size());
    state_ = State::tagged;
    return;
  }
  if (state_ == State::undecided && may_be_call(pending_)) return;
  state_ = State::text;
  size_t held = std::min(kTag.size() - 1, pending_.size());
  while (held > 0 && pending_.compare(pending_.size() - held, held, kTag.substr(0, held)) != 0) {
    --held;
  }
  const size_t n = pending_.size() - held;
  emit_text(std::string_view(pending_).substr(0, n), out);
  pending_.erase(0, n);
}

void LlamaOutputParser::finish(std::vector<OutputEvent>& out) {
  std::vector<ToolCall> calls;
  if (state_ != State::text) calls = parse_json_calls(pending_);
  if (calls.empty() && state_ == State::tagged) {
    if (auto call = parse_dotted_call(pending_)) calls.push_back(*std::move(call));
  }
  if (calls.empty()) {
    if (state_ == State::tagged) emit_text(kTag, out);
    emit_text(pending_, out);
  }
  for (ToolCall& call : calls) {
    out.push_back({.kind = OutputEvent::Kind::tool_call, .call = std::move(call)});
  }
  pending_.clear();
}

}  // namespace wattle::chat
