// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/json_schema.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/grammar/gbnf.h"
#include "sampling/grammar/machine.h"
#include "sampling/grammar/network.h"
#include "wattle/error.h"

namespace wattle::json_schema {
namespace {

grammar::Machine machine_of(std::string_view schema) {
  return grammar::Machine(grammar::build_network(grammar::parse_gbnf(to_gbnf(schema))));
}

bool fits(grammar::Machine& machine, std::string_view text) {
  auto at = machine.start();
  for (const char byte : text) at = machine.step(at, static_cast<uint8_t>(byte));
  return machine.may_end(at);
}

struct Case {
  const char* schema;
  std::vector<const char*> fit;
  std::vector<const char*> do_not;
};

void check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    grammar::Machine machine = machine_of(one.schema);
    for (const char* text : one.fit) {
      EXPECT_TRUE(fits(machine, text)) << one.schema << "\n" << text << "\n" << to_gbnf(one.schema);
    }
    for (const char* text : one.do_not) {
      EXPECT_FALSE(fits(machine, text)) << one.schema << "\n"
                                        << text << "\n"
                                        << to_gbnf(one.schema);
    }
  }
}

TEST(JsonSchema, Types) {
  check({
      {R"({"type": "string"})",
       {R"("")", R"("aé\n\"\\\u00e9\ud83d\ude00")"},
       {R"("a)", "\"\n\"", R"("\ud83d")", R"("\x")", "a", R"("\ude00")"}},
      {R"({"type": "integer"})",
       {"0", "-1", "1234567890123456"},
       {"01", "1.0", "-0", "12345678901234567"}},
      {R"({"type": "number"})", {"0", "-0.5", "1e5", "2.5E-10"}, {".5", "1.", "+1", "1e"}},
      {R"({"type": "boolean"})", {"true", "false"}, {"True", "1", ""}},
      {R"({"type": "null"})", {"null"}, {"nul", "0"}},
      {R"({"type": ["string", "null"]})", {R"("a")", "null"}, {"0"}},
      {R"({"type": "object"})",
       {"{}", R"({"a": [1, {"b": null}]})", "{\n  \"a\": 1\n}"},
       {"[]", R"({"a"})", R"({"a": 1,})"}},
      {R"({"type": "array"})", {"[]", R"([1, "a", []])"}, {"[1,]", "{}"}},
      {"{}", {"1", R"("a")", "{}", "[null]"}, {"x"}},
      {"true", {"1"}, {"x"}},
      {R"({"title": "only words", "x-any": 1})", {"1", "{}"}, {"x"}},
      {R"({"allOf": [{"title": "only words"}]})", {"1", "{}"}, {"x"}},
      {R"({"uniqueItems": false})", {"1", "[1, 1]"}, {"x"}},
  });
}

TEST(JsonSchema, Strings) {
  check({
      {R"({"minLength": 2, "maxLength": 3})",
       {R"("ab")", R"("日本語")", R"("a\n\u0041")"},
       {R"("a")", R"("abcd")"}},
      {R"({"type": "string", "minLength": 1})", {R"("a")", R"("abcdefgh")"}, {R"("")"}},
      {R"({"format": "date"})",
       {R"("2024-02-29")", R"("2000-02-29")", R"("0001-12-31")", R"("2023-02-28")",
        R"("0004-02-29")"},
       {R"("2024-13-01")", R"("24-01-01")", R"("2023-02-29")", R"("1900-02-29")", R"("2024-04-31")",
        R"("0000-01-01")", R"("0000-02-29")", R"("2024-02-30")", R"("2024-00-01")",
        R"("2024-01-00")"}},
      {R"({"format": "time"})",
       {R"("23:59:59Z")", R"("01:02:03.5+01:00")"},
       {R"("24:00:00Z")", R"("01:02:03")"}},
      {R"({"format": "date-time"})", {R"("2024-02-29T23:59:59Z")"}, {R"("2024-02-29 23:59:59Z")"}},
      {R"({"format": "duration"})",
       {R"("P1Y2M3D")", R"("PT5M")", R"("P3W")", R"("P1DT12H30M5S")"},
       {R"("P")", R"("PT")", R"("P1H")", R"("P1DT")"}},
      {R"({"format": "uuid"})", {R"("123e4567-e89b-12d3-a456-426614174000")"}, {R"("123e4567")"}},
      {R"({"format": "ipv4"})", {R"("192.168.0.255")"}, {R"("256.0.0.1")", R"("1.2.3")"}},
      {R"({"format": "ipv6"})",
       {R"("::")", R"("::1")", R"("fe80::1:2")", R"("1:2:3:4:5:6:7:8")", R"("1:2:3:4:5:6:7::")"},
       {R"(":1")", R"("1:2")", R"("1::2::3")", R"("1:2:3:4:5:6:7:8:9")", R"("1:2:3:4:5:6:7::8")"}},
      {R"({"format": "hostname"})", {R"("a.example-1.org")"}, {R"("-a")", R"("a..b")"}},
      {R"({"format": "email"})",
       {R"("a.b+c@example.org")"},
       {R"("a@")", R"("a b@c")", R"(".a@b")"}},
      {R"({"enum": ["a\"b", 1, null, {"x": [1]}]})",
       {R"("a\"b")", "1", "null", R"({"x":[1]})"},
       {R"("b")"}},
      {R"({"type": "string", "enum": ["a", null]})", {R"("a")"}, {"null"}},
      {R"({"const": "é"})", {R"("é")"}, {R"("e")"}},
  });
}

