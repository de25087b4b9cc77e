// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/builtin.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

// How an error names the value that lacks an attribute.
const char* owner_name(const Value& v) noexcept {
  if (v.is_none()) return "None";
  if (v.is_string()) return "str object";
  if (v.is_boolean()) return "bool object";
  if (v.is_integer()) return "int object";
  if (v.is_real()) return "float object";
  if (!v.is_object()) return "undefined value";
  switch (v.as_object()->kind) {
    case ObjectKind::list: return "list object";
    case ObjectKind::tuple: return "tuple object";
    case ObjectKind::dict: return "dict object";
    case ObjectKind::name_space: return "namespace";
    case ObjectKind::loop: return "loop";
    case ObjectKind::macro: return "macro";
    default: return "object";
  }
}

Value missing(const Value& owner, StringRef name, bool unsafe = false) {
  return Value::undefined({owner_name(owner), std::move(name), unsafe});
}

std::optional<Value> range_attribute(const Range& r, std::string_view name) {
  if (name == "start") return Value::integer(r.start);
  if (name == "stop") return Value::integer(r.stop);
  if (name == "step") return Value::integer(r.step);
  return std::nullopt;
}

// Attributes that are no methods.
std::optional<Value> data_attribute(Runtime& rt, const Value& v, std::string_view name) {
  if (v.is_integral()) {
    if (name == "real" || name == "numerator") return Value::integer(v.as_integer());
    if (name == "imag") return Value::integer(0);
    if (name == "denominator") return Value::integer(1);
    return std::nullopt;
  }
  if (v.is_real()) {
    if (name == "real") return v;
    if (name == "imag") return Value::real(0);
    return std::nullopt;
  }
  if (!v.is_object()) return std::nullopt;
  if (const auto* ns = v.as<Namespace>()) {
    const Value* found = ns->attributes.find(name);
    return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
  }
  if (const auto* loop = v.as<Loop>()) return loop->attribute(rt, name);
  if (const auto* macro = v.as<Macro>()) return macro->attribute(rt, name);
  if (const auto* range = v.as<Range>()) return range_attribute(*range, name);
  if (const auto* cycler = v.as<Cycler>(); cycler != nullptr && name == "current") {
    return cycler->items[cycler->position];
  }
  if (const auto* tuple = v.as<Sequence>(); tuple != nullptr && tuple->is_group) {
    if (name == "grouper") return tuple->items[0];
    if (name == "list") return tuple->items[1];
  }
  return std::nullopt;
}

// The attribute, an undefined value that the sandbox refuses, or nothing.
std::optional<Value> find_attribute(Runtime& rt, const Value& v, const StringRef& name) {
  const std::string_view s = name->text.view();
  rt.step_bytes(s.size());
  if (is_unsafe_attribute(v, s)) return missing(v, name, true);
  if (v.is_undefined()) rt.fail_undefined(v.as_undefined());
  if (auto data = data_attribute(rt, v, s)) return data;
  if (const Builtin* method = find_method(v, s)) return Value::object(rt.make<Method>(method, v));
  return std::nullopt;
}

// v[i] with i counted from the end where negative.
std::optional<size_t> position(int64_t i, int64_t size) noexcept {
  if (i < 0) i += size;
  if (i < 0 || i >= size) return std::nullopt;
  return static_cast<size_t>(i);
}

std::optional<Value> code_point_at(Runtime& rt, const Text& text, int64_t index) {
  const std::string_view s = text.view();
  rt.step_bytes(s.size());
  if (index < 0) index += static_cast<int64_t>(count_code_points(s));
  if (index < 0) return std::nullopt;
  for (size_t pos = 0; pos < s.size(); --index) {
    const size_t begin = pos;
    next_code_point(s, pos);
    if (index == 0) return rt.string(text.part(begin, pos));
  }
  return std::nullopt;
}

std::optional<Value> find_item(Runtime& rt, const Value& v, const Value& key) {
  if (v.is_undefined()) rt.fail_undefined(v.as_undefined());
  if (const auto* dict = v.as<Dict>()) {
    if (!is_hashable(rt, key)) return std::nullopt;
    const Value* found = dict->find(key);
    return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
  }
  if (!key.is_integral()) return std::nullopt;
  if (v.is_string()) return code_point_at(rt, v.text(), key.as_integer());
  if (const auto* s = v.as<Sequence>()) {
    const auto i = position(key.as_integer(), static_cast<int64_t>(s->items.size()));
    return i ? std::optional<Value>(s->items[*i]) : std::nullopt;
  }
  if (const auto* r = v.as<Range>()) {
    const auto i = position(key.as_integer(), r->size());
    return i ? std::optional<Value>(Value::integer(r->at(static_cast<int64_t>(*i)))) : std::nullopt;
  }
  return std::nullopt;
}

