// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/keywords.h"

#include <fmt/format.h>

#include <algorithm>

#include "wattle/error.h"

namespace wattle::json_schema {
namespace {

constexpr std::string_view kAnnotations[] = {
    "$schema",         "$id",           "$comment",    "$defs",         "definitions",
    "$vocabulary",     "title",         "description", "default",       "examples",
    "example",         "deprecated",    "readOnly",    "writeOnly",     "contentMediaType",
    "contentEncoding", "contentSchema", "id",          "discriminator", "externalDocs",
};

struct Honoured {
  std::string_view key;
  std::string_view type;  // empty: of any
};
constexpr Honoured kHonoured[] = {
    {"type", ""},
    {"enum", ""},
    {"const", ""},
    {"$ref", ""},
    {"allOf", ""},
    {"anyOf", ""},
    {"oneOf", ""},
    {"properties", "object"},
    {"required", "object"},
    {"additionalProperties", "object"},
    {"items", "array"},
    {"prefixItems", "array"},
    {"minItems", "array"},
    {"maxItems", "array"},
    {"pattern", "string"},
    {"format", "string"},
    {"minLength", "string"},
    {"maxLength", "string"},
    {"minimum", "integer"},
    {"maximum", "integer"},
    {"exclusiveMinimum", "integer"},
    {"exclusiveMaximum", "integer"},
};

constexpr std::string_view kTypes[] = {"string", "number", "integer", "boolean",
                                       "null",   "object", "array"};

const Honoured* find_honoured(std::string_view key) {
  const auto* it = std::find_if(std::begin(kHonoured), std::end(kHonoured),
                                [&](const Honoured& h) { return h.key == key; });
  return it == std::end(kHonoured) ? nullptr : it;
}

}  // namespace

bool is_annotation(std::string_view key) {
  return key.starts_with("x-") ||
         std::find(std::begin(kAnnotations), std::end(kAnnotations), key) != std::end(kAnnotations);
}

bool constrains(const Json& schema, std::string_view but) {
  for (const auto& [key, value] : schema.items()) {
    if (key != but && !is_annotation(key)) return true;
  }
  return false;
}

void check_keywords(const Json& schema, const std::string& where) {
  if (schema.is_boolean()) return;
  if (!schema.is_object()) {
    throw Error(ErrorCode::bad_input,
                fmt::format("schema, {}: found {}, expected an object", where, schema.type_name()));
  }
  for (const auto& [key, value] : schema.items()) {
    if (is_annotation(key) || find_honoured(key) != nullptr) continue;
    // It says nothing then.
    if (key == "uniqueItems" && value == false) continue;
    throw Error(ErrorCode::unsupported,
                fmt::format("schema, {}: the keyword '{}' is not supported", where, key),
                "docs/grammar.md lists those that are");
  }
}

std::vector<std::string> types_of(const Json& schema, const std::string& where) {
  std::vector<std::string> types;
  const auto add = [&](std::string_view type) {
    if (std::find(types.begin(), types.end(), type) == types.end()) types.emplace_back(type);
  };
  if (!schema.contains("type")) {
    for (const auto& [key, value] : schema.items()) {
      const Honoured* honoured = find_honoured(key);
      if (honoured != nullptr && !honoured->type.empty()) add(honoured->type);
    }
    return types;
  }
  const Json& type = schema.at("type");
  for (const Json& one : type.is_array() ? type : Json::array({type})) {
    if (!one.is_string() || std::find(std::begin(kTypes), std::end(kTypes),
                                      one.get<std::string>()) == std::end(kTypes)) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("schema, {}/type: {} is no type", where,
                              one.dump(-1, ' ', false, Json::error_handler_t::replace)),
                  "types are string, number, integer, boolean, null, object and array");
    }
    add(one.get<std::string>());
  }
  if (types.empty()) {
    throw Error(ErrorCode::bad_input, fmt::format("schema, {}/type: it names no type", where));
  }
  return types;
}

}  // namespace wattle::json_schema
