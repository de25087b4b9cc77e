// SPDX-License-Identifier: Apache-2.0
#include "chat/marked_output_parser.h"

#include <algorithm>
#include <utility>

namespace wattle::chat {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trim_right(std::string_view s) {
  const size_t last = s.find_last_not_of(kSpace);
  return s.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

MarkedOutputParser::MarkedOutputParser(const OutputSyntax& syntax,
                                       const OutputParserOptions& options)
    : syntax_(syntax), answer_is_text_(options.answer_is_text) {
  for (const Region& region : syntax_.regions) text_markers_.push_back(region.open);
  text_markers_.insert(text_markers_.end(), syntax_.dropped.begin(), syntax_.dropped.end());

  const std::string_view tail = trim_right(options.prompt);
  for (const Region& region : syntax_.regions) {
    if (region.kind != OutputEvent::Kind::reasoning) continue;
    const std::string opened = std::string(region.open) + std::string(region.header);
    if (tail.ends_with(opened) || tail.ends_with(region.open)) {
      region_ = &region;
      at_header_ = !tail.ends_with(opened);
      fresh_ = true;
    }
  }
}

std::optional<ReasoningMarkers> MarkedOutputParser::reasoning() const noexcept {
  for (const Region& region : syntax_.regions) {
    if (region.kind != OutputEvent::Kind::reasoning) continue;
    return ReasoningMarkers{region.open, region.close, region_ == &region};
  }
  return std::nullopt;
}

void MarkedOutputParser::feed(std::string_view piece, std::vector<OutputEvent>& out) {
  pending_ += piece;
  bool more = true;
  while (more && !pending_.empty()) {
    if (region_ == nullptr) {
      more = in_text(out);
    } else if (region_->kind == OutputEvent::Kind::reasoning) {
      more = in_reasoning(out);
    } else {
      more = in_call(out);
    }
  }
}

void MarkedOutputParser::finish(std::vector<OutputEvent>& out) {
  if (region_ != nullptr && region_->kind == OutputEvent::Kind::tool_call) {
    pending_.insert(0, region_->open);
    scanned_ = 0;
    region_ = nullptr;
  }
  const auto kind = region_ != nullptr ? OutputEvent::Kind::reasoning : OutputEvent::Kind::text;
  at_header_ = false;
  emit(kind, pending_, out);
  pending_.clear();
  // White space at the very end is the answer's own; at the end of the reasoning nobody wants it.
  if (kind == OutputEvent::Kind::text && !space_.empty()) {
    out.push_back({.kind = kind, .text = std::move(space_)});
  }
  space_.clear();
}

// The longest end of pending_ that could still become one of the markers.
size_t MarkedOutputParser::held_back(std::span<const std::string_view> candidates) const {
  size_t held = 0;
  for (const std::string_view marker : candidates) {
    for (size_t n = std::min(marker.size() - 1, pending_.size()); n > held; --n) {
      if (pending_.compare(pending_.size() - n, n, marker.substr(0, n)) == 0) held = n;
    }
  }
  return held;
}

MarkedOutputParser::Match MarkedOutputParser::find_in_text() const {
  Match first{std::string::npos, {}, nullptr};
  for (size_t i = 0; i < text_markers_.size(); ++i) {
    const size_t at = pending_.find(text_markers_[i]);
    if (at < first.at) {
      first = {at, text_markers_[i], i < syntax_.regions.size() ? &syntax_.regions[i] : nullptr};
    }
  }
  return first;
}

bool MarkedOutputParser::in_text(std::vector<OutputEvent>& out) {
  if (answer_is_text_) {
    const auto marks = in_answer_ ? std::nullopt : reasoning();
    if (marks && pending_.size() < marks->open.size() && marks->open.starts_with(pending_)) {
      return false;
    }
    if (!marks || !pending_.starts_with(marks->open)) {
      in_answer_ = true;
      emit(OutputEvent::Kind::text, pending_, out);
      pending_.clear();
      return false;
    }
  }
  const Match match = find_in_text();
  if (match.at == std::string::npos) {
    const size_t n = pending_.size() - held_back(text_markers_);
    emit(OutputEvent::Kind::text, std::string_view(pending_).substr(0, n), out);
    pending_.erase(0, n);
    return false;
  }
  emit(OutputEvent::Kind::text, std::string_view(pending_).substr(0, match.at), out);
  pending_.erase(0, match.at + match.marker.size());
  if (match.region != nullptr) {
    region_ = match.region;
    at_header_ = !region_->header.empty();
    fresh_ = fresh_ || region_->kind == OutputEvent::Kind::reasoning;
    if (region_->kind == OutputEvent::Kind::reasoning) space_.clear();
  }
  return true;
}

// False: it takes more text to tell whether the header is there.
bool MarkedOutputParser::skip_header() {
  const size_t begin = pending_.find_first_not_of(kSpace);
  if (begin == std::string::npos) return false;
  const std::string_view rest = std::string_view(pending_).substr(begin);
  if (rest.starts_with(region_->header)) {
    pending_.erase(0, begin + region_->header.size());
  } else if (region_->header.starts_with(rest)) {
    return false;
  }
  at_header_ = false;
  return true;
}

MarkedOutputParser::Match MarkedOutputParser::find_in_reasoning() const {
  const size_t close = pending_.find(region_->close);
  const size_t open = pending_.find(region_->open);  // opened a second time: means nothing
  if (open < close) return {open, region_->open, region_};
  return {close, region_->close, nullptr};
}

bool MarkedOutputParser::in_reasoning(std::vector<OutputEvent>& out) {
  if (at_header_ && !skip_header()) return false;
  const Match match = find_in_reasoning();
  if (match.at == std::string::npos) {
    const std::string_view candidates[] = {region_->open, region_->close};
    const size_t n = pending_.size() - held_back(candidates);
    emit(OutputEvent::Kind::reasoning, std::string_view(pending_).substr(0, n), out);
    pending_.erase(0, n);
    return false;
  }
  emit(OutputEvent::Kind::reasoning, std::string_view(pending_).substr(0, match.at), out);
  pending_.erase(0, match.at + match.marker.size());
  if (match.region != nullptr) {
    at_header_ = !region_->header.empty();
  } else {
    region_ = nullptr;
    in_answer_ = true;
    space_.clear();
    fresh_ = true;
  }
  return true;
}

bool MarkedOutputParser::in_call(std::vector<OutputEvent>& out) {
  const size_t close = pending_.find(region_->close, scanned_);
  if (close == std::string::npos) {
    scanned_ = pending_.size() - std::min(pending_.size(), region_->close.size() - 1);
    return false;
  }
  scanned_ = 0;
  const std::string_view body = std::string_view(pending_).substr(0, close);
  if (auto call = region_->parse(body)) {
    space_.clear();
    fresh_ = true;
    out.push_back({.kind = OutputEvent::Kind::tool_call, .call = *std::move(call)});
  } else {
    std::string text(region_->open);
    text.append(body).append(region_->close);
    emit(OutputEvent::Kind::text, text, out);
  }
  pending_.erase(0, close + region_->close.size());
  region_ = nullptr;
  return true;
}

// Gives out text without the white space around a part; what may lie within it waits in space_.
void MarkedOutputParser::emit(OutputEvent::Kind kind, std::string_view text,
                              std::vector<OutputEvent>& out) {
  if (syntax_.regions.empty()) {  // no parts, nothing to trim
    if (!text.empty()) out.push_back({.kind = kind, .text = std::string(text)});
    return;
  }
  if (fresh_) {
    const size_t begin = text.find_first_not_of(kSpace);
    text.remove_prefix(std::min(begin, text.size()));
  }
  const std::string_view core = trim_right(text);
  const std::string_view space = text.substr(core.size());
  if (!core.empty()) {
    fresh_ = false;
    space_ += core;
    out.push_back({.kind = kind, .text = std::exchange(space_, {})});
  }
  space_ += space;
}

}  // namespace wattle::chat
