// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "sampling/json_schema/keywords.h"
#include "wattle/error.h"

namespace wattle::json_schema {
namespace {

bool is_one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

[[noreturn]] void fail_nothing(const std::string& where, const std::string& key) {
  throw Error(ErrorCode::bad_input,
              fmt::format("schema, {}: nothing fits both values of '{}'", where, key));
}

Json as_array(const Json& value) { return value.is_array() ? value : Json::array({value}); }

// Values that are in both; of types, an integer is a number too.
Json intersection(const Json& a, const Json& b, bool are_types) {
  Json both = Json::array();
  const std::set<Json> of_b(b.begin(), b.end());
  std::set<Json> taken;
  const auto add = [&](const Json& value) {
    if (taken.insert(value).second) both.push_back(value);
  };
  for (const Json& value : a) {
    if (of_b.contains(value)) add(value);
    if (are_types && value == "number" && of_b.contains("integer")) add("integer");
    if (are_types && value == "integer" && of_b.contains("number")) add("integer");
  }
  return both;
}

// Both schemas, kept apart: they are merged when it is their turn.
Json both_of(const Json& a, const Json& b) {
  if (a == false || b == false) return false;
  if (a == true) return b;
  if (b == true) return a;
  return {{"allOf", Json::array({a, b})}};
}

// What one side says of all that it does not describe holds for what the other side adds.
void check_added(const Json& one, const Json& other, const std::string& where) {
  if (one.contains("items") && !one.contains("prefixItems") && other.contains("prefixItems")) {
    throw Error(ErrorCode::unsupported,
                fmt::format("schema, {}: 'items' of one schema and 'prefixItems' of another must "
                            "hold at once",
                            where),
                "write what both allow as one schema");
  }
  const Json rest = one.value("additionalProperties", Json(true));
  if (rest == true || (rest.is_object() && !constrains(rest))) return;
  const Json known = one.value("properties", Json::object());
  const Json others = other.value("properties", Json::object());
  if (!known.is_object() || !others.is_object()) return;  // refused later
  for (const auto& [name, schema] : others.items()) {
    if (known.contains(name)) continue;
    throw Error(ErrorCode::unsupported,
                fmt::format("schema, {}: property '{}' is added to an object that has "
                            "'additionalProperties'",
                            where, name),
                "say additionalProperties once, beside allOf");
  }
}

Json merge_value(const std::string& key, const Json& a, const Json& b, const std::string& where) {
  if (a == b || is_annotation(key)) return a;
  if (key == "type") {
    Json types = intersection(as_array(a), as_array(b), true);
    if (types.empty()) fail_nothing(where, key);
    return types.size() == 1 ? types.front() : types;
  }
  if (key == "enum" && a.is_array() && b.is_array()) {
    Json values = intersection(a, b, false);
    if (values.empty()) fail_nothing(where, key);
    return values;
  }
  if (key == "const") fail_nothing(where, key);
  if (key == "required" && a.is_array() && b.is_array()) {
    Json all = a;
    std::set<Json> taken(a.begin(), a.end());
    for (const Json& name : b) {
      if (taken.insert(name).second) all.push_back(name);
    }
    return all;
  }
  if (key == "properties" && a.is_object() && b.is_object()) {
    Json all = a;
    for (const auto& [name, schema] : b.items()) {
      all[name] = all.contains(name) ? both_of(all.at(name), schema) : schema;
    }
    return all;
  }
  if (is_one_of(key, {"items", "additionalProperties"})) return both_of(a, b);
  if (a.is_number() && b.is_number()) {
    if (is_one_of(key, {"minimum", "exclusiveMinimum", "minLength", "minItems"})) {
      return a < b ? b : a;
    }
    if (is_one_of(key, {"maximum", "exclusiveMaximum", "maxLength", "maxItems"})) {
      return a < b ? a : b;
    }
  }
  throw Error(ErrorCode::unsupported,
              fmt::format("schema, {}: two different values of '{}' must hold at once", where, key),
              "write what both allow as one schema");
}

}  // namespace

Json merge(Json a, const Json& b, const std::string& where) {
  check_added(a, b, where);
  check_added(b, a, where);
  for (const auto& [key, value] : b.items()) {
    a[key] = a.contains(key) ? merge_value(key, a.at(key), value, where) : value;
  }
  return a;
}

}  // namespace wattle::json_schema
