// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/string_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "sampling/json_schema/pattern.h"
#include "wattle/error.h"

namespace wattle::json_schema {
namespace {

// What may stand between the quotes; of dates only those that there are, from the year 1. Macros of
// text: constants cannot be put together otherwise.
#define WATTLE_DATE                                                                      \
  R"(( ( [1-9] [0-9]{3} | "0" [1-9] [0-9]{2} | "00" [1-9] [0-9] | "000" [1-9] ) "-" ( )" \
  R"(( "0" [13578] | "1" [02] ) "-" ( "0" [1-9] | [12] [0-9] | "3" [01] ) | )"           \
  R"(( "0" [469] | "11" ) "-" ( "0" [1-9] | [12] [0-9] | "30" ) | )"                     \
  R"("02-" ( "0" [1-9] | "1" [0-9] | "2" [0-8] ) ) | )"                                  \
  R"(( [0-9]{2} ( "0" [48] | [2468] [048] | [13579] [26] ) | )"                          \
  R"(( "0" [48] | [2468] [048] | [13579] [26] ) "00" ) "-02-29" ))"
#define WATTLE_TIME                                                                    \
  R"(( [01] [0-9] | "2" [0-3] ) ":" [0-5] [0-9] ":" [0-5] [0-9] ( "." [0-9]{1,9} )? )" \
  R"(( "Z" | [+\-] ( [01] [0-9] | "2" [0-3] ) ":" [0-5] [0-9] ))"
#define WATTLE_LABEL R"([a-zA-Z0-9] ( [a-zA-Z0-9\-]{0,61} [a-zA-Z0-9] )?)"
#define WATTLE_HOST WATTLE_LABEL R"( ( "." )" WATTLE_LABEL R"( )*)"

struct Format {
  std::string_view name;
  std::string_view body;
};
constexpr Format kFormats[] = {
    {"date", WATTLE_DATE},
    {"time", WATTLE_TIME},
    {"date-time", WATTLE_DATE R"( "T" )" WATTLE_TIME},
    // RFC 3339, appendix A.
    {"duration",
     R"("P" ( [0-9]{1,9} "W" | ( ( [0-9]{1,9} "Y" ( [0-9]{1,9} "M" ( [0-9]{1,9} "D" )? )? | )"
     R"([0-9]{1,9} "M" ( [0-9]{1,9} "D" )? | [0-9]{1,9} "D" ) ( "T" ( )"
     R"([0-9]{1,9} "H" ( [0-9]{1,9} "M" ( [0-9]{1,9} "S" )? )? | [0-9]{1,9} "M" ( [0-9]{1,9} "S" )? )"
     R"(| [0-9]{1,9} "S" ) )? ) | "T" ( [0-9]{1,9} "H" ( [0-9]{1,9} "M" ( [0-9]{1,9} "S" )? )? | )"
     R"([0-9]{1,9} "M" ( [0-9]{1,9} "S" )? | [0-9]{1,9} "S" ) ))"},
    {"uuid", R"([0-9a-fA-F]{8} ( "-" [0-9a-fA-F]{4} ){3} "-" [0-9a-fA-F]{12})"},
    {"ipv4", R"(( "25" [0-5] | "2" [0-4] [0-9] | "1" [0-9] [0-9] | [1-9]? [0-9] ) )"
             R"(( "." ( "25" [0-5] | "2" [0-4] [0-9] | "1" [0-9] [0-9] | [1-9]? [0-9] ) ){3})"},
    {"hostname", WATTLE_HOST},
    {"email",
     R"([a-zA-Z0-9!#$%&'*+/=?^_`{|}~\-]+ ( "." [a-zA-Z0-9!#$%&'*+/=?^_`{|}~\-]+ )* "@" )" WATTLE_HOST},
};

#undef WATTLE_DATE
#undef WATTLE_TIME
#undef WATTLE_LABEL
#undef WATTLE_HOST

// Up to seven groups left and right of "::", or eight without it.
std::string ipv6() {
  const std::string group = "[0-9a-fA-F]{1,4}";
  const auto groups = [&](size_t n) {
    return n == 1 ? group : fmt::format("{0} ( \":\" {0} ){{{1}}}", group, n - 1);
  };
  std::string all = groups(8);
  for (size_t left = 0; left <= 7; ++left) {
    all += " | ";
    if (left > 0) all += groups(left) + " ";
    all += "\"::\"";
    if (left < 7) {
      all += fmt::format(" ( {0} ( \":\" {0} ){{0,{1}}} )?", group, 6 - left);
    }
  }
  return all;
}

std::string format_body(const Json& format, const std::string& where) {
  const std::string name = format.is_string() ? format.get<std::string>() : format.dump();
  if (name == "ipv6") return ipv6();
  const auto* it = std::find_if(std::begin(kFormats), std::end(kFormats),
                                [&](const Format& f) { return f.name == name; });
  if (it != std::end(kFormats)) return std::string(it->body);
  throw Error(ErrorCode::unsupported,
              fmt::format("schema, {}/format: '{}' is not supported", where, name),
              "known are date, time, date-time, duration, uuid, ipv4, ipv6, hostname and email; "
              "'pattern' says the rest");
}

}  // namespace

std::string string_type(const Json& schema, const std::string& where, Rules& rules) {
  const auto min = count_of(schema, "minLength", where);
  const auto max = count_of(schema, "maxLength", where);
  const bool has_pattern = schema.contains("pattern");
  const bool has_format = schema.contains("format");
  if (has_pattern + has_format + (min || max) > 1) {
    throw Error(ErrorCode::unsupported,
                fmt::format("schema, {}: only one of pattern, format and minLength / maxLength can "
                            "hold at once",
                            where),
                "a pattern can count: ^[a-z]{2,8}$");
  }
  if (has_format) {
    return fmt::format("( \"\\\"\" ( {} ) \"\\\"\" )", format_body(schema.at("format"), where));
  }
  if (has_pattern) {
    if (!schema.at("pattern").is_string()) {
      throw Error(ErrorCode::bad_input, fmt::format("schema, {}/pattern: it is no text", where));
    }
    return fmt::format(
        "( \"\\\"\" {} \"\\\"\" )",
        pattern_to_gbnf(schema.at("pattern").get<std::string>(),
                        fmt::format("schema, {}/pattern", where), rules.json("char")));
  }
  if (!min && !max) return rules.json("string");
  return fmt::format("( \"\\\"\" {}{} \"\\\"\" )", rules.json("char"),
                     repetition(min.value_or(0), max, where));
}

}  // namespace wattle::json_schema
