// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sampling/grammar/ast.h"
#include "wattle/error.h"

namespace wattle::json_schema {
namespace {

struct JsonRule {
  std::string_view name;
  std::string_view body;
  std::string_view uses;  // names, each with a space behind it
};

// Half a character is none: \uD83D stands only before \uDE00 and the like. One line of indentation
// at most: models that may write white space without end sometimes do.
constexpr JsonRule kJsonRules[] = {
    {"ws", R"(( " " | "\n" [ \t]{0,20} )?)", ""},
    {"hex", "[0-9a-fA-F]", ""},
    {"unit",
     R"(( [0-9a-cefA-CEF] hex | [dD] [0-7] ) hex{2} | [dD] [89abAB] hex{2} "\\u" [dD] [c-fC-F] hex{2})",
     "hex "},
    {"char", R"([^"\\\x00-\x1F] | "\\" ( ["\\/bfnrt] | "u" unit ))", "unit "},
    {"string", R"("\"" char* "\"")", "char "},
    {"number",
     R"("-"? ( "0" | [1-9] [0-9]{0,15} ) ( "." [0-9]{1,16} )? ( [eE] [+\-]? [0-9]{1,2} )?)", ""},
    // A model that has begun to write digits does not always know how to stop.
    {"integer", R"("0" | "-"? [1-9] [0-9]{0,15})", ""},
    {"boolean", R"("true" | "false")", ""},
    {"null", R"("null")", ""},
    {"value", "string | number | boolean | null | object | array",
     "string number boolean null object array "},
    {"member", R"(string ":" ws value)", "string ws value "},
    {"object", R"("{" ws ( member ( "," ws member )* ws )? "}")", "ws member "},
    {"array", R"("[" ws ( value ( "," ws value )* ws )? "]")", "ws value "},
};

}  // namespace

std::string Rules::reserve(std::string_view wanted) {
  std::string base;
  for (const char c : wanted) {
    const bool is_name_char =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_name_char) {
      base += c;
    } else if (!base.empty() && base.back() != '-') {
      base += '-';
    }
  }
  if (base.empty()) base = "rule";
  const auto is_taken = [&](const std::string& name) {
    return names_.contains(name) ||
           std::any_of(std::begin(kJsonRules), std::end(kJsonRules),
                       [&](const JsonRule& rule) { return rule.name == name; });
  };
  size_t& n = n_reserved_[base];
  std::string name;
  do {
    name = ++n == 1 ? base : fmt::format("{}-{}", base, n);
  } while (is_taken(name));
  names_.insert(name);
  return name;
}

void Rules::set(const std::string& name, std::string body) {
  rules_.push_back({name, std::move(body)});
}

std::string Rules::json(std::string_view name) {
  if (names_.contains(name)) return std::string(name);
  names_.emplace(name);
  const auto* rule = std::find_if(std::begin(kJsonRules), std::end(kJsonRules),
                                  [&](const JsonRule& r) { return r.name == name; });
  set(std::string(name), std::string(rule->body));
  for (std::string_view uses = rule->uses; !uses.empty();) {
    const size_t end = uses.find(' ');
    json(uses.substr(0, end));
    uses.remove_prefix(end + 1);
  }
  return std::string(name);
}

std::string Rules::text(const std::string& root_body) const {
  std::string text = fmt::format("root ::= {}\n", root_body);
  for (const auto& [name, body] : rules_) text += fmt::format("{} ::= {}\n", name, body);
  return text;
}

std::optional<size_t> count_of(const Json& schema, const char* key, const std::string& where) {
  if (!schema.contains(key)) return std::nullopt;
  const Json& value = schema.at(key);
  const double number = value.is_number() ? value.get<double>() : -1.0;
  const auto count = static_cast<size_t>(std::clamp(number, 0.0, 1e9));
  if (number < 0 || (number <= 1e9 && static_cast<double>(count) != number)) {
    throw Error(ErrorCode::bad_input,
                fmt::format("schema, {}/{}: found {}, expected a whole number, 0 or more", where,
                            key, value.dump(-1, ' ', false, Json::error_handler_t::replace)));
  }
  const size_t most = grammar::Limits().max_repeat;
  if (count > most) {
    throw Error(ErrorCode::unsupported,
                fmt::format("schema, {}/{}: {} is more than {}", where, key, number, most),
                "leave it out where it does not matter");
  }
  return count;
}

std::string repetition(size_t min, std::optional<size_t> max, const std::string& where) {
  if (max && *max < min) {
    throw Error(ErrorCode::bad_input,
                fmt::format("schema, {}: at most {} is less than at least {}", where, *max, min));
  }
  if (!max) return min == 0 ? "*" : fmt::format("{{{},}}", min);
  return fmt::format("{{{},{}}}", min, *max);
}

}  // namespace wattle::json_schema
