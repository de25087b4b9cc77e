// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/json_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/json_input.h"
#include "base/utf8.h"
#include "sampling/json_schema/gbnf_text.h"
#include "sampling/json_schema/integer_range.h"
#include "sampling/json_schema/keywords.h"
#include "sampling/json_schema/merge.h"
#include "sampling/json_schema/other_keys.h"
#include "sampling/json_schema/rules.h"
#include "sampling/json_schema/string_type.h"
#include "wattle/error.h"

namespace wattle::json_schema {
namespace {

constexpr size_t kMaxDepth = 100;       // schemas in each other, references followed
constexpr size_t kMaxSchemas = 50'000;  // looked at, all in all

std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class Converter {
 public:
  explicit Converter(const Json& root) : root_(root) {}

  std::string run() {
    // "#" is the root itself: whoever refers to it comes back here.
    const std::string body = of(root_, "#", 0);
    return rules_.text(body);
  }

 private:
  [[noreturn]] static void fail(const std::string& where, const std::string& what,
                                ErrorCode code = ErrorCode::bad_input,
                                const std::string& hint = {}) {
    throw Error(code, fmt::format("schema, {}: {}", where, what), hint);
  }

  void check_depth(const std::string& where, size_t depth) {
    if (depth > kMaxDepth) {
      fail(where, fmt::format("schemas nest more than {} levels deep", kMaxDepth));
    }
    if (++n_schemas_ > kMaxSchemas) {
      fail(where, fmt::format("more than {} schemas when they are merged", kMaxSchemas));
    }
  }

  // GBNF of one symbol that describes what the schema allows.
  std::string of(const Json& schema, const std::string& where, size_t depth) {
    check_depth(where, depth);
    check_keywords(schema, where);
    if (schema == true) return rules_.json("value");
    if (schema == false) fail(where, "nothing fits 'false'");
    if (!constrains(schema)) return rules_.json("value");
    if (schema.contains("$ref") && !constrains(schema, "$ref"))
      return reference(schema, where, depth);
    const Json flat = flattened(schema, where, depth);
    if (flat.contains("anyOf") || flat.contains("oneOf")) return any_of(flat, where, depth);
    if (flat.contains("const") || flat.contains("enum")) return one_of_values(flat, where);
    return of_types(flat, where, depth);
  }

  // A rule for what the reference names, so that it may name itself.
  std::string reference(const Json& schema, const std::string& where, size_t depth) {
    const std::string pointer = pointer_of(schema, where);
    if (const auto it = references_.find(pointer); it != references_.end()) return it->second;
    const std::string name = rules_.reserve(pointer == "#" ? "root-again" : last_part(pointer));
    references_[pointer] = name;
    rules_.set(name, of(resolve(pointer, where), pointer, depth + 1));
    return name;
  }

  static std::string last_part(const std::string& pointer) {
    return pointer.substr(pointer.rfind('/') + 1);
  }

  static std::string pointer_of(const Json& schema, const std::string& where) {
    const Json& ref = schema.at("$ref");
    if (!ref.is_string()) fail(where, "'$ref' is no text");
    const std::string text = ref.get<std::string>();
    if (text != "#" && !text.starts_with("#/")) {
      fail(where, fmt::format("'$ref' is '{}', which is not within the schema", text),
           ErrorCode::unsupported, "copy what it names to $defs and refer to '#/$defs/...'");
    }
    return text;
  }

  const Json& resolve(const std::string& pointer, const std::string& where) const {
    try {
      return root_.at(Json::json_pointer(pointer.substr(1)));
    } catch (const Json::exception&) {
      fail(where, fmt::format("'$ref' is '{}', and nothing is there", pointer));
    }
  }

  // Without $ref and allOf: what they say is merged in.
  Json flattened(const Json& schema, const std::string& where, size_t depth) {
    check_depth(where, depth);
    check_keywords(schema, where);
    if (schema == true) return Json::object();
    if (schema == false) fail(where, "nothing fits 'false'");
    Json flat = schema;
    if (flat.contains("$ref")) {
      const std::string pointer = pointer_of(flat, where);
      flat.erase("$ref");
      flat = merge(flattened(resolve(pointer, where), pointer, depth + 1),
                   flattened(flat, where, depth + 1), where);
    }
    if (flat.contains("allOf")) {
      const Json parts = flat.at("allOf");
      if (!parts.is_array() || parts.empty()) fail(where + "/allOf", "expected a list of schemas");
      flat.erase("allOf");
      for (size_t i = 0; i < parts.size(); ++i) {
        flat = merge(std::move(flat),
                     flattened(parts[i], fmt::format("{}/allOf/{}", where, i), depth + 1), where);
      }
      return flattened(flat, where, depth + 1);
    }
    return flat;
  }

  // What stands beside anyOf holds for each option.
  std::string any_of(const Json& schema, const std::string& where, size_t depth) {
    if (schema.contains("anyOf") && schema.contains("oneOf")) {
      fail(where, "anyOf and oneOf beside each other are not supported", ErrorCode::unsupported);
    }
    const char* key = schema.contains("anyOf") ? "anyOf" : "oneOf";
    const Json& options = schema.at(key);
    if (!options.is_array() || options.empty()) {
      fail(fmt::format("{}/{}", where, key), "expected a list of schemas");
    }
    Json common = schema;
    common.erase(key);
    std::vector<std::string> symbols;
    for (size_t i = 0; i < options.size(); ++i) {
      const std::string place = fmt::format("{}/{}/{}", where, key, i);
      symbols.push_back(
          constrains(common)
              ? of(merge(common, flattened(options[i], place, depth + 1), place), place, depth + 1)
              : of(options[i], place, depth + 1));
    }
    return choice(symbols);
  }

  static std::string choice(const std::vector<std::string>& symbols) {
    if (symbols.size() == 1) return symbols.front();
    return fmt::format("( {} )", fmt::join(symbols, " | "));
  }

  static bool is_of_type(const Json& value, const std::string& type) {
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "number") return value.is_number();
    return value.is_number_integer() ||
           (value.is_number() && std::floor(value.get<double>()) == value.get<double>());
  }