TEST(JsonSchema, Patterns) {
  check({
      {R"({"pattern": "^[a-c]{2,3}$"})",
       {R"("ab")", R"("abc")"},
       {R"("a")", R"("abcd")", R"("xab")"}},
      {R"({"pattern": "b+"})", {R"("b")", R"("abbc")", R"("\nb\"")"}, {R"("ac")"}},
      {R"({"pattern": "^a|b$"})", {R"("ax")", R"("xb")"}, {R"("xa")", R"("bx")"}},
      {R"({"pattern": "^(?:\\d{3}-)?\\w+\\s?$"})",
       {R"("123-ab_")", R"("x ")", R"("x\t")"},
       {R"("12-a")"}},
      {R"({"pattern": "^\"\\\\\\/$"})", {R"("\"\\/")"}, {R"(""\/")"}},
      {R"({"pattern": "^[^\"]$"})",
       {R"("a")", R"("\n")", R"("\\")", R"("\u0001")"},
       {R"("\"")", R"("\")"}},
      {R"({"pattern": "^.\\.\\u0041\\x42*?$"})", {R"("x.ABB")", R"("é.A")"}, {R"("\n.A")"}},
      {R"({"pattern": "^\\S[\\D]$"})", {R"("ax")"}, {R"("a1")", R"(" x")"}},
      {R"({"pattern": "^$"})", {R"("")"}, {R"("a")"}},
  });
}

// Every number around each bound, and a few far away.
TEST(JsonSchema, IntegerBounds) {
  const int64_t edges[] = {-1000, -101, -100, -99, -19, -10, -9,  -1,  0,    1,    5,
                           9,     10,   11,   42,  99,  100, 109, 999, 1000, 12345};
  for (const int64_t min : edges) {
    for (const int64_t max : edges) {
      if (max < min) continue;
      grammar::Machine machine = machine_of(R"({"minimum": )" + std::to_string(min) +
                                            R"(, "maximum": )" + std::to_string(max) + "}");
      for (int64_t n = -1100; n <= 1100; ++n) {
        ASSERT_EQ(fits(machine, std::to_string(n)), min <= n && n <= max)
            << min << " " << n << " " << max;
      }
      for (const int64_t n : {int64_t{12344}, int64_t{12345}, int64_t{12346}, int64_t{99999}}) {
        ASSERT_EQ(fits(machine, std::to_string(n)), min <= n && n <= max)
            << min << " " << n << " " << max;
      }
    }
  }
  check({
      {R"({"minimum": 7})",
       {"7", "10", "9999999999999999"},
       {"6", "-8", "07", "10000000000000000"}},
      {R"({"maximum": -7})", {"-7", "-10"}, {"-6", "0", "7"}},
      {R"({"exclusiveMinimum": 0, "exclusiveMaximum": 3})", {"1", "2"}, {"0", "3"}},
      {R"({"minimum": 0.5, "maximum": 2.5, "type": "integer"})", {"1", "2"}, {"0", "3"}},
      {R"({"minimum": -9223372036854775808, "maximum": 9223372036854775807})",
       {"-9223372036854775808", "9223372036854775807", "0"},
       {"-9223372036854775809", "9223372036854775808"}},
  });
}

