// SPDX-License-Identifier: Apache-2.0
// What a template computes with: Python's values, as far as chat templates meet them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "chat/jinja/text.h"

namespace wattle::chat::jinja {

struct Object;
struct String;
class Value;
using StringRef = std::shared_ptr<const String>;

// The result of looking up what is not there. Prints as nothing; most other uses are errors, and
// then `owner` and `name` say what was missing.
struct Undefined {
  const char* owner = nullptr;  // "dict object", ...; null: a variable
  StringRef name;               // may be null: the value simply is not there
  bool unsafe = false;          // an attribute that the sandbox refuses
};

struct None {};

// A value. Cheap to copy: strings are shared and immutable, containers belong to the Runtime that
// made them and must not outlive it.
class Value {
 public:
  Value() = default;  // undefined, without a name
  static Value undefined(Undefined u) { return Value(Data(std::move(u))); }
  static Value none() { return Value(Data(None{})); }
  static Value boolean(bool b) { return Value(Data(b)); }
  static Value integer(int64_t i) { return Value(Data(i)); }
  static Value real(double d) { return Value(Data(d)); }
  static Value string(StringRef s) { return Value(Data(std::move(s))); }
  static Value object(Object* o) { return Value(Data(o)); }

  bool is_undefined() const noexcept { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const noexcept { return std::holds_alternative<None>(data_); }
  bool is_boolean() const noexcept { return std::holds_alternative<bool>(data_); }
  bool is_integer() const noexcept { return std::holds_alternative<int64_t>(data_); }
  bool is_real() const noexcept { return std::holds_alternative<double>(data_); }
  bool is_string() const noexcept { return std::holds_alternative<StringRef>(data_); }
  bool is_object() const noexcept { return std::holds_alternative<Object*>(data_); }
  bool is_number() const noexcept { return is_integer() || is_real() || is_boolean(); }
  bool is_integral() const noexcept { return is_integer() || is_boolean(); }

  // Each needs the matching is_*().
  const Undefined& as_undefined() const { return std::get<Undefined>(data_); }
  bool as_boolean() const { return std::get<bool>(data_); }
  double as_real() const { return std::get<double>(data_); }
  const StringRef& as_string() const { return std::get<StringRef>(data_); }
  Object* as_object() const { return std::get<Object*>(data_); }
  inline const Text& text() const;
  inline std::string_view view() const;
  // Needs is_integral().
  int64_t as_integer() const { return is_boolean() ? as_boolean() : std::get<int64_t>(data_); }
  // Needs is_number().
  double to_real() const { return is_real() ? as_real() : static_cast<double>(as_integer()); }

  // The object as a T, or null where this is something else.
  template <class T>
  T* as() const noexcept;

 private:
  using Data = std::variant<Undefined, None, bool, int64_t, double, StringRef, Object*>;
  explicit Value(Data data) : data_(std::move(data)) {}

  Data data_;
};

// Live bytes of a render, shared by what it allocates.
struct MemoryMeter {
  size_t live_bytes = 0;
};

struct String {
  String(Text t, bool safe, MemoryMeter* m = nullptr);
  ~String();
  String(const String&) = delete;
  String& operator=(const String&) = delete;

  Text text;
  bool markup;  // marked by the filter `safe` or `escape`: + escapes what is added

 private:
  MemoryMeter* meter_;  // null: a constant of the template
};

inline const Text& Value::text() const { return as_string()->text; }
inline std::string_view Value::view() const { return as_string()->text.view(); }

struct ValueHash {
  size_t operator()(const Value& v) const;
};
// equal_keys() of operators.h.
struct KeyEqual {
  bool operator()(const Value& a, const Value& b) const;
};

// --- objects ---------------------------------------------------------------------------------

enum class ObjectKind : uint8_t {
  list,
  tuple,
  dict,
  dict_keys,
  dict_values,
  dict_items,
  range,
  generator,
  name_space,
  function,
  method,
  macro,
  loop,
  cycler,
  joiner,
  scope,
};

struct Object {
  explicit Object(ObjectKind k) : kind(k) {}
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  const ObjectKind kind;
};

struct Sequence final : Object {  // list or tuple
  Sequence(ObjectKind k, std::vector<Value> v) : Object(k), items(std::move(v)) {}
  static bool is(ObjectKind k) { return k == ObjectKind::list || k == ObjectKind::tuple; }

  std::vector<Value> items;
  bool is_group = false;  // a tuple of the filter groupby: has the attributes grouper and list
};

// Keys keep the order in which they came; setting one again keeps its place.
struct Dict final : Object {
  Dict() : Object(ObjectKind::dict) {}
  static bool is(ObjectKind k) { return k == ObjectKind::dict; }

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  // The key must be hashable (is_hashable() in operators.h).
  void set(const Value& key, Value value);

  std::vector<std::pair<Value, Value>> entries;

 private:
  // Index into entries, kept once there are more than a handful.
  std::unordered_map<Value, size_t, ValueHash, KeyEqual> index_;
};

struct DictView final : Object {  // what keys(), values(), items() give
  DictView(ObjectKind k, const Dict* d) : Object(k), dict(d) {}
  static bool is(ObjectKind k) {
    return k == ObjectKind::dict_keys || k == ObjectKind::dict_values ||
           k == ObjectKind::dict_items;
  }

  const Dict* dict;
};

struct Range final : Object {
  Range(int64_t b, int64_t e, int64_t s) : Object(ObjectKind::range), start(b), stop(e), step(s) {}
  static bool is(ObjectKind k) { return k == ObjectKind::range; }

  int64_t size() const noexcept;
  int64_t at(int64_t i) const noexcept { return start + i * step; }

  int64_t start, stop, step;  // step != 0; size() <= the limit on ranges
};

// What map, select and the like give: it can be walked once.
struct Generator final : Object {
  explicit Generator(std::vector<Value> v) : Object(ObjectKind::generator), items(std::move(v)) {}
  static bool is(ObjectKind k) { return k == ObjectKind::generator; }

  std::vector<Value> items;
  size_t next = 0;
};

struct Namespace final : Object {
  Namespace() : Object(ObjectKind::name_space) {}
  static bool is(ObjectKind k) { return k == ObjectKind::name_space; }

  Dict attributes;
};

struct Cycler final : Object {
  explicit Cycler(std::vector<Value> v) : Object(ObjectKind::cycler), items(std::move(v)) {}
  static bool is(ObjectKind k) { return k == ObjectKind::cycler; }

  std::vector<Value> items;
  size_t position = 0;
};

struct Joiner final : Object {
  explicit Joiner(Value s) : Object(ObjectKind::joiner), separator(std::move(s)) {}
  static bool is(ObjectKind k) { return k == ObjectKind::joiner; }

  Value separator;
  bool used = false;
};

struct Builtin;  // builtin.h

struct Function final : Object {  // range, namespace, raise_exception, ...
  explicit Function(const Builtin* b) : Object(ObjectKind::function), builtin(b) {}
  static bool is(ObjectKind k) { return k == ObjectKind::function; }

  const Builtin* builtin;
};

struct Method final : Object {  // 'abc'.upper
  Method(const Builtin* b, Value s) : Object(ObjectKind::method), builtin(b), self(std::move(s)) {}
  static bool is(ObjectKind k) { return k == ObjectKind::method; }

  const Builtin* builtin;
  Value self;
};

template <class T>
T* Value::as() const noexcept {
  const auto* o = std::get_if<Object*>(&data_);
  return o != nullptr && T::is((*o)->kind) ? static_cast<T*>(*o) : nullptr;
}

}  // namespace wattle::chat::jinja
