// SPDX-License-Identifier: Apache-2.0
// Which methods values have, and those of dicts, lists, loops and cyclers.
#include <algorithm>
#include <array>
#include <cmath>

#include "chat/jinja/access.h"
#include "chat/jinja/builtin.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/string_methods.h"

namespace wattle::chat::jinja {
namespace {

Value dict_get(Runtime& rt, const Bound& a) {
  if (!is_hashable(rt, a[1])) rt.fail("get() needs a key that can be in a dict");
  if (const Value* found = a[0].as<Dict>()->find(a[1])) return *found;
  return a.has(2) ? a[2] : Value::none();
}

Value dict_view(Runtime& rt, const Bound& a, ObjectKind kind) {
  return Value::object(rt.make<DictView>(kind, a[0].as<Dict>()));
}

Value dict_copy(Runtime& rt, const Bound& a) {
  const auto& entries = a[0].as<Dict>()->entries;
  rt.check_list_size(entries.size() * 2);
  rt.charge_memory(entries.size() * 2 * sizeof(Value));
  auto* copy = rt.make<Dict>();
  for (const auto& [key, value] : entries) copy->set(key, value);
  return Value::object(copy);
}

constexpr std::array<Builtin, 5> kDictMethods = {{
    {"get", dict_get, {"self", "key", "default"}, 2},
    {"keys",
     [](Runtime& rt, const Bound& a) { return dict_view(rt, a, ObjectKind::dict_keys); },
     {"self"},
     1},
    {"values",
     [](Runtime& rt, const Bound& a) { return dict_view(rt, a, ObjectKind::dict_values); },
     {"self"},
     1},
    {"items",
     [](Runtime& rt, const Bound& a) { return dict_view(rt, a, ObjectKind::dict_items); },
     {"self"},
     1},
    {"copy", dict_copy, {"self"}, 1},
}};

Value sequence_index(Runtime& rt, const Bound& a) {
  const std::vector<Value> items = iterate(rt, a[0]);
  for (size_t i = 0; i < items.size(); ++i) {
    if (equal(rt, items[i], a[1])) return Value::integer(static_cast<int64_t>(i));
  }
  rt.fail("index(): the value is not in the list");
}

Value sequence_count(Runtime& rt, const Bound& a) {
  int64_t n = 0;
  for (const Value& item : iterate(rt, a[0])) n += equal(rt, item, a[1]) ? 1 : 0;
  return Value::integer(n);
}

Value list_copy(Runtime& rt, const Bound& a) { return rt.list(iterate(rt, a[0])); }

constexpr std::array<Builtin, 3> kListMethods = {{
    {"index", sequence_index, {"self", "value"}, 2},
    {"count", sequence_count, {"self", "value"}, 2},
    {"copy", list_copy, {"self"}, 1},
}};
constexpr std::array<Builtin, 2> kTupleMethods = {{
    {"index", sequence_index, {"self", "value"}, 2},
    {"count", sequence_count, {"self", "value"}, 2},
}};

Value real_is_integer(Runtime&, const Bound& a) {
  return Value::boolean(std::fmod(a[0].as_real(), 1.0) == 0);
}

constexpr std::array<Builtin, 1> kRealMethods = {{
    {"is_integer", real_is_integer, {"self"}, 1},
}};

Value loop_cycle(Runtime& rt, const Bound& a) {
  if (a.rest.positional.empty()) rt.fail("loop.cycle() needs something to choose from");
  return a.rest.positional[a[0].as<Loop>()->index % a.rest.positional.size()];
}

Value loop_changed(Runtime& rt, const Bound& a) {
  auto* loop = a[0].as<Loop>();
  const auto& now = a.rest.positional;
  bool same = loop->last_changed && loop->last_changed->size() == now.size();
  for (size_t i = 0; same && i < now.size(); ++i)
    same = equal(rt, (*loop->last_changed)[i], now[i]);
  loop->last_changed = now;
  return Value::boolean(!same);
}

constexpr std::array<Builtin, 2> kLoopMethods = {{
    {"cycle", loop_cycle, {"self"}, 1, true},
    {"changed", loop_changed, {"self"}, 1, true},
}};

Value cycler_next(Runtime&, const Bound& a) {
  auto* cycler = a[0].as<Cycler>();
  const Value v = cycler->items[cycler->position];
  cycler->position = (cycler->position + 1) % cycler->items.size();
  return v;
}

Value cycler_reset(Runtime&, const Bound& a) {
  a[0].as<Cycler>()->position = 0;
  return Value::none();
}

constexpr std::array<Builtin, 2> kCyclerMethods = {{
    {"next", cycler_next, {"self"}, 1},
    {"reset", cycler_reset, {"self"}, 1},
}};

std::span<const Builtin> methods_of(const Value& v) noexcept {
  if (v.is_string()) return string_methods();
  if (v.is_real()) return kRealMethods;
  if (!v.is_object()) return {};
  switch (v.as_object()->kind) {
    case ObjectKind::dict: return kDictMethods;
    case ObjectKind::list: return kListMethods;
    case ObjectKind::tuple:
    case ObjectKind::range: return kTupleMethods;
    case ObjectKind::loop: return kLoopMethods;
    case ObjectKind::cycler: return kCyclerMethods;
    default: return {};
  }
}

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 8> kListMutators = {"append", "clear",  "extend",  "insert",
                                                           "pop",    "remove", "reverse", "sort"};
constexpr std::array<std::string_view, 5> kDictMutators = {"clear", "pop", "popitem", "setdefault",
                                                           "update"};

}  // namespace

const Builtin* find_method(const Value& v, std::string_view name) noexcept {
  return find_builtin(methods_of(v), name);
}

bool is_unsafe_attribute(const Value& v, std::string_view name) noexcept {
  // Of an undefined value only what Python's has, too; the rest is an error like any attribute.
  if (v.is_undefined()) return name == "__class__" && !v.as_undefined().unsafe;
  if (name.size() > 4 && name.substr(0, 2) == "__" && name.substr(name.size() - 2) == "__") {
    return true;  // all values have some of these, and a template may use none
  }
  if (!v.is_object()) return false;
  switch (v.as_object()->kind) {
    case ObjectKind::list: return is_one_of(kListMutators, name);
    case ObjectKind::dict: return is_one_of(kDictMutators, name);
    default: return false;
  }
}

}  // namespace wattle::chat::jinja
