// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/json_write.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& rt, const JsonStyle& style) : rt_(rt), style_(style) {}

  Text run(const Value& value) {
    write(value);
    return std::move(out_);
  }

 private:
  void put(std::string_view s) { out_.append(s, Origin::template_text); }

  void write(const Value& v) {
    rt_.step();
    rt_.check_text_size(out_.size());
    if (v.is_string()) {
      write_string(v.text());
    } else if (v.is_none()) {
      put("null");
    } else if (v.is_boolean()) {
      put(v.as_boolean() ? "true" : "false");
    } else if (v.is_integer()) {
      put(fmt::format("{}", v.as_integer()));
    } else if (v.is_real()) {
      put(real(v.as_real()));
    } else if (const auto* s = v.as<Sequence>()) {
      write_list(s->items);
    } else if (const auto* d = v.as<Dict>()) {
      write_dict(*d);
    } else {
      rt_.fail(fmt::format("tojson: a value of type '{}' has no JSON", type_name(v)));
    }
  }

  static std::string real(double d) {
    if (std::isnan(d)) return "NaN";
    if (std::isinf(d)) return d > 0 ? "Infinity" : "-Infinity";
    return format_real(d);
  }

  void write_string(const Text& text) {
    const std::string_view s = text.view();
    put("\"");
    size_t plain = 0;
    for (size_t pos = 0; pos < s.size();) {
      const size_t begin = pos;
      const char32_t c = next_code_point(s, pos);
      if (c >= 0x20 && c != U'"' && c != U'\\' && (!style_.ensure_ascii || c < 0x7f)) {
        continue;
      }
      out_.append(text, plain, begin);
      out_.append(escape(c), text.origin(begin));
      plain = pos;
    }
    out_.append(text, plain, s.size());
    put("\"");
    rt_.check_text_size(out_.size());
    rt_.step_bytes(s.size());
  }

  static std::string escape(char32_t c) {
    switch (c) {
      case U'"': return "\\\"";
      case U'\\': return "\\\\";
      case U'\n': return "\\n";
      case U'\r': return "\\r";
      case U'\t': return "\\t";
      case U'\b': return "\\b";
      case U'\f': return "\\f";
      default: break;
    }
    const auto code = static_cast<uint32_t>(c);
    if (code <= 0xffff) return fmt::format("\\u{:04x}", code);
    const uint32_t rest = code - 0x10000;
    return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
  }

  void new_line() {
    if (!style_.indent) return;
    rt_.check_text_size(style_.indent->size() + 1, level_ + 1);
    put("\n");
    for (size_t i = 0; i < level_; ++i) put(*style_.indent);
    rt_.step_bytes(style_.indent->size() * level_);
    rt_.check_text_size(out_.size());
  }

  void write_list(const std::vector<Value>& items) {
    if (items.empty()) return put("[]");
    const Runtime::Depth depth(rt_);
    put("[");
    ++level_;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) put(style_.item_separator);
      new_line();
      write(items[i]);
    }
    --level_;
    new_line();
    put("]");
  }

  void write_key(const Value& key) {
    if (key.is_string()) return write_string(key.text());
    if (!key.is_none() && !key.is_number()) {
      rt_.fail(fmt::format("tojson: a key of type '{}' has no JSON", type_name(key)));
    }
    put("\"");
    write(key);
    put("\"");
  }

  void write_dict(const Dict& dict) {
    if (dict.entries.empty()) return put("{}");
    const Runtime::Depth depth(rt_);
    std::vector<const std::pair<Value, Value>*> entries;
    entries.reserve(dict.entries.size());
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(), [&](const auto* a, const auto* b) {
        return compare(rt_, a->first, b->first, "<") < 0;
      });
    }
    put("{");
    ++level_;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) put(style_.item_separator);
      new_line();
      write_key(entries[i]->first);
      put(style_.key_separator);
      write(entries[i]->second);
    }
    --level_;
    new_line();
    put("}");
  }

  Runtime& rt_;
  const JsonStyle& style_;
  size_t level_ = 0;
  Text out_;
};

}  // namespace

Text write_json(Runtime& rt, const Value& value, const JsonStyle& style) {
  return JsonWriter(rt, style).run(value);
}

}  // namespace wattle::chat::jinja
