// SPDX-License-Identifier: Apache-2.0
// Jinja's filters, by what they work on. docs/chat-templates.md lists them.
#pragma once

#include <span>

#include "chat/jinja/builtin.h"

namespace wattle::chat::jinja {

std::span<const Builtin> text_filters() noexcept;
std::span<const Builtin> value_filters() noexcept;     // numbers, default, attr, tojson
std::span<const Builtin> sequence_filters() noexcept;  // reorder, cut and add up
std::span<const Builtin> mapping_filters() noexcept;   // map, select and the like

// Turns items into what a filter compares or collects: the item, or an attribute of it given as
// "a", "a.b", 0 or none.
class ItemKey {
 public:
  ItemKey(Runtime& rt, const Value& attribute, bool ignore_case = false,
          std::optional<Value> otherwise = std::nullopt);
  Value operator()(const Value& item) const;

 private:
  Runtime& rt_;
  std::vector<Value> parts_;
  bool ignore_case_;
  std::optional<Value> otherwise_;  // in place of an undefined attribute
};

}  // namespace wattle::chat::jinja
