// SPDX-License-Identifier: Apache-2.0
// The rules of a grammar while it is written.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_input.h"

namespace wattle::json_schema {

class Rules {
 public:
  // The name of a new rule, made of letters of `wanted`; set() gives it its body.
  std::string reserve(std::string_view wanted);
  void set(const std::string& name, std::string body);

  // A rule that JSON consists of: "ws", "char", "string", "number", "integer", "boolean", "null",
  // "value", "object", "array". Adds it and those it uses. Returns the name.
  std::string json(std::string_view name);

  // All of them, "root" first.
  std::string text(const std::string& root_body) const;

 private:
  struct Named {
    std::string name;
    std::string body;
  };
  std::vector<Named> rules_;
  std::set<std::string, std::less<>> names_{"root"};
  std::map<std::string, size_t> n_reserved_;  // by the name wanted
};

// The keyword `key` of the schema that counts something: 0 to 10,000 (grammar::Limits::max_repeat).
// Throws Error{bad_input} or, where it is too large, Error{unsupported}.
std::optional<size_t> count_of(const Json& schema, const char* key, const std::string& where);

// "{2,5}", "*" and the like. Throws Error{bad_input} at `where` where max is less than min.
std::string repetition(size_t min, std::optional<size_t> max, const std::string& where);

}  // namespace wattle::json_schema