  std::string one_of_values(const Json& schema, const std::string& where) {
    Json values = schema.contains("enum") ? schema.at("enum") : Json::array({schema.at("const")});
    if (!values.is_array() || values.empty()) fail(where + "/enum", "expected a list of values");
    for (const auto& [key, value] : schema.items()) {
      if (is_annotation(key) || key == "enum" || key == "const" || key == "type") continue;
      fail(where, fmt::format("'{}' beside enum or const is not supported", key),
           ErrorCode::unsupported, "leave out the values that do not fit it");
    }
    const std::vector<std::string> types =
        schema.contains("type") ? types_of(schema, where) : std::vector<std::string>();
    std::vector<std::string> literals;
    for (const Json& value : values) {
      if (schema.contains("const") && value != schema.at("const")) continue;
      const bool fits = types.empty() || std::any_of(types.begin(), types.end(), [&](auto& type) {
                          return is_of_type(value, type);
                        });
      if (fits) literals.push_back(literal(text_of(value)));
    }
    if (literals.empty()) fail(where, "no value of enum or const fits the rest");
    return choice(literals);
  }

  std::string of_types(const Json& schema, const std::string& where, size_t depth) {
    const std::vector<std::string> types = types_of(schema, where);
    if (types.empty()) return rules_.json("value");  // annotations alone, when all is merged
    std::vector<std::string> symbols;
    for (const std::string& type : types) {
      if (type == "string") {
        symbols.push_back(string_type(schema, where, rules_));
      } else if (type == "object") {
        symbols.push_back(object(schema, where, depth));
      } else if (type == "array") {
        symbols.push_back(array(schema, where, depth));
      } else if (type == "integer") {
        symbols.push_back(integer(schema, where));
      } else {
        if (type == "number") refuse_bounds(schema, where);
        symbols.push_back(rules_.json(type));
      }
    }
    return choice(symbols);
  }

  static void refuse_bounds(const Json& schema, const std::string& where) {
    for (const char* key : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}) {
      if (!schema.contains(key)) continue;
      fail(where, fmt::format("'{}' is supported for type integer only", key),
           ErrorCode::unsupported, "leave it out, or make the type integer");
    }
  }

