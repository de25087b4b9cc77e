// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/builtin.h"

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"

namespace wattle::chat::jinja {

Bound bind(Runtime& rt, const Builtin& builtin, const Value* self, Arguments&& arguments) {
  Bound bound;
  size_t n_parameters = 0;
  while (n_parameters < kMaxParameters && !builtin.parameters[n_parameters].empty()) ++n_parameters;

  size_t next = 0;
  const auto take = [&](Value v) {
    if (next < n_parameters) {
      bound.values_[next] = std::move(v);
      bound.given_[next++] = true;
    } else if (builtin.variadic) {
      bound.rest.positional.push_back(std::move(v));
    } else {
      rt.fail(fmt::format("{}() takes {} arguments at most", builtin.name,
                          n_parameters - (self != nullptr ? 1 : 0)));
    }
  };
  if (self != nullptr) {
    if (self->is_string()) rt.step_bytes(self->text().size());
    take(*self);
  }
  for (Value& v : arguments.positional) take(std::move(v));

  for (auto& [name, value] : arguments.keyword) {
    const std::string_view key = name->text.view();
    const auto* begin = builtin.parameters.begin();
    const auto* it = std::find(begin, begin + n_parameters, key);
    const auto i = static_cast<size_t>(it - begin);
    if (i == n_parameters) {
      if (!builtin.variadic) {
        rt.fail(fmt::format("{}() has no parameter '{}'", builtin.name, key));
      }
      bound.rest.keyword.emplace_back(std::move(name), std::move(value));
      continue;
    }
    if (bound.given_[i]) {
      rt.fail(fmt::format("{}() got two values for its parameter '{}'", builtin.name, key));
    }
    bound.values_[i] = std::move(value);
    bound.given_[i] = true;
  }
  for (size_t i = 0; i < builtin.n_required; ++i) {
    if (!bound.given_[i]) {
      rt.fail(fmt::format("{}() needs its parameter '{}'", builtin.name, builtin.parameters[i]));
    }
  }
  return bound;
}

Value call_builtin(Runtime& rt, const Builtin& builtin, const Value* self, Arguments&& arguments) {
  return builtin.call(rt, bind(rt, builtin, self, std::move(arguments)));
}

const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name) noexcept {
  for (const Builtin& b : table) {
    if (b.name == name) return &b;
  }
  return nullptr;
}

int64_t integer_argument(Runtime& rt, const Bound& a, size_t i) {
  if (!a[i].is_integral()) {
    rt.fail(fmt::format("expected an integer, got '{}'", type_name(a[i])));
  }
  return a[i].as_integer();
}

int64_t integer_argument(Runtime& rt, const Bound& a, size_t i, int64_t otherwise) {
  return a.has(i) ? integer_argument(rt, a, i) : otherwise;
}

bool flag_argument(const Bound& a, size_t i, bool otherwise) {
  return a.has(i) ? truthy(a[i]) : otherwise;
}

const Text& text_argument(Runtime& rt, const Bound& a, size_t i) {
  if (!a[i].is_string()) rt.fail(fmt::format("expected a string, got '{}'", type_name(a[i])));
  return a[i].text();
}

Text soft_text(Runtime& rt, const Value& v) {
  if (v.is_string()) return v.text();
  Text out;
  append_str(rt, out, v);
  return out;
}

}  // namespace wattle::chat::jinja