TEST(JsonSchema, Arrays) {
  check({
      {R"({"items": {"type": "integer"}, "minItems": 1, "maxItems": 3})",
       {"[1]", "[1, 2,3]", "[\n  1\n]"},
       {"[]", "[1,2,3,4]", R"(["a"])"}},
      {R"({"items": {"type": "integer"}})", {"[]", "[ ]", "[1,2]"}, {"[,]"}},
      {R"({"items": {"type": "null"}, "maxItems": 1})", {"[]", "[null]"}, {"[null,null]"}},
      {R"({"type": "array", "maxItems": 0})", {"[]"}, {"[1]"}},
      {R"({"type": "array", "items": false})", {"[]"}, {"[1]"}},
      {R"({"prefixItems": [{"type": "integer"}, {"type": "null"}]})",
       {"[1,null]"},
       {"[1]", "[1,null,2]", "[]"}},
      {R"({"prefixItems": [{"const": 1}], "items": {"const": 2}, "minItems": 2, "maxItems": 3})",
       {"[1,2]", "[1,2,2]"},
       {"[1]", "[1,2,2,2]"}},
  });
}

TEST(JsonSchema, Objects) {
  check({
      {R"({"properties": {"a": {"type": "integer"}, "b": {"type": "null"}, "c": {}}, "required": ["b"]})",
       {R"({"b": null})", R"({"a":1,"b":null})", R"({"a": 1, "b": null, "c": []})",
        R"({"b":null,"c":0})"},
       {"{}", R"({"a":1})", R"({"b":null,"a":1})", R"({"b":null,})", R"({"b":null,"d":1})"}},
      {R"({"properties": {"a": {"const": 1}, "b": {"const": 2}}})",
       {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"},
       {R"({,"b":2})", R"({"a":1 "b":2})"}},
      {R"({"properties": {"na": {"const": 1}, "name": {"const": 2}}, "additionalProperties": {"const": 3}})",
       {R"({"na":1})", R"({"na":1,"name":2,"x":3})", R"({"n":3})", R"({"nam":3,"named":3,"":3})",
        R"({"nb":3})"},
       {R"({"na":3})", R"({"name":3})", R"({"\u006ea":3})", R"({"x":1})"}},
      {R"({"additionalProperties": {"type": "null"}})",
       {"{}", R"({"a":null,"b":null})"},
       {R"({"a":1})"}},
      {R"({"type": "object", "additionalProperties": false})", {"{}"}, {R"({"a":1})"}},
      {R"({"required": ["a\"b"]})",
       {R"({"a\"b": 1})", R"({"a\"b": 1, "c": 2})"},
       {"{}", R"({"c":1})"}},
      {R"({"properties": {"a": false, "b": {"const": 1}}})", {"{}", R"({"b":1})"}, {R"({"a":1})"}},
      // Names that rules have too.
      {R"({"properties": {"integer": {"items": {"type": "integer"}}, "value": {"type": "null"}, "root": {}}})",
       {R"({"integer":[1,2],"value":null,"root":{}})"},
       {R"({"integer":[[]]})", R"({"value":1})"}},
  });
}

TEST(JsonSchema, Combinations) {
  check({
      {R"({"anyOf": [{"type": "integer"}, {"type": "null"}]})", {"1", "null"}, {R"("a")"}},
      {R"({"properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})",
       {R"({"a":1})", R"({"b":1})", R"({"a":1,"b":1})"},
       {"{}"}},
      {R"({"allOf": [{"properties": {"a": {"type": "number"}}, "required": ["a"]},
                     {"properties": {"a": {"type": "integer", "minimum": 2}, "b": {"const": 1}}}]})",
       {R"({"a":2})", R"({"a":3,"b":1})"},
       {"{}", R"({"a":1})", R"({"a":2.5})"}},
      {R"({"allOf": [{"enum": [1, 2, 3]}, {"enum": [2, 3, 4]}, {"const": 3}]})", {"3"}, {"2"}},
      {R"({"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#/$defs/n", "minimum": 5}}})",
       {R"({"a":1})", R"({"b":5})"},
       {R"({"b":4})"}},
      {R"({"properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"]})",
       {R"({"next":null})", R"({"next": {"next": {"next":null}}})"},
       {R"({"next":1})", "null"}},
      {R"({"$ref": "#/definitions/a~1b%25"  , "definitions": {"a/b%25": {"const": 1}}})",
       {"1"},
       {"2"}},
  });
}