  // The nearest integer that a bound allows; nothing where there is no such bound.
  static std::optional<int64_t> bound(const Json& schema, const char* key, bool is_lower,
                                      bool is_exclusive, const std::string& where) {
    if (!schema.contains(key)) return std::nullopt;
    const Json& value = schema.at(key);
    if (!value.is_number()) fail(fmt::format("{}/{}", where, key), "expected a number");
    int64_t whole = 0;
    bool is_whole = value.is_number_integer();
    if (is_whole) {
      whole = value.get<int64_t>();
    } else {
      const double number = value.get<double>();
      const double rounded = is_lower ? std::ceil(number) : std::floor(number);
      if (!(std::abs(rounded) < 9e18)) {
        fail(fmt::format("{}/{}", where, key), "the number is too large", ErrorCode::unsupported);
      }
      whole = static_cast<int64_t>(rounded);
      is_whole = rounded == number;
    }
    if (is_exclusive && is_whole) {
      if (whole == (is_lower ? INT64_MAX : INT64_MIN)) {
        fail(fmt::format("{}/{}", where, key), "the number is too large", ErrorCode::unsupported);
      }
      whole += is_lower ? 1 : -1;
    }
    return whole;
  }

  std::string integer(const Json& schema, const std::string& where) {
    auto min = bound(schema, "minimum", true, false, where);
    auto max = bound(schema, "maximum", false, false, where);
    const auto above = bound(schema, "exclusiveMinimum", true, true, where);
    const auto below = bound(schema, "exclusiveMaximum", false, true, where);
    if (above) min = min ? std::max(*min, *above) : *above;
    if (below) max = max ? std::min(*max, *below) : *below;
    if (!min && !max) return rules_.json("integer");
    if (min && max && *max < *min) fail(where, "no integer lies between its bounds");
    return "( " + integer_range(min, max) + " )";
  }

  // ---- arrays

  std::string array(const Json& schema, const std::string& where, size_t depth) {
    const size_t min = count_of(schema, "minItems", where).value_or(0);
    const auto max = count_of(schema, "maxItems", where);
    const Json first = schema.value("prefixItems", Json::array());
    if (!first.is_array()) fail(where + "/prefixItems", "expected a list of schemas");
    const bool is_tuple = !first.empty();
    // As with properties: behind a prefix nothing comes unless it is described.
    const Json items = schema.contains("items") ? schema.at("items") : Json(!is_tuple);
    if (!is_tuple && items == false && min > 0) fail(where, "no item may be there, but must be");
    if (!is_tuple && items == false) return "( \"[\" " + rules_.json("ws") + " \"]\" )";
    if (max && *max < min) (void)repetition(min, max, where);  // says so
    const std::string ws = rules_.json("ws");
    const std::string name = rules_.reserve(last_part(where));
    std::string body;
    if (is_tuple) {
      body = tuple(first, items, min, max, where, depth);
    } else {
      const std::string item = of(items, where + "/items", depth + 1);
      const size_t more_min = min == 0 ? 0 : min - 1;
      if (!max || *max > 1) {
        const auto more_max = max ? std::optional(*max - 1) : std::nullopt;
        body = fmt::format("{} ( \",\" {} {} ){}", item, ws, item,
                           repetition(more_min, more_max, where));
      } else if (*max == 1) {
        body = item;
      }
    }
    if (body.empty()) {
      rules_.set(name, fmt::format("\"[\" {} \"]\"", ws));
    } else if (min == 0 && !is_tuple) {
      rules_.set(name, fmt::format("\"[\" {} ( {} {} )? \"]\"", ws, body, ws));
    } else {
      rules_.set(name, fmt::format("\"[\" {} {} {} \"]\"", ws, body, ws));
    }
    return name;
  }

  // All of the prefix comes, although a schema that does not say minItems would do with less.
  std::string tuple(const Json& first, const Json& items, size_t min, std::optional<size_t> max,
                    const std::string& where, size_t depth) {
    const std::string ws = rules_.json("ws");
    if (max && *max < first.size()) {
      fail(where, fmt::format("maxItems is {}, but prefixItems has {}", *max, first.size()),
           ErrorCode::unsupported);
    }
    std::string body;
    for (size_t i = 0; i < first.size(); ++i) {
      if (i > 0) body += " \",\" " + ws + " ";
      body += of(first[i], fmt::format("{}/prefixItems/{}", where, i), depth + 1);
    }
    const size_t more_min = min > first.size() ? min - first.size() : 0;
    if (items == false) {
      if (more_min > 0) fail(where, "minItems asks for more items than may be there");
      return body;
    }
    const auto more_max = max ? std::optional(*max - first.size()) : std::nullopt;
    return body + fmt::format(" ( \",\" {} {} ){}", ws, of(items, where + "/items", depth + 1),
                              repetition(more_min, more_max, where));
  }

  // ---- objects

  struct Property {
    std::string name;
    std::string member;  // GBNF of name and value
    bool is_required = false;
  };