struct SliceBounds {
  int64_t first = 0;
  int64_t step = 1;
  int64_t count = 0;
};

// Python's rules: bounds beyond the ends are moved to the ends.
SliceBounds slice_bounds(Runtime& rt, const Value& start, const Value& stop, const Value& step,
                         int64_t size) {
  SliceBounds b;
  if (step.is_integral()) b.step = step.as_integer();
  if (b.step == 0) rt.fail("slice step cannot be zero");
  // Beyond the size nothing changes, and the arithmetic below stays within 64 bits.
  b.step = std::clamp(b.step, -size - 1, size + 1);
  if (b.step == 0) b.step = 1;
  const bool down = b.step < 0;
  const auto clip = [&](const Value& v, int64_t otherwise) {
    if (!v.is_integral()) return otherwise;
    int64_t i = v.as_integer();
    if (i < 0) i = i < -size ? -1 : i + size;
    if (i < 0) return down ? int64_t{-1} : int64_t{0};
    return std::min(i, down ? size - 1 : size);
  };
  b.first = clip(start, down ? size - 1 : 0);
  const int64_t last = clip(stop, down ? -1 : size);
  const int64_t distance = down ? b.first - last : last - b.first;
  const int64_t stride = down ? -b.step : b.step;
  b.count = distance <= 0 ? 0 : (distance - 1) / stride + 1;
  return b;
}

Value slice_text(Runtime& rt, const Text& text, const Value& start, const Value& stop,
                 const Value& step) {
  const std::string_view s = text.view();
  std::vector<uint32_t> begins;  // of the code points, and the end; texts are below 4 GiB
  begins.reserve(s.size() + 1);
  for (size_t pos = 0; pos < s.size();) {
    begins.push_back(static_cast<uint32_t>(pos));
    next_code_point(s, pos);
  }
  const auto size = static_cast<int64_t>(begins.size());
  begins.push_back(static_cast<uint32_t>(s.size()));
  rt.step_bytes(s.size());
  const SliceBounds b = slice_bounds(rt, start, stop, step, size);
  if (b.step == 1) {
    const auto first = static_cast<size_t>(b.first);
    return rt.string(
        text.part(begins[std::min(first, begins.size() - 1)],
                  begins[std::min(first + static_cast<size_t>(b.count), begins.size() - 1)]));
  }
  Text out;
  for (int64_t i = 0; i < b.count; ++i) {
    const auto at = static_cast<size_t>(b.first + i * b.step);
    out.append(text, begins[at], begins[at + 1]);
  }
  return rt.string(std::move(out));
}

std::vector<Value> code_points(Runtime& rt, const Text& text) {
  std::vector<Value> items;
  const std::string_view s = text.view();
  for (size_t pos = 0; pos < s.size();) {
    const size_t begin = pos;
    next_code_point(s, pos);
    rt.step();
    items.push_back(rt.string(text.part(begin, pos)));
  }
  return items;
}

std::vector<Value> view_items(Runtime& rt, const DictView& view) {
  std::vector<Value> items;
  items.reserve(view.dict->entries.size());
  for (const auto& [key, value] : view.dict->entries) {
    switch (view.kind) {
      case ObjectKind::dict_keys: items.push_back(key); break;
      case ObjectKind::dict_values: items.push_back(value); break;
      default: items.push_back(rt.tuple({key, value})); break;
    }
  }
  return items;
}

}  // namespace

Value get_attribute(Runtime& rt, const Value& v, const StringRef& name) {
  if (auto found = find_attribute(rt, v, name)) return *std::move(found);
  if (auto found = find_item(rt, v, Value::string(name))) return *std::move(found);
  return missing(v, name);
}

Value get_attribute_only(Runtime& rt, const Value& v, const StringRef& name) {
  if (auto found = find_attribute(rt, v, name)) return *std::move(found);
  return missing(v, name);
}

Value get_item(Runtime& rt, const Value& v, const Value& key) {
  if (auto found = find_item(rt, v, key)) return *std::move(found);
  if (key.is_string()) {
    if (auto found = find_attribute(rt, v, key.as_string())) return *std::move(found);
    return missing(v, key.as_string());
  }
  Text name;
  append_repr(rt, name, key);
  return missing(v, rt.string(std::move(name)).as_string());
}

