// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/gbnf.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "sampling/grammar/network.h"
#include "tests/sampling/grammar/oracle.h"
#include "wattle/error.h"

namespace wattle::grammar {
namespace {

bool describes(std::string_view grammar, std::string_view text) {
  return Oracle(parse_gbnf(grammar), text).complete();
}

TEST(Gbnf, ReadsEveryForm) {
  EXPECT_TRUE(describes(R"(root ::= "a\n\t\r\\\"\x41\u00e9\U0001F600\[\]\-")",
                        "a\n\t\r\\\"A\xC3\xA9\xF0\x9F\x98\x80[]-"));
  EXPECT_TRUE(describes("root ::= [a-c^é日-本]", "\xE6\x97\xA6"));
  EXPECT_TRUE(describes("root ::= [a-]", "-"));
  EXPECT_TRUE(describes("root ::= [-a]", "-"));
  EXPECT_TRUE(describes("root ::= [\\]\\-x]", "]"));
  EXPECT_FALSE(describes("root ::= [^a-z]", "q"));
  EXPECT_TRUE(describes("root ::= [^a-z]", "\xF0\x9F\x98\x80"));
  EXPECT_TRUE(describes("root ::= .", "\n"));
  EXPECT_TRUE(describes("root ::= \"a\" \"b\"? (\"c\" | \"d\")+ \"e\"{2} \"f\"{1,}", "acdceeff"));
  EXPECT_TRUE(describes("root ::= \"ab\"*", "abab"));  // the whole text is repeated
  EXPECT_TRUE(describes("root ::= \"a\"{ 1 , 2 }", "aa"));
  EXPECT_TRUE(describes("root ::= |\"a\"", ""));
}

TEST(Gbnf, ReadsLinesAsPeopleWriteThem) {
  constexpr const char* kText =
      "# a comment\r\n"
      "\r\n"
      "root ::=   # the answer\r\n"
      "  item-1 |\n"
      "  ( item-2   # in brackets lines do not matter\n"
      "\n"
      "    \"!\" )\n"
      "item-1 ::= \"a\"\n\n"
      "item-2::=\"b\"";
  EXPECT_TRUE(describes(kText, "a"));
  EXPECT_TRUE(describes(kText, "b!"));
}

struct Fault {
  const char* text;
  const char* message;  // a part of it
};
constexpr Fault kFaults[] = {
    {"", "it has no rule 'root'"},
    {"a ::= \"x\"", "it has no rule 'root'"},
    {"root ::= \"x", "line 1, column 10: this '\"' is not closed"},
    {"root ::= \"x\n\"", "line 1, column 10: this '\"' is not closed"},
    {"root ::= [x", "line 1, column 10: this '[' is not closed"},
    {"root ::= (\"x\"\n\n", "line 1, column 10: this '(' is not closed"},
    {"root ::= \"x\")", "line 1, column 13: found ')', expected the end of the line"},
    {"root := \"x\"", "line 1, column 6: found ':', expected '::='"},
    {"root ::= \"x\"\n| \"y\"", "line 2, column 1: found '|', expected the name of a rule"},
    {"root ::= a\n\nb ::= \"x\"", "line 1, column 10: no rule is called 'a'"},
    {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: rule 'root' is defined twice"},
    {"root ::= \"\\q\"", "line 1, column 11: unknown escape"},
    {"root ::= \"\\x4\"", "line 1, column 11: expected 2 hexadecimal digits"},
    {"root ::= \"\\U00110000\"", "U+110000 is no character"},
    {"root ::= \"\\uD800\"", "U+D800 is half of a character"},
    {"root ::= [b-a]", "line 1, column 11: this range runs backwards"},
    {"root ::= []", "no character is in this set"},
    {"root ::= [^\\x00-\\U0010FFFF]", "no character is in this set"},
    {"root ::= [\\uD800-\\uDFFF]", "no character is in this set"},
    {"root ::= \"a\"{2,1}", "line 1, column 13: {2,1}: at most is less than at least"},
    {"root ::= \"a\"{,1}", "line 1, column 14: found ',', expected a number"},
    {"root ::= \"a\"{1", "found the end of the grammar, expected '}'"},
    {"root ::= \"a\"{99999999999999999999}", "more than 10000 repetitions"},
    {"root ::= <think>", "line 1, column 10: references to tokens are not supported"},
    {"root ::= !<[12]>", "references to tokens are not supported"},
    {"root ::= \xFF", "not UTF-8"},
    {"root ::= a_b", "line 1, column 11: found '_', expected the end of the line"},
};

std::string message_of(std::string_view text, const Limits& limits = {}) {
  try {
    build_network(parse_gbnf(text, limits), limits);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Gbnf, SaysWhereTheFaultIs) {
  for (const Fault& fault : kFaults) {
    const std::string message = message_of(fault.text);
    EXPECT_NE(message.find(fault.message), std::string::npos) << fault.text << "\n" << message;
  }
}

TEST(Gbnf, LimitsWhatAGrammarMayAskFor) {
  Limits limits;
  limits.max_rules = 2;
  EXPECT_NE(message_of("root ::= a\na ::= b\nb ::= \"x\"", limits).find("more than 2 rules"),
            std::string::npos);
  limits = {.max_text_bytes = 5};
  EXPECT_NE(message_of("root ::= \"a\"", limits).find("12 bytes, expected at most 5"),
            std::string::npos);
  const std::string deep = "root ::= " + std::string(300, '(') + "\"a\"" + std::string(300, ')');
  EXPECT_NE(message_of(deep).find("nest more than 200 levels deep"), std::string::npos);
  // Twelve digits of repetitions in a few bytes, of something and of nothing.
  for (const char* body : {"\"a\"", "\"\"", "[^a]"}) {
    const std::string text = std::string("root ::= ((") + body + "{9999}){9999}){9999}";
    EXPECT_NE(message_of(text).find("more than 1000000 states"), std::string::npos) << text;
  }
  EXPECT_NE(message_of("root ::= \"a\"?????????").find("too many repetitions"), std::string::npos);
}

TEST(Gbnf, RefusesLeftRecursionByName) {
  const Fault faults[] = {
      {"root ::= root \"a\" | \"b\"", "rule 'root' can begin with itself (root -> root)"},
      {"root ::= a\na ::= b \"x\"\nb ::= \"c\"? a | \"y\"",
       "rule 'a' can begin with itself (a -> b -> a)"},
      {"root ::= a\na ::= e e b\nb ::= a \"y\"\ne ::= \"e\"*", "(a -> b -> a)"},
      {"root ::= (root)* \"a\"", "(root -> root)"},
      // e may be empty, which is known only after f has been looked at.
      {"root ::= e root | \"a\"\ne ::= f\nf ::= g\ng ::= \"\"", "(root -> root)"},
  };
  for (const Fault& fault : faults) {
    const std::string message = message_of(fault.text);
    EXPECT_NE(message.find(fault.message), std::string::npos) << fault.text << "\n" << message;
  }
  EXPECT_EQ(message_of("root ::= \"a\" root | \"b\""), "no error");
  EXPECT_EQ(message_of("root ::= a\na ::= \"(\" root \")\" | \"\""), "no error");
}

}  // namespace
}  // namespace wattle::grammar