  std::string object(const Json& schema, const std::string& where, size_t depth) {
    const std::string ws = rules_.json("ws");
    const std::string name = rules_.reserve(where == "#" ? "root-object" : last_part(where));
    const std::vector<Property> properties = properties_of(schema, where, depth);
    const std::string other = other_member(schema, properties, where, depth);
    if (properties.empty() && other.empty()) {
      rules_.set(name, fmt::format("\"{{\" {} \"}}\"", ws));
      return name;
    }
    const std::string others = other.empty() ? "" : fmt::format("( \",\" {} {} )*", ws, other);

    // rest[i]: what may follow when a property before i has been written. Rules, because as text it
    // would stand once for each property that may be the first.
    std::vector<std::string> rest(properties.size() + 1, others);
    for (size_t i = properties.size(); i-- > 0;) {
      const Property& p = properties[i];
      std::string body =
          fmt::format("( \",\" {} {} ){} {}", ws, p.member, p.is_required ? "" : "?", rest[i + 1]);
      rest[i] = rules_.reserve(name + "-rest");
      rules_.set(rest[i], std::move(body));
    }
    std::vector<std::string> begins;
    bool may_be_empty = true;
    for (size_t i = 0; i < properties.size() && may_be_empty; ++i) {
      begins.push_back(properties[i].member + " " + rest[i + 1]);
      may_be_empty = !properties[i].is_required;
    }
    if (may_be_empty && !other.empty()) begins.push_back(other + " " + others);
    rules_.set(name, fmt::format("\"{{\" {} ( {} {} ){} \"}}\"", ws, choice(begins), ws,
                                 may_be_empty ? "?" : ""));
    return name;
  }

  std::vector<Property> properties_of(const Json& schema, const std::string& where, size_t depth) {
    const Json described = schema.value("properties", Json::object());
    const Json required = schema.value("required", Json::array());
    if (!described.is_object()) fail(where + "/properties", "expected an object");
    if (!required.is_array()) fail(where + "/required", "expected a list of names");
    const std::string ws = rules_.json("ws");
    std::vector<Property> all;
    const auto add = [&](const std::string& name, const Json& value, bool is_required) {
      const std::string place = fmt::format("{}/properties/{}", where, name);
      all.push_back(
          {name,
           fmt::format("{} {} {}", literal(text_of(name) + ":"), ws, of(value, place, depth + 1)),
           is_required});
    };
    std::set<std::string> still_required;
    for (const Json& name : required) {
      if (!name.is_string()) fail(where + "/required", "expected a list of names");
      still_required.insert(name.get<std::string>());
    }
    for (const auto& [name, value] : described.items()) {
      const bool is_required = still_required.erase(name) != 0;
      if (value == false && !is_required) continue;
      add(name, value, is_required);
    }
    const Json others = schema.value("additionalProperties", Json(true));
    for (const Json& name : required) {
      if (still_required.erase(name.get<std::string>()) == 0) continue;
      if (others == false) {
        fail(where, fmt::format("property {} is required but not described", text_of(name)));
      }
      add(name.get<std::string>(), others, true);
    }
    return all;
  }

  // GBNF of one member that is not described; empty where there may be none. An object of which
  // nothing is described may hold anything; else what is described is all, unless the schema says
  // otherwise.
  std::string other_member(const Json& schema, const std::vector<Property>& properties,
                           const std::string& where, size_t depth) {
    const Json others = schema.contains("additionalProperties")
                            ? schema.at("additionalProperties")
                            : Json(!schema.contains("properties"));
    if (others == false) return "";
    std::vector<std::string> names;
    names.reserve(properties.size());
    for (const Property& p : properties) names.push_back(p.name);
    const Json described = schema.value("properties", Json::object());
    for (const auto& [name, value] : described.items()) {
      if (value == false) names.push_back(name);
    }
    const std::string key = names.empty() ? rules_.json("string") : other_key(names, rules_);
    return fmt::format("{} \":\" {} {}", key, rules_.json("ws"),
                       of(others, where + "/additionalProperties", depth + 1));
  }

  const Json& root_;
  Rules rules_;
  std::map<std::string, std::string> references_;  // pointer to rule
  size_t n_schemas_ = 0;
};

}  // namespace

std::string to_gbnf(std::string_view schema) {
  if (!utf8::is_valid(schema)) {
    throw Error(ErrorCode::bad_input, "schema: it is not UTF-8");
  }
  const Json json = parse_json(schema, "schema");
  return Converter(json).run();
}

}  // namespace wattle::json_schema
