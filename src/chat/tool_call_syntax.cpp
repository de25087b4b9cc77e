// SPDX-License-Identifier: Apache-2.0
#include "chat/tool_call_syntax.h"

#include <algorithm>

#include "base/json_input.h"
#include "wattle/error.h"

namespace wattle::chat {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr int kMaxDepth = 100;

std::string_view trim(std::string_view s) {
  const size_t begin = s.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return s.substr(begin, s.find_last_not_of(kSpace) - begin + 1);
}

std::optional<Json> try_parse(std::string_view text) {
  try {
    return parse_json(text, "tool call");
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<ToolCall> call_of(const Json& json) {
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) return std::nullopt;
  const char* key = json.contains("arguments") ? "arguments" : "parameters";
  Json arguments = json.contains(key) ? json[key] : Json::object();
  if (arguments.is_string()) {  // JSON within JSON
    auto inner = try_parse(arguments.get_ref<const std::string&>());
    if (!inner) return std::nullopt;
    arguments = *std::move(inner);
  }
  if (!arguments.is_object()) return std::nullopt;
  return ToolCall{.id = {}, .name = json["name"], .arguments_json = arguments.dump()};
}

// The end of the JSON object that begins at text[begin], or npos.
size_t object_end(std::string_view text, size_t begin) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// Gemma 4's values. Every function returns nothing (or false) where the text is malformed.
class Gemma4Reader {
 public:
  explicit Gemma4Reader(std::string_view text) : s_(text) {}

  std::optional<ToolCall> call() {
    s_ = trim(s_);
    if (!skip("call:")) return std::nullopt;
    const size_t brace = s_.find('{', pos_);
    if (brace == std::string_view::npos) return std::nullopt;
    const std::string_view name = trim(s_.substr(pos_, brace - pos_));
    pos_ = brace;
    const auto arguments = value(0);
    skip_space();
    if (name.empty() || !arguments || pos_ != s_.size()) return std::nullopt;
    return ToolCall{.id = {}, .name = std::string(name), .arguments_json = arguments->dump()};
  }

 private:
  static constexpr std::string_view kQuote = "<|\"|>";

  bool skip(std::string_view token) {
    if (s_.substr(pos_, token.size()) != token) return false;
    pos_ += token.size();
    return true;
  }

  void skip_space() { pos_ = std::min(s_.find_first_not_of(kSpace, pos_), s_.size()); }

  std::optional<Json> value(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    skip_space();
    if (skip("{")) return object(depth);
    if (skip("[")) return array(depth);
    if (skip(kQuote)) return string();
    return scalar();
  }

  std::optional<Json> string() {
    const size_t end = s_.find(kQuote, pos_);
    if (end == std::string_view::npos) return std::nullopt;
    Json text = std::string(s_.substr(pos_, end - pos_));
    pos_ = end + kQuote.size();
    return text;
  }

  std::optional<Json> scalar() {
    const size_t end = std::min(s_.find_first_of(",]}", pos_), s_.size());
    const std::string_view text = trim(s_.substr(pos_, end - pos_));
    pos_ = end;
    auto json = try_parse(text);
    if (json && json->is_string()) return std::nullopt;
    return json;
  }

  std::optional<std::string> key() {
    skip_space();
    if (skip(kQuote)) {
      const auto text = string();
      return text ? std::optional<std::string>(text->get<std::string>()) : std::nullopt;
    }
    const size_t end = s_.find_first_of(":}", pos_);
    if (end == std::string_view::npos || end == pos_) return std::nullopt;
    std::string text(trim(s_.substr(pos_, end - pos_)));
    pos_ = end;
    return text;
  }

  std::optional<Json> object(int depth) {
    Json result = Json::object();
    skip_space();
    if (skip("}")) return result;
    do {
      const auto name = key();
      skip_space();
      if (!name || !skip(":")) return std::nullopt;
      auto v = value(depth + 1);
      if (!v) return std::nullopt;
      result[*name] = *std::move(v);
      skip_space();
    } while (skip(","));
    if (!skip("}")) return std::nullopt;
    return result;
  }

  std::optional<Json> array(int depth) {
    Json result = Json::array();
    skip_space();
    if (skip("]")) return result;
    do {
      auto v = value(depth + 1);
      if (!v) return std::nullopt;
      result.push_back(*std::move(v));
      skip_space();
    } while (skip(","));
    if (!skip("]")) return std::nullopt;
    return result;
  }

  std::string_view s_;
  size_t pos_ = 0;
};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::optional<ToolCall> parse_json_call(std::string_view body) {
  const auto json = try_parse(trim(body));
  return json ? call_of(*json) : std::nullopt;
}

std::optional<ToolCall> parse_gemma4_call(std::string_view body) {
  return Gemma4Reader(body).call();
}

std::optional<ToolCall> parse_dotted_call(std::string_view body) {
  constexpr std::string_view kCall = ".call(";
  body = trim(body);
  const size_t dot = body.find(kCall);
  if (dot == std::string_view::npos || dot == 0 || !body.ends_with(")")) return std::nullopt;
  const std::string_view name = body.substr(0, dot);
  if (!std::all_of(name.begin(), name.end(), is_name_char)) return std::nullopt;
  std::string_view rest = body.substr(dot + kCall.size());
  rest.remove_suffix(1);

  Json arguments = Json::object();
  for (rest = trim(rest); !rest.empty();) {
    const size_t equals = rest.find('=');
    const std::string_view key = trim(rest.substr(0, equals));
    if (equals == std::string_view::npos || key.empty() ||
        !std::all_of(key.begin(), key.end(), is_name_char)) {
      return std::nullopt;
    }
    rest = trim(rest.substr(equals + 1));
    bool in_string = false;
    size_t end = 0;
    for (; end < rest.size() && (in_string || rest[end] != ','); ++end) {
      if (rest[end] == '\\')
        ++end;
      else if (rest[end] == '"')
        in_string = !in_string;
    }
    end = std::min(end, rest.size());
    auto value = try_parse(trim(rest.substr(0, end)));
    if (!value) return std::nullopt;
    arguments[std::string(key)] = *std::move(value);
    rest = trim(rest.substr(std::min(end + 1, rest.size())));
  }
  return ToolCall{.id = {}, .name = std::string(name), .arguments_json = arguments.dump()};
}

std::vector<ToolCall> parse_json_calls(std::string_view body) {
  std::vector<ToolCall> calls;
  size_t pos = 0;
  while ((pos = body.find_first_not_of(" \t\r\n;", pos)) != std::string_view::npos) {
    const size_t end = body[pos] == '{' ? object_end(body, pos) : std::string_view::npos;
    if (end == std::string_view::npos) return {};
    auto call = parse_json_call(body.substr(pos, end - pos));
    if (!call) return {};
    calls.push_back(*std::move(call));
    pos = end;
  }
  return calls;
}

}  // namespace wattle::chat