Value get_slice(Runtime& rt, const Value& v, const Value& start, const Value& stop,
                const Value& step) {
  if (v.is_undefined()) rt.fail_undefined(v.as_undefined());
  for (const Value* bound : {&start, &stop, &step}) {
    if (!bound->is_none() && !bound->is_integral()) {
      rt.fail(fmt::format("a slice needs integers, got '{}'", type_name(*bound)));
    }
  }
  if (v.is_string()) return slice_text(rt, v.text(), start, stop, step);
  if (const auto* s = v.as<Sequence>()) {
    const auto size = static_cast<int64_t>(s->items.size());
    const SliceBounds b = slice_bounds(rt, start, stop, step, size);
    rt.step(static_cast<uint64_t>(b.count));
    std::vector<Value> items;
    items.reserve(static_cast<size_t>(b.count));
    for (int64_t i = 0; i < b.count; ++i) {
      items.push_back(s->items[static_cast<size_t>(b.first + i * b.step)]);
    }
    return rt.sequence(s->kind, std::move(items));
  }
  if (const auto* r = v.as<Range>()) {
    const SliceBounds b = slice_bounds(rt, start, stop, step, r->size());
    if (b.count == 0) return Value::object(rt.make<Range>(0, 0, 1));
    const int64_t first = r->at(b.first);
    if (b.count == 1) return Value::object(rt.make<Range>(first, first + 1, 1));
    // The last item lies within the old range, so nothing here overflows.
    const int64_t stride = r->step * b.step;
    const int64_t last = r->at(b.first + (b.count - 1) * b.step);
    return Value::object(rt.make<Range>(first, last + (stride > 0 ? 1 : -1), stride));
  }
  rt.fail(fmt::format("a '{}' has no slices", type_name(v)));
}

std::optional<int64_t> try_length(const Value& v) {
  if (v.is_undefined()) return 0;
  if (v.is_string()) return static_cast<int64_t>(count_code_points(v.view()));
  if (const auto* s = v.as<Sequence>()) return static_cast<int64_t>(s->items.size());
  if (const auto* d = v.as<Dict>()) return static_cast<int64_t>(d->entries.size());
  if (const auto* w = v.as<DictView>()) return static_cast<int64_t>(w->dict->entries.size());
  if (const auto* r = v.as<Range>()) return r->size();
  if (const auto* l = v.as<Loop>()) return static_cast<int64_t>(l->items.size());
  return std::nullopt;
}

int64_t length(Runtime& rt, const Value& v) {
  if (v.is_string()) rt.step_bytes(v.text().size());
  if (const auto n = try_length(v)) return *n;
  rt.fail(fmt::format("a '{}' has no length", type_name(v)));
}

std::vector<Value> iterate(Runtime& rt, const Value& v) {
  if (v.is_undefined()) return {};
  if (v.is_string()) return code_points(rt, v.text());
  if (auto* generator = v.as<Generator>()) {
    std::vector<Value> items(
        generator->items.begin() + static_cast<std::ptrdiff_t>(generator->next),
        generator->items.end());
    generator->next = generator->items.size();
    rt.step(items.size());
    return items;
  }
  const auto n = try_length(v);
  if (!n || v.as<Loop>() != nullptr) {
    rt.fail(fmt::format("'{}' object is not iterable", type_name(v)));
  }
  rt.check_list_size(static_cast<size_t>(*n));
  rt.step(static_cast<uint64_t>(*n));
  if (const auto* s = v.as<Sequence>()) return s->items;
  if (const auto* w = v.as<DictView>()) return view_items(rt, *w);
  std::vector<Value> items;
  items.reserve(static_cast<size_t>(*n));
  if (const auto* d = v.as<Dict>()) {
    for (const auto& [key, value] : d->entries) items.push_back(key);
  } else if (const auto* r = v.as<Range>()) {
    for (int64_t i = 0; i < *n; ++i) items.push_back(Value::integer(r->at(i)));
  }
  return items;
}

bool is_iterable(const Value& v) noexcept {
  if (v.is_undefined() || v.is_string()) return true;
  if (!v.is_object()) return false;
  switch (v.as_object()->kind) {
    case ObjectKind::list:
    case ObjectKind::tuple:
    case ObjectKind::dict:
    case ObjectKind::dict_keys:
    case ObjectKind::dict_values:
    case ObjectKind::dict_items:
    case ObjectKind::range:
    case ObjectKind::generator: return true;
    default: return false;
  }
}

}  // namespace wattle::chat::jinja
