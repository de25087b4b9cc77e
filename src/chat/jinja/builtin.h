// SPDX-License-Identifier: Apache-2.0
// A filter, test, method or function that C++ implements, and how arguments reach it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/jinja/runtime.h"

namespace wattle::chat::jinja {

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<StringRef, Value>> keyword;
};

inline constexpr size_t kMaxParameters = 6;

// The arguments of a call, sorted into the parameters by position or name.
class Bound {
 public:
  bool has(size_t i) const noexcept { return given_[i]; }
  // Undefined where the argument was not given.
  const Value& operator[](size_t i) const noexcept { return values_[i]; }
  // Not given, or given as none.
  bool absent_or_none(size_t i) const noexcept { return !given_[i] || values_[i].is_none(); }

  Arguments rest;  // of a variadic builtin: what is beyond its parameters

 private:
  friend Bound bind(Runtime& rt, const struct Builtin& builtin, const Value* self,
                    Arguments&& arguments);
  std::array<Value, kMaxParameters> values_;
  std::array<bool, kMaxParameters> given_{};
};

struct Builtin {
  using Call = Value (*)(Runtime&, const Bound&);

  std::string_view name;
  Call call;
  std::array<std::string_view, kMaxParameters>
      parameters{};  // in order; of filters the value first
  uint8_t n_required = 0;
  bool variadic = false;
};

Bound bind(Runtime& rt, const Builtin& builtin, const Value* self, Arguments&& arguments);

// self: the value that a filter, test or method works on, its first parameter; null for functions.
Value call_builtin(Runtime& rt, const Builtin& builtin, const Value* self, Arguments&& arguments);

// The entry of that name, or null.
const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name) noexcept;

const Builtin* find_filter(std::string_view name) noexcept;
const Builtin* find_test(std::string_view name) noexcept;
std::span<const Builtin> all_functions() noexcept;
// The method of a value of that type, or null. `loop` and `cycler` have some, too.
const Builtin* find_method(const Value& v, std::string_view name) noexcept;
// A method that changes its value, or one of Python's own: there, but refused by the sandbox.
bool is_unsafe_attribute(const Value& v, std::string_view name) noexcept;

// --- reading arguments; they fail where the type is another
// ---------------------------------------
int64_t integer_argument(Runtime& rt, const Bound& a, size_t i);
int64_t integer_argument(Runtime& rt, const Bound& a, size_t i, int64_t otherwise);
bool flag_argument(const Bound& a, size_t i, bool otherwise);
// A string, for methods of str, which take nothing else.
const Text& text_argument(Runtime& rt, const Bound& a, size_t i);
// Any value as its text, for filters, which convert.
Text soft_text(Runtime& rt, const Value& v);

}  // namespace wattle::chat::jinja
