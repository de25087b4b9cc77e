// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/filters.h"

#include <algorithm>
#include <charconv>

#include "chat/jinja/access.h"
#include "chat/jinja/text_ops.h"

namespace wattle::chat::jinja {

const Builtin* find_filter(std::string_view name) noexcept {
  for (const auto table :
       {text_filters(), value_filters(), sequence_filters(), mapping_filters()}) {
    if (const Builtin* found = find_builtin(table, name)) return found;
  }
  return nullptr;
}

ItemKey::ItemKey(Runtime& rt, const Value& attribute, bool ignore_case,
                 std::optional<Value> otherwise)
    : rt_(rt), ignore_case_(ignore_case), otherwise_(std::move(otherwise)) {
  if (attribute.is_none() || attribute.is_undefined()) return;
  if (!attribute.is_string()) {
    parts_.push_back(attribute);
    return;
  }
  for (const Text& part : split(rt, attribute.text(), ".", -1)) {
    int64_t index = 0;
    const char* end = part.view().data() + part.size();
    const auto r = std::from_chars(part.view().data(), end, index);
    const bool is_index =
        !part.empty() && part.view()[0] != '-' && r.ec == std::errc() && r.ptr == end;
    parts_.push_back(is_index ? Value::integer(index) : rt.string(part));
  }
}

Value ItemKey::operator()(const Value& item) const {
  Value v = item;
  for (const Value& part : parts_) {
    v = get_item(rt_, v, part);
    if (v.is_undefined() && otherwise_) v = *otherwise_;
  }
  if (ignore_case_ && v.is_string()) return rt_.string(lower(v.text()));
  return v;
}

}  // namespace wattle::chat::jinja
