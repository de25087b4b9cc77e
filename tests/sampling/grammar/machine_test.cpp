// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/machine.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/grammar/gbnf.h"
#include "tests/sampling/grammar/oracle.h"
#include "wattle/error.h"

namespace wattle::grammar {
namespace {

Machine machine_of(std::string_view gbnf, const Limits& limits = {}) {
  return Machine(build_network(parse_gbnf(gbnf), limits), limits);
}

Machine::ConfigId read(Machine& machine, std::string_view text) {
  Machine::ConfigId at = machine.start();
  for (const char byte : text) at = machine.step(at, static_cast<uint8_t>(byte));
  return at;
}

// Characters of one to four bytes, some of which begin alike.
const std::vector<std::string> kChars{"a", "b", "é", "è", "日", "旦", "😀", "😁"};
constexpr char32_t kCodepoints[] = {U'a', U'b', U'é', U'è', U'日', U'旦', U'😀', U'😁'};

// A random grammar over those characters: as text it would be read by the parser, which has its own
// tests.
class RandomGrammar {
 public:
  explicit RandomGrammar(uint64_t seed) : random_(seed) {}

  Grammar make() {
    Grammar grammar;
    n_rules_ = 1 + pick(4);
    for (size_t i = 0; i < n_rules_; ++i) grammar.rules.push_back({"r", expr(0)});
    return grammar;
  }

 private:
  uint32_t pick(size_t n) { return static_cast<uint32_t>(random_() % n); }

  Expr expr(size_t depth) {
    const uint32_t kind = depth == 4 ? pick(3) : pick(8);
    Expr e;
    switch (kind) {
      case 0:
        e.kind = Expr::Kind::text;
        for (uint32_t n = pick(3); n > 0; --n) e.text += kChars[pick(kChars.size())];
        return e;
      case 1:
        e.kind = Expr::Kind::chars;
        for (uint32_t n = 1 + pick(3); n > 0; --n) {
          const char32_t c = kCodepoints[pick(std::size(kCodepoints))];
          e.chars.add(c, c + pick(2));
        }
        if (pick(3) == 0) e.chars = e.chars.complement();
        return e;
      case 2:
        e.kind = Expr::Kind::rule;
        e.rule = pick(n_rules_);
        return e;
      case 3:
      case 4:
        e.kind = Expr::Kind::repeat;
        e.min = pick(3);
        if (pick(2) == 0) e.max = e.min + pick(3);
        e.parts.push_back(expr(depth + 1));
        return e;
      default:
        e.kind = kind == 5 ? Expr::Kind::choice : Expr::Kind::sequence;
        for (uint32_t n = 1 + pick(3); n > 0; --n) e.parts.push_back(expr(depth + 1));
        return e;
    }
  }

