// SPDX-License-Identifier: Apache-2.0
// map, select, reject and their attribute forms: filters that apply a filter or a test to each
// item.
#include <fmt/format.h>

#include <array>

#include "chat/jinja/access.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/operators.h"

namespace wattle::chat::jinja {
namespace {

Value filter_map(Runtime& rt, const Bound& a) {
  if (!truthy(a[0])) return rt.generator({});  // none, too: Jinja asks before it walks
  Arguments rest = a.rest;
  std::vector<Value> result;
  if (rest.positional.empty()) {  // map(attribute='x', default=y)
    Value attribute;
    std::optional<Value> otherwise;
    for (const auto& [name, value] : rest.keyword) {
      if (name->text.view() == "attribute") {
        attribute = value;
      } else if (name->text.view() == "default") {
        if (!value.is_none()) otherwise = value;
      } else {
        rt.fail(fmt::format("map has no parameter '{}'", name->text.view()));
      }
    }
    if (attribute.is_undefined()) rt.fail("map needs a filter or attribute=");
    const ItemKey key(rt, attribute, false, otherwise);
    for (const Value& item : iterate(rt, a[0])) result.push_back(key(item));
    return rt.generator(std::move(result));
  }
  const Value name = rest.positional.front();
  rest.positional.erase(rest.positional.begin());
  const Builtin* filter = name.is_string() ? find_filter(name.view()) : nullptr;
  if (filter == nullptr) {
    rt.fail(fmt::format("map: there is no filter named '{}'", soft_text(rt, name).view()));
  }
  const Runtime::Depth depth(rt);  // map('map', 'map', ...)
  for (const Value& item : iterate(rt, a[0])) {
    result.push_back(call_builtin(rt, *filter, &item, Arguments(rest)));
  }
  return rt.generator(std::move(result));
}

// The items whose test gives `wanted`; without a test, whose truth does.
Value choose(Runtime& rt, const Bound& a, bool by_attribute, bool wanted) {
  if (!truthy(a[0])) return rt.generator({});
  if (!a.rest.positional.empty() || !by_attribute) {
    Arguments rest = a.rest;
    Value attribute = Value::none();
    if (by_attribute) {
      attribute = rest.positional.front();
      rest.positional.erase(rest.positional.begin());
    }
    const Builtin* test = nullptr;
    if (!rest.positional.empty()) {
      const Value name = rest.positional.front();
      rest.positional.erase(rest.positional.begin());
      test = name.is_string() ? find_test(name.view()) : nullptr;
      if (test == nullptr) {
        rt.fail(fmt::format("there is no test named '{}'", soft_text(rt, name).view()));
      }
    }
    const ItemKey key(rt, attribute);
    std::vector<Value> result;
    for (const Value& item : iterate(rt, a[0])) {
      const Value v = key(item);
      const bool holds =
          test == nullptr ? truthy(v) : truthy(call_builtin(rt, *test, &v, Arguments(rest)));
      if (holds == wanted) result.push_back(item);
    }
    return rt.generator(std::move(result));
  }
  rt.fail("selectattr and rejectattr need the name of an attribute");
}

constexpr std::array kFilters = std::to_array<Builtin>({
    {"map", filter_map, {"value"}, 1, true},
    {"reject",
     [](Runtime& rt, const Bound& a) { return choose(rt, a, false, false); },
     {"value"},
     1,
     true},
    {"rejectattr",
     [](Runtime& rt, const Bound& a) { return choose(rt, a, true, false); },
     {"value"},
     1,
     true},
    {"select",
     [](Runtime& rt, const Bound& a) { return choose(rt, a, false, true); },
     {"value"},
     1,
     true},
    {"selectattr",
     [](Runtime& rt, const Bound& a) { return choose(rt, a, true, true); },
     {"value"},
     1,
     true},
});

}  // namespace

std::span<const Builtin> mapping_filters() noexcept { return kFilters; }

}  // namespace wattle::chat::jinja
