// SPDX-License-Identifier: Apache-2.0
// Filters that reorder, cut, join and add up.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "chat/jinja/access.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/text_ops.h"
#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

Value filter_length(Runtime& rt, const Bound& a) { return Value::integer(length(rt, a[0])); }

Value filter_list(Runtime& rt, const Bound& a) { return rt.list(iterate(rt, a[0])); }

Value filter_first(Runtime& rt, const Bound& a) {
  if (auto* generator = a[0].as<Generator>()) {
    return generator->next < generator->items.size() ? generator->items[generator->next++]
                                                     : Value();
  }
  const std::vector<Value> items = iterate(rt, a[0]);
  return items.empty() ? Value() : items.front();
}

void fail_if_generator(Runtime& rt, const Value& v, std::string_view filter) {
  if (v.as<Generator>() != nullptr) {
    rt.fail(fmt::format("{}: a 'generator' has no end to begin from; make a list of it", filter));
  }
}

Value filter_last(Runtime& rt, const Bound& a) {
  fail_if_generator(rt, a[0], "last");
  const std::vector<Value> items = iterate(rt, a[0]);
  return items.empty() ? Value() : items.back();
}

Value filter_reverse(Runtime& rt, const Bound& a) {
  if (a[0].is_string()) {
    const Text& text = a[0].text();
    Text out;
    for (size_t pos = text.size(); pos > 0;) {
      const size_t end = pos;
      previous_code_point(text.view(), pos);
      out.append(text, pos, end);
    }
    return rt.string(std::move(out));
  }
  std::vector<Value> items = iterate(rt, a[0]);
  std::reverse(items.begin(), items.end());
  return rt.generator(std::move(items));
}

Value filter_join(Runtime& rt, const Bound& a) {
  const Text separator = a.has(1) ? soft_text(rt, a[1]) : Text();
  const ItemKey key(rt, a[2]);
  Text out;
  bool first = true;
  for (const Value& item : iterate(rt, a[0])) {
    rt.check_text_size(out.size() + separator.size());
    if (!first) out.append(separator);
    first = false;
    append_str(rt, out, key(item));
  }
  return rt.string(std::move(out));
}

Value filter_sum(Runtime& rt, const Bound& a) {
  const ItemKey key(rt, a[1]);
  Value total = a.has(2) ? a[2] : Value::integer(0);
  if (total.is_string()) rt.fail("sum does not add strings; use join");
  for (const Value& item : iterate(rt, a[0])) total = binary(rt, BinaryOp::add, total, key(item));
  return total;
}

Value extreme(Runtime& rt, const Bound& a, bool greatest) {
  const ItemKey key(rt, a[2], !flag_argument(a, 1, false));
  const std::vector<Value> items = iterate(rt, a[0]);
  if (items.empty()) return {};
  size_t best = 0;
  Value best_key = key(items[0]);
  for (size_t i = 1; i < items.size(); ++i) {
    Value k = key(items[i]);
    const auto order = compare(rt, k, best_key, greatest ? ">" : "<");
    if (greatest ? order > 0 : order < 0) {
      best = i;
      best_key = std::move(k);
    }
  }
  return items[best];
}

// Stable, also where reversed, as in Python. `keys` belong to the items by position.
std::vector<Value> sorted_by(Runtime& rt, const std::vector<Value>& items,
                             const std::vector<Value>& keys, bool reverse) {
  std::vector<size_t> order(items.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) {
    return reverse ? compare(rt, keys[y], keys[x], "<") < 0
                   : compare(rt, keys[x], keys[y], "<") < 0;
  });
  std::vector<Value> result;
  result.reserve(items.size());
  for (const size_t i : order) result.push_back(items[i]);
  return result;
}

// "city,name" sorts by several attributes.
Value filter_sort(Runtime& rt, const Bound& a) {
  const bool ignore_case = !flag_argument(a, 2, false);
  std::vector<ItemKey> parts;
  if (a[3].is_string()) {
    for (const Text& part : split(rt, a[3].text(), ",", -1)) {
      parts.emplace_back(rt, rt.string(part), ignore_case);
    }
  } else {
    parts.emplace_back(rt, a[3], ignore_case);
  }
  const std::vector<Value> items = iterate(rt, a[0]);
  std::vector<Value> keys;
  for (const Value& item : items) {
    std::vector<Value> key;
    key.reserve(parts.size());
    for (const ItemKey& part : parts) key.push_back(part(item));
    keys.push_back(rt.list(std::move(key)));  // lists of undefined values compare, those do not
  }
  return rt.list(sorted_by(rt, items, keys, flag_argument(a, 1, false)));
}

Value filter_unique(Runtime& rt, const Bound& a) {
  const ItemKey key(rt, a[2], !flag_argument(a, 1, false));
  std::unordered_set<Value, ValueHash, KeyEqual> seen;
  std::vector<Value> result;
  for (const Value& item : iterate(rt, a[0])) {
    Value k = key(item);
    if (!is_hashable(rt, k))
      rt.fail(fmt::format("unique: a '{}' cannot be compared", type_name(k)));
    if (seen.insert(std::move(k)).second) result.push_back(item);
  }
  return rt.generator(std::move(result));
}

Value filter_dictsort(Runtime& rt, const Bound& a) {
  const auto* dict = a[0].as<Dict>();
  if (a[0].is_undefined()) rt.fail_undefined(a[0].as_undefined());
  if (dict == nullptr) rt.fail(fmt::format("dictsort needs a dict, got '{}'", type_name(a[0])));
  const std::string_view by = a.has(2) ? text_argument(rt, a, 2).view() : "key";
  if (by != "key" && by != "value") {
    rt.fail(fmt::format("dictsort: by='{}', expected 'key' or 'value'", by));
  }
  const ItemKey key(rt, Value::none(), !flag_argument(a, 1, false));
  std::vector<Value> items;
  std::vector<Value> keys;
  for (const auto& [k, v] : dict->entries) {
    items.push_back(rt.tuple({k, v}));
    keys.push_back(key(by == "key" ? k : v));
  }
  return rt.list(sorted_by(rt, items, keys, flag_argument(a, 3, false)));
}

