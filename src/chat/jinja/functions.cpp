// SPDX-License-Identifier: Apache-2.0
// The functions that every template sees.
#include <fmt/format.h>

#include <array>

#include "chat/jinja/access.h"
#include "chat/jinja/builtin.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "wattle/error.h"

namespace wattle::chat::jinja {
namespace {

Value make_range(Runtime& rt, const Bound& a) {
  const bool only_stop = !a.has(1);
  const int64_t start = only_stop ? 0 : integer_argument(rt, a, 0);
  const int64_t stop = integer_argument(rt, a, only_stop ? 0 : 1);
  const int64_t step = integer_argument(rt, a, 2, 1);
  if (step == 0) rt.fail("the step of a range must not be zero");
  auto* range = rt.make<Range>(start, stop, step);
  if (range->size() > rt.limits().max_range) {
    rt.fail(fmt::format("a range of {} items, more than the {} allowed", range->size(),
                        rt.limits().max_range));
  }
  return Value::object(range);
}

void set_attribute(Runtime& rt, Namespace& ns, const Value& key, const Value& value) {
  if (!key.is_string() || key.view().substr(0, 1) == "_") {
    rt.fail("the attributes of a namespace must be names without a leading underscore");
  }
  rt.charge_memory(2 * sizeof(Value));
  ns.attributes.set(key, value);
}

// The pairs that dict(x) and namespace(x) start from: a dict's own, or a list of pairs.
template <class Fn>
void for_each_pair(Runtime& rt, const Value& v, const Fn& fn) {
  if (const auto* dict = v.as<Dict>()) {
    for (const auto& [key, value] : dict->entries) fn(key, value);
    return;
  }
  for (const Value& item : iterate(rt, v)) {
    const std::vector<Value> pair = iterate(rt, item);
    if (pair.size() != 2) rt.fail("a dict is made from a dict or from pairs");
    fn(pair[0], pair[1]);
  }
}

Value make_namespace(Runtime& rt, const Bound& a) {
  auto* ns = rt.make<Namespace>();
  const auto set = [&](const Value& key, const Value& value) {
    set_attribute(rt, *ns, key, value);
  };
  if (a.has(0)) for_each_pair(rt, a[0], set);
  for (const auto& [name, value] : a.rest.keyword) set(Value::string(name), value);
  return Value::object(ns);
}

Value make_dict(Runtime& rt, const Bound& a) {
  auto* dict = rt.make<Dict>();
  const auto set = [&](const Value& key, const Value& value) {
    if (!is_hashable(rt, key)) rt.fail(fmt::format("a '{}' cannot be a key", type_name(key)));
    rt.charge_memory(2 * sizeof(Value));
    dict->set(key, value);
  };
  if (a.has(0)) for_each_pair(rt, a[0], set);
  for (const auto& [name, value] : a.rest.keyword) set(Value::string(name), value);
  return Value::object(dict);
}

Value make_cycler(Runtime& rt, const Bound& a) {
  if (a.rest.positional.empty()) rt.fail("cycler() needs something to choose from");
  return Value::object(rt.make<Cycler>(a.rest.positional));
}

Value make_joiner(Runtime& rt, const Bound& a) {
  return Value::object(rt.make<Joiner>(a.has(0) ? a[0] : rt.string(", ")));
}

// The message goes out as it is: front ends match on it.
Value raise_exception(Runtime& rt, const Bound& a) {
  throw Error(ErrorCode::bad_input, soft_text(rt, a[0]).bytes(),
              fmt::format("the chat template refuses this conversation (its line {})", rt.line));
}

Value strftime_now(Runtime& rt, const Bound& a) {
  const Text& format = text_argument(rt, a, 0);
  rt.check_text_size(format.size(), 32);  // no directive is longer than its date and time
  return rt.string(format_time(rt.now(), format.view()));
}

constexpr std::array kFunctions = std::to_array<Builtin>({
    {"range", make_range, {"start", "stop", "step"}, 1},
    {"namespace", make_namespace, {"mapping"}, 0, true},
    {"dict", make_dict, {"mapping"}, 0, true},
    {"cycler", make_cycler, {}, 0, true},
    {"joiner", make_joiner, {"sep"}, 0},
    {"raise_exception", raise_exception, {"message"}, 1},
    {"strftime_now", strftime_now, {"format"}, 1},
});

}  // namespace

std::span<const Builtin> all_functions() noexcept { return kFunctions; }

}  // namespace wattle::chat::jinja