struct Fault {
  const char* schema;
  ErrorCode code;
  const char* message;  // a part of it
};
constexpr Fault kFaults[] = {
    {"", ErrorCode::bad_input, "schema: parse error"},
    {"[]", ErrorCode::bad_input, "schema, #: found array, expected an object"},
    {"false", ErrorCode::bad_input, "schema, #: nothing fits 'false'"},
    {"\xFF", ErrorCode::bad_input, "not UTF-8"},
    {R"({"type": "text"})", ErrorCode::bad_input, R"(schema, #/type: "text" is no type)"},
    {R"({"properties": {"a": {"not": {}}}})", ErrorCode::unsupported,
     "schema, #/properties/a: the keyword 'not' is not supported"},
    {R"({"patternProperties": {}})", ErrorCode::unsupported, "the keyword 'patternProperties'"},
    {R"({"uniqueItems": true})", ErrorCode::unsupported, "the keyword 'uniqueItems'"},
    {R"({"multipleOf": 2})", ErrorCode::unsupported, "the keyword 'multipleOf'"},
    {R"({"if": {}})", ErrorCode::unsupported, "the keyword 'if'"},
    {R"({"type": "number", "minimum": 1})", ErrorCode::unsupported,
     "'minimum' is supported for type integer only"},
    {R"({"format": "uri"})", ErrorCode::unsupported, "schema, #/format: 'uri' is not supported"},
    {R"({"pattern": "a", "minLength": 1})", ErrorCode::unsupported, "only one of pattern, format"},
    {R"x({"pattern": "(?=a)"})x", ErrorCode::unsupported,
     "schema, #/pattern: '(?=a)', character 2"},
    {R"({"pattern": "\\bx"})", ErrorCode::unsupported, "this escape is not supported"},
    {R"({"pattern": "(a)\\1"})", ErrorCode::unsupported, "this escape is not supported"},
    {R"({"pattern": "a(b"})", ErrorCode::bad_input, "a '(' is not closed"},
    {R"x({"pattern": "a)"})x", ErrorCode::bad_input, "this ')' has no '('"},
    {R"({"pattern": "a{99999}"})", ErrorCode::unsupported, "more than 9999 repetitions"},
    {R"({"pattern": "a{2,1}"})", ErrorCode::bad_input,
     "schema, #/pattern: 'a{2,1}', character 6: at most is less than at least"},
    {R"({"pattern": "a^b"})", ErrorCode::unsupported, "'^' is known only at the begin"},
    {R"x({"pattern": "(a$)"})x", ErrorCode::unsupported, "'$' is known only at the end"},
    {R"({"$ref": "https://example.org/a.json"})", ErrorCode::unsupported,
     "which is not within the schema"},
    {R"({"$ref": "#/$defs/a"})", ErrorCode::bad_input, "'#/$defs/a', and nothing is there"},
    {R"({"$ref": "#/a~2"})", ErrorCode::bad_input, "nothing is there"},
    {R"({"allOf": [{"$ref": "#"}]})", ErrorCode::bad_input, "nest more than 100 levels deep"},
    {R"({"allOf": [{"type": "string"}, {"type": "null"}]})", ErrorCode::bad_input,
     "nothing fits both values of 'type'"},
    {R"({"allOf": [{"pattern": "a"}, {"pattern": "b"}]})", ErrorCode::unsupported,
     "two different values of 'pattern'"},
    {R"({"allOf": [{"properties": {"a": {}}, "additionalProperties": false}, {"properties": {"b": {}}}]})",
     ErrorCode::unsupported, "property 'b' is added to an object"},
    {R"({"allOf": [{"additionalProperties": {"type": "null"}}, {"properties": {"b": {}}}]})",
     ErrorCode::unsupported, "property 'b' is added to an object"},
    {R"({"allOf": [{"prefixItems": [{}]}, {"items": {"type": "string"}}]})", ErrorCode::unsupported,
     "'items' of one schema and 'prefixItems' of another"},
    {R"({"minimum": 2, "maximum": 1})", ErrorCode::bad_input, "no integer lies between its bounds"},
    {R"({"minLength": -1})", ErrorCode::bad_input,
     "schema, #/minLength: found -1, expected a whole number"},
    {R"({"maxLength": 20000})", ErrorCode::unsupported, "20000 is more than 10000"},
    {R"({"minItems": 2, "maxItems": 1})", ErrorCode::bad_input,
     "at most 1 is less than at least 2"},
    {R"({"enum": []})", ErrorCode::bad_input, "expected a list of values"},
    {R"({"enum": ["a"], "minLength": 1})", ErrorCode::unsupported,
     "'minLength' beside enum or const"},
    {R"({"required": ["a"], "additionalProperties": false})", ErrorCode::bad_input,
     "\"a\" is required but not described"},
};

TEST(JsonSchema, EachKeywordIsHonouredOrRefusedByName) {
  for (const Fault& fault : kFaults) {
    try {
      (void)to_gbnf(fault.schema);
      ADD_FAILURE() << fault.schema << "\nno error";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), fault.code) << fault.schema;
      EXPECT_NE(std::string(e.what()).find(fault.message), std::string::npos)
          << fault.schema << "\n"
          << e.what();
    }
  }
}

// A reference that leads only to itself describes nothing; the grammar says so.
TEST(JsonSchema, AReferenceToItselfAloneIsAnError) {
  EXPECT_THROW(machine_of(R"({"anyOf": [{"$ref": "#"}, {"type": "null"}]})"), Error);
}

TEST(JsonSchema, MergingIsBounded) {
  std::string schema = R"({"type": "integer"})";
  for (int i = 0; i < 40; ++i) schema = R"({"allOf": [)" + schema + "," + R"({"minimum": 1}]})";
  EXPECT_TRUE(fits(*std::make_unique<grammar::Machine>(machine_of(schema)), "7"));
  // Each level names the one below twice: 2^60 schemas.
  std::string defs = R"("d0": {"type": "null"})";
  for (int i = 1; i <= 60; ++i) {
    const std::string below = R"({"$ref": "#/$defs/d)" + std::to_string(i - 1) + R"("})";
    defs += R"(, "d)" + std::to_string(i) + R"(": {"allOf": [)" + below + ", " + below + "]}";
  }
  EXPECT_THROW((void)to_gbnf(R"({"$ref": "#/$defs/d60", "$defs": {)" + defs + "}}"), Error);
}

// Nothing is looked for among all that came before: the same name for each rule, names that are
// required and not described.
TEST(JsonSchema, ManyPropertiesTakeLinearTime) {
  nlohmann::json schema{{"additionalProperties", {{"type", "null"}}}};
  for (int i = 0; i < 5000; ++i) {
    schema["properties"]["a" + std::to_string(i)] = {{"type", "null"}};
    schema["required"].push_back("b" + std::to_string(i));
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(to_gbnf(schema.dump()).empty());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// What random walks through the grammar write is JSON.
TEST(JsonSchema, WhatFitsIsJson) {
  const char* schemas[] = {
      "{}",
      R"({"type": "object"})",
      R"({"properties": {"a\n\"": {"pattern": "^[^a]*\\\\?$"}, "b": {"items": {"enum": ["\u0001", 1.5]}}},
          "additionalProperties": {"type": ["number", "boolean"]}})",
      R"({"items": {"anyOf": [{"format": "email"}, {"format": "date-time"}, {"minLength": 3}]}})",
  };
  for (const char* schema : schemas) {
    grammar::Machine machine = machine_of(schema);
    size_t n_texts = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      std::mt19937_64 random(seed);
      std::string text;
      auto at = machine.start();
      while (text.size() < 300 && !(machine.may_end(at) && random() % 4 == 0)) {
        std::vector<uint8_t> next;
        for (unsigned byte = 0; byte < 256; ++byte) {
          if (machine.step(at, static_cast<uint8_t>(byte)) != grammar::Machine::kRefused) {
            // What closes is likelier than one of many letters.
            const size_t weight =
                std::string_view("\"}],:").find(static_cast<char>(byte)) != std::string_view::npos
                    ? 30
                    : 1;
            next.insert(next.end(), weight, static_cast<uint8_t>(byte));
          }
        }
        if (next.empty()) break;
        const uint8_t byte = next[random() % next.size()];
        text += static_cast<char>(byte);
        at = machine.step(at, byte);
      }
      if (!machine.may_end(at)) continue;
      ++n_texts;
      EXPECT_TRUE(nlohmann::json::accept(text)) << schema << "\n" << text;
    }
    EXPECT_GT(n_texts, 50u) << schema;
  }
}

}  // namespace
}  // namespace wattle::json_schema