Value filter_items(Runtime& rt, const Bound& a) {
  if (a[0].is_undefined()) return rt.generator({});
  const auto* dict = a[0].as<Dict>();
  if (dict == nullptr) {
    rt.fail(fmt::format("items needs a dict, got '{}'", type_name(a[0])));
  }
  std::vector<Value> items;
  items.reserve(dict->entries.size());
  for (const auto& [k, v] : dict->entries) items.push_back(rt.tuple({k, v}));
  return rt.generator(std::move(items));
}

Value filter_batch(Runtime& rt, const Bound& a) {
  const int64_t size = integer_argument(rt, a, 1);
  std::vector<Value> batches;
  std::vector<Value> batch;
  for (const Value& item : iterate(rt, a[0])) {
    if (static_cast<int64_t>(batch.size()) == size) {
      batches.push_back(rt.list(std::move(batch)));
      batch = {};
    }
    batch.push_back(item);
  }
  if (!batch.empty()) {
    if (!a.absent_or_none(2) && static_cast<int64_t>(batch.size()) < size) {
      rt.check_list_size(static_cast<size_t>(size));
      batch.resize(static_cast<size_t>(size), a[2]);
    }
    batches.push_back(rt.list(std::move(batch)));
  }
  return rt.generator(std::move(batches));
}

Value filter_slice(Runtime& rt, const Bound& a) {
  const std::vector<Value> items = iterate(rt, a[0]);
  const int64_t n_slices = integer_argument(rt, a, 1);
  if (n_slices == 0) rt.fail("slice: into zero slices");
  if (n_slices < 0) return rt.generator({});
  rt.check_list_size(static_cast<size_t>(n_slices));
  const size_t n = static_cast<size_t>(n_slices);
  const size_t each = items.size() / n;
  const size_t with_one_more = items.size() % n;
  std::vector<Value> slices;
  size_t begin = 0;
  for (size_t i = 0; i < n; ++i) {
    const size_t end = begin + each + (i < with_one_more ? 1 : 0);
    std::vector<Value> part(items.begin() + static_cast<std::ptrdiff_t>(begin),
                            items.begin() + static_cast<std::ptrdiff_t>(end));
    if (!a.absent_or_none(2) && i >= with_one_more) part.push_back(a[2]);
    slices.push_back(rt.list(std::move(part)));
    begin = end;
  }
  return rt.generator(std::move(slices));
}

// Lists of items whose attribute is equal, sorted by it.
Value filter_groupby(Runtime& rt, const Bound& a) {
  const bool ignore_case = !flag_argument(a, 3, false);
  std::optional<Value> otherwise;
  if (!a.absent_or_none(2)) otherwise = a[2];
  const ItemKey key(rt, a[1], ignore_case, otherwise);
  const ItemKey shown_key(rt, a[1], false, otherwise);
  const std::vector<Value> unsorted = iterate(rt, a[0]);
  std::vector<Value> keys;
  keys.reserve(unsorted.size());
  for (const Value& item : unsorted) keys.push_back(key(item));
  const std::vector<Value> items = sorted_by(rt, unsorted, keys, false);
  std::vector<Value> groups;
  for (size_t begin = 0; begin < items.size();) {
    const Value group_key = key(items[begin]);
    size_t end = begin + 1;
    while (end < items.size() && equal(rt, key(items[end]), group_key)) ++end;
    std::vector<Value> members(items.begin() + static_cast<std::ptrdiff_t>(begin),
                               items.begin() + static_cast<std::ptrdiff_t>(end));
    const Value shown = shown_key(items[begin]);
    const Value group = rt.tuple({shown, rt.list(std::move(members))});
    group.as<Sequence>()->is_group = true;
    groups.push_back(group);
    begin = end;
  }
  return rt.list(std::move(groups));
}

constexpr std::array kFilters = std::to_array<Builtin>({
    {"batch", filter_batch, {"value", "linecount", "fill_with"}, 2},
    {"count", filter_length, {"value"}, 1},
    {"dictsort", filter_dictsort, {"value", "case_sensitive", "by", "reverse"}, 1},
    {"first", filter_first, {"value"}, 1},
    {"groupby", filter_groupby, {"value", "attribute", "default", "case_sensitive"}, 2},
    {"items", filter_items, {"value"}, 1},
    {"join", filter_join, {"value", "d", "attribute"}, 1},
    {"last", filter_last, {"value"}, 1},
    {"length", filter_length, {"value"}, 1},
    {"list", filter_list, {"value"}, 1},
    {"max",
     [](Runtime& rt, const Bound& a) { return extreme(rt, a, true); },
     {"value", "case_sensitive", "attribute"},
     1},
    {"min",
     [](Runtime& rt, const Bound& a) { return extreme(rt, a, false); },
     {"value", "case_sensitive", "attribute"},
     1},
    {"reverse", filter_reverse, {"value"}, 1},
    {"slice", filter_slice, {"value", "slices", "fill_with"}, 2},
    {"sort", filter_sort, {"value", "reverse", "case_sensitive", "attribute"}, 1},
    {"sum", filter_sum, {"value", "attribute", "start"}, 1},
    {"unique", filter_unique, {"value", "case_sensitive", "attribute"}, 1},
});

}  // namespace

std::span<const Builtin> sequence_filters() noexcept { return kFilters; }

}  // namespace wattle::chat::jinja
