// SPDX-License-Identifier: Apache-2.0
// The oracle against what a grammar means: the set of its texts, written out.
#include "tests/sampling/grammar/oracle.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "sampling/grammar/gbnf.h"

namespace wattle::grammar {
namespace {

constexpr size_t kMaxLength = 8;
using Language = std::set<std::string>;

Language join(const Language& a, const Language& b) {
  Language all;
  for (const std::string& x : a) {
    for (const std::string& y : b) {
      if (x.size() + y.size() <= kMaxLength) all.insert(x + y);
    }
  }
  return all;
}

// All texts of up to kMaxLength bytes that the expression describes, where those of the rules are
// known so far.
Language texts(const Expr& expr, const std::vector<Language>& rules) {
  switch (expr.kind) {
    case Expr::Kind::text: return expr.text.size() <= kMaxLength ? Language{expr.text} : Language{};
    case Expr::Kind::rule: return rules[expr.rule];
    case Expr::Kind::chars: {
      Language all;
      for (const CharRange& range : expr.chars.ranges()) {
        for (char32_t c = range.first; c <= range.last; ++c) {
          std::string one;
          utf8::append(one, c);
          all.insert(one);
        }
      }
      return all;
    }
    case Expr::Kind::choice: {
      Language all;
      for (const Expr& part : expr.parts) all.merge(texts(part, rules));
      return all;
    }
    case Expr::Kind::sequence: {
      Language all{""};
      for (const Expr& part : expr.parts) all = join(all, texts(part, rules));
      return all;
    }
    case Expr::Kind::repeat: break;
  }
  const Language one = texts(expr.parts[0], rules);
  Language power{""};
  for (uint32_t i = 0; i < expr.min; ++i) power = join(power, one);
  Language all = power;
  // A power beyond the longest text brings nothing new.
  for (uint32_t i = expr.min; i < expr.max.value_or(expr.min + kMaxLength); ++i) {
    power = join(power, one);
    all.insert(power.begin(), power.end());
  }
  return all;
}

Language language(const Grammar& grammar) {
  std::vector<Language> rules(grammar.rules.size());
  for (bool grown = true; grown;) {
    grown = false;
    for (size_t i = 0; i < rules.size(); ++i) {
      Language now = texts(grammar.rules[i].body, rules);
      grown = grown || now.size() > rules[i].size();
      rules[i] = std::move(now);
    }
  }
  return rules[grammar.root];
}

// Each begin of up to 3 bytes can be completed within kMaxLength where it can be at all.
constexpr const char* kGrammars[] = {
    R"(root ::= "ab" | "a" "c"*)",
    R"(root ::= [ab]{2,3} "c"?)",
    R"(root ::= ("a" | "ab") ("c" | "bc"))",
    R"x(root ::= "(" root? ")" | "a")x",
    "root ::= a b\na ::= \"a\"? \"b\"*\nb ::= \"b\" | \"a\" \"c\"",
    R"(root ::= ("a"? "b"?)* "c")",
    R"(root ::= "")",
    R"(root ::= ("" | "a")+ | [^\x00-a\x63-\U0010FFFF]{3})",
    R"(root ::= "a"{2,} | "b"{0,2} | "c"{3})",
    "root ::= item (\",\" item)*\nitem ::= [ab] | \"(\" root \")\"",
    R"(root ::= [éa] "b" | "è")",
};

TEST(GrammarOracle, AgreesWithTheWrittenOutLanguage) {
  const std::vector<std::string> symbols{"a", "b", "c", "(", ")", ",", "\xC3", "\xA9", "\xA8"};
  for (const char* source : kGrammars) {
    const Grammar grammar = parse_gbnf(source);
    const Language all = language(grammar);
    std::vector<std::string> level{""};
    for (size_t length = 0; length <= 4; ++length) {
      std::vector<std::string> next;
      for (const std::string& text : level) {
        const Oracle oracle(grammar, text);
        EXPECT_EQ(oracle.complete(), all.contains(text)) << source << "\n" << text;
        if (length <= 3) {
          const auto longer = all.upper_bound(text);
          const bool may_go_on = longer != all.end() && longer->starts_with(text);
          EXPECT_EQ(oracle.may_go_on(), may_go_on) << source << "\n" << text;
        }
        for (const std::string& symbol : symbols) next.push_back(text + symbol);
      }
      level = std::move(next);
    }
  }
}

}  // namespace
}  // namespace wattle::grammar