  std::mt19937_64 random_;
  size_t n_rules_ = 1;
};

// Random walks along texts that the grammar accepts, with each byte of the characters and a few
// others tried at every place.
TEST(GrammarMachine, AgreesWithTheOracleOnRandomGrammars) {
  std::set<char> bytes{'\xF0', '\xE6', 'z'};
  for (const std::string& c : kChars) bytes.insert(c.begin(), c.end());
  size_t n_grammars = 0;
  size_t n_compared = 0;
  for (uint64_t seed = 0; n_grammars < 60; ++seed) {
    const Grammar grammar = RandomGrammar(seed).make();
    std::optional<Machine> machine;
    try {
      machine.emplace(build_network(grammar));
    } catch (const Error&) {
      continue;  // left recursion
    }
    ++n_grammars;
    std::mt19937_64 random(seed);
    for (int walk = 0; walk < 3; ++walk) {
      std::string text;
      Machine::ConfigId at = machine->start();
      while (text.size() < 10) {
        std::vector<char> fits;
        for (const char byte : bytes) {
          const Machine::ConfigId to = machine->step(at, static_cast<uint8_t>(byte));
          const Oracle oracle(grammar, text + byte);
          ASSERT_EQ(machine->may_end(to), oracle.complete()) << seed << " " << text << byte;
          ASSERT_EQ(machine->may_go_on(to), oracle.may_go_on()) << seed << " " << text << byte;
          ASSERT_EQ(to != Machine::kRefused, oracle.complete() || oracle.may_go_on());
          if (to != Machine::kRefused) fits.push_back(byte);
          ++n_compared;
        }
        if (fits.empty()) break;
        const char byte = fits[random() % fits.size()];
        text += byte;
        at = machine->step(at, static_cast<uint8_t>(byte));
        if (walk == 2) at = machine->forget(at);
      }
    }
  }
  EXPECT_GT(n_compared, 6'000u);
}

TEST(GrammarMachine, ReadsNestedTextsAndLists) {
  Machine machine = machine_of("root ::= \"[\" (root (\",\" root)*)? \"]\"");
  EXPECT_TRUE(machine.may_end(read(machine, "[[],[[]]]")));
  EXPECT_FALSE(machine.may_go_on(read(machine, "[[],[[]]]")));
  EXPECT_FALSE(machine.may_end(read(machine, "[[],[[]]")));
  EXPECT_EQ(read(machine, "[,"), Machine::kRefused);
}

TEST(GrammarMachine, RefusesWhatIsNoUtf8AtItsFirstByte) {
  Machine machine = machine_of("root ::= [^\"]*");
  for (const char* text : {"\x80", "\xC0", "\xE0\x80", "\xED\xA0", "\xF4\x90", "\xF5", "\xC3z"}) {
    EXPECT_EQ(read(machine, text), Machine::kRefused);
  }
  EXPECT_TRUE(machine.may_go_on(read(machine, "\xF0\x9F")));
  EXPECT_FALSE(machine.may_end(read(machine, "\xF0\x9F")));
}

// A right recursion is a list: what comes behind it is empty, so nothing is kept for it.
TEST(GrammarMachine, LongListsTakeNoMemory) {
  for (const char* gbnf : {"root ::= [a-z] root | \"\"", "root ::= ([a-z] | \"é\")*",
                           "root ::= line+\nline ::= [a-z]+ end\nend ::= \"\\n\""}) {
    Machine machine = machine_of(gbnf);
    Machine::ConfigId at = read(machine, "abc\nz");
    const size_t n = machine.n_configs();
    for (int i = 0; i < 100'000; ++i) at = machine.step(at, 'x');
    EXPECT_LE(machine.n_configs(), n + 2) << gbnf;
  }
}

std::string message_of(Machine& machine, std::string_view text) {
  try {
    read(machine, text);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(GrammarMachine, TextsThatNestTooDeepAreAnError) {
  Machine machine = machine_of("root ::= \"[\" root? \"]\"");
  EXPECT_EQ(message_of(machine, std::string(1000, '[')), "no error");
  EXPECT_NE(message_of(machine, std::string(1100, '[')).find("more than 1000 rules in each other"),
            std::string::npos);
  // It can still read what it could before.
  EXPECT_TRUE(machine.may_end(read(machine, std::string(900, '[') + std::string(900, ']'))));
}

// Thirty rules of two alternatives that differ only in what comes later: 2^30 ways at once.
TEST(GrammarMachine, ExplodingGrammarsAreAnError) {
  std::string gbnf = "root ::= r0\n";
  for (int i = 0; i < 30; ++i) {
    const std::string next = "r" + std::to_string(i + 1);
    gbnf += "r" + std::to_string(i) + " ::= " + next + " \"a\" | " + next + " \"b\"\n";
  }
  gbnf += "r30 ::= \"x\"\n";
  const Limits little_work{.max_machine_work = 100'000};
  const Limits little_memory{.max_machine_size = size_t{1} << 20};
  for (const auto& [limits, message] :
       {std::pair(little_work, "grammar: too many ways to read the same text"),
        std::pair(little_memory, "grammar: the ways to read one text take too much memory")}) {
    try {
      Machine machine = machine_of(gbnf, limits);
      FAIL() << "no error";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::bad_input);
      EXPECT_STREQ(e.what(), message);
    }
  }
}

// Twenty callers of a rule that is long and empty: nothing is found, but much has been seen.
TEST(GrammarMachine, WhatIsSeenOnTheWayCountsAsMemory) {
  std::string gbnf = "root ::= ";
  for (int i = 0; i < 20; ++i) gbnf += "(r \"" + std::to_string(i) + "\") | ";
  gbnf += "\"x\"\nr ::= \"\"";
  for (int i = 0; i < 10'000; ++i) gbnf += "|\"\"";
  EXPECT_NO_THROW(machine_of(gbnf));
  try {
    Machine machine = machine_of(gbnf, {.max_machine_size = 100'000});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "grammar: the ways to read one text take too much memory");
  }
}

TEST(GrammarMachine, ForgettingKeepsTheConfig) {
  Machine machine = machine_of("root ::= \"[\" (root (\",\" root)*)? \"]\"");
  Machine::ConfigId at = read(machine, "[[],[[[");
  for (int i = 0; i < 300; ++i) (void)read(machine, std::string(static_cast<size_t>(i), '['));
  const size_t before = machine.n_configs();
  at = machine.forget(at);
  EXPECT_LT(machine.n_configs(), before);
  for (const char byte : std::string("],[]]]")) at = machine.step(at, static_cast<uint8_t>(byte));
  EXPECT_FALSE(machine.may_end(at));
  at = machine.step(at, ']');
  EXPECT_TRUE(machine.may_end(at));
}

}  // namespace
}  // namespace wattle::grammar
