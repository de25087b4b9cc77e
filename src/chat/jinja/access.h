// SPDX-License-Identifier: Apache-2.0
// Looking into values: attributes, items, slices, length, iteration.
#pragma once

#include <optional>
#include <vector>

#include "chat/jinja/runtime.h"

namespace wattle::chat::jinja {

// v.name: a method or attribute first, then the key. What is not there is undefined; an attribute
// that the sandbox refuses is undefined, too, and says so when it is used.
Value get_attribute(Runtime& rt, const Value& v, const StringRef& name);
// v[key]: the item first, then the attribute.
Value get_item(Runtime& rt, const Value& v, const Value& key);
// The attribute only, as the filter `attr` looks it up.
Value get_attribute_only(Runtime& rt, const Value& v, const StringRef& name);

// v[start:stop:step]; none or undefined where left out.
Value get_slice(Runtime& rt, const Value& v, const Value& start, const Value& stop,
                const Value& step);

// len(v); nothing where v has none. Strings count code points.
std::optional<int64_t> try_length(const Value& v);
int64_t length(Runtime& rt, const Value& v);

// The items of anything that can be walked: code points of a string, keys of a dict. A generator is
// used up. Fails on numbers, none and the like; undefined is empty.
std::vector<Value> iterate(Runtime& rt, const Value& v);
bool is_iterable(const Value& v) noexcept;

}  // namespace wattle::chat::jinja
