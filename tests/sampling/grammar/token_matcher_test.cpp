// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/token_matcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "sampling/grammar/gbnf.h"
#include "tests/sampling/grammar/oracle.h"

namespace wattle::grammar {
namespace {

// Every byte, and pieces of one to six bytes that may begin and end inside of characters; some of
// them twice, some empty.
std::vector<std::string> random_vocabulary(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
  const std::string text =
      "{\"name\": [1, -2.5e3], \"é日本😀\": true}\n  \"\\u00e9\", null \"},{\"";
  for (int i = 0; i < 600; ++i) {
    pieces.push_back(text.substr(random() % text.size(), random() % 7));
  }
  std::shuffle(pieces.begin(), pieces.end(), random);
  return pieces;
}

constexpr const char* kJson = R"(
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9]+)? ws
ws     ::= | " " | "\n" [ \t]{0,20}
)";

constexpr const char* kGrammars[] = {
    kJson,
    "root ::= .{0,5} \"日本\" [^a-z]* | \"\"",
    "root ::= ([é😀] | \"日\" \"本\"?)+ \"}\"",
};

bool bit(std::span<const uint64_t> mask, size_t id) {
  return ((mask[id / 64] >> (id % 64)) & 1) != 0;
}

// Whether a text may stand at the begin of one that the grammar describes. Then so may each begin
// of it, and no text is asked about twice.
class Begins {
 public:
  explicit Begins(const Grammar& grammar) : grammar_(grammar) {}

  bool fit(const std::string& text) {
    if (const auto it = known_.find(text); it != known_.end()) return it->second;
    return known_[text] = (text.empty() || fit(text.substr(0, text.size() - 1))) && ask(text);
  }

 private:
  bool ask(const std::string& text) const {
    const Oracle oracle(grammar_, text);
    return oracle.complete() || oracle.may_go_on();
  }

  const Grammar& grammar_;
  std::unordered_map<std::string, bool> known_;
};

TEST(GrammarTokens, TheMaskIsWhatTheOracleSaysOfEachToken) {
  for (const char* gbnf : kGrammars) {
    const Grammar grammar = parse_gbnf(gbnf);
    Begins begins(grammar);
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const std::vector<std::string> pieces = random_vocabulary(seed);
      const TokenTrie trie(pieces);
      TokenMatcher matcher(Machine(build_network(grammar)), trie);
      std::mt19937_64 random(seed);
      std::string text;
      Position at{.config = matcher.start()};
      for (int n = 0; n < 12; ++n) {
        const auto view = matcher.allowed(at);
        const std::vector<uint64_t> mask(view.begin(), view.end());
        std::vector<size_t> allowed;
        for (size_t id = 0; id < pieces.size(); ++id) {
          const bool expected = !pieces[id].empty() && begins.fit(text + pieces[id]);
          ASSERT_EQ(bit(mask, id), expected) << gbnf << "\n" << text << "|" << pieces[id];
          const Position to = matcher.after(at, TokenId(static_cast<int32_t>(id)));
          ASSERT_EQ(to.config != Machine::kRefused, expected);
          if (expected) allowed.push_back(id);
        }
        ASSERT_EQ(matcher.may_end(at), Oracle(grammar, text).complete()) << text;
        if (allowed.empty()) break;
        const size_t id = allowed[random() % allowed.size()];
        text += pieces[id];
        at = matcher.settle(matcher.after(at, TokenId(static_cast<int32_t>(id))));
      }
    }
  }
}

TEST(GrammarTokens, WhatWillBeDroppedIsNoPartOfTheText) {
  const std::vector<std::string> pieces{" ", "  ", " a", "  a", "a", "\n\na", ""};
  const TokenTrie trie(pieces);
  TokenMatcher matcher(Machine(build_network(parse_gbnf("root ::= \" \"? \"a\""))), trie);
  const auto allowed = [&](const Position& at) {
    std::string ids;
    const auto mask = matcher.allowed(at);
    for (size_t id = 0; id < pieces.size(); ++id) {
      const bool in_mask = bit(mask, id);
      EXPECT_EQ(in_mask,
                matcher.after(at, TokenId(static_cast<int32_t>(id))).config != Machine::kRefused);
      if (in_mask) ids += std::to_string(id);
    }
    return ids;
  };
  EXPECT_EQ(allowed({.config = matcher.start()}), "024");
  EXPECT_EQ(allowed({.config = matcher.start(), .dropped = ' ', .n_dropped = 1}), "01234");
  EXPECT_EQ(allowed({.config = matcher.start(), .dropped = '\n', .n_dropped = 2}), "0245");
  EXPECT_EQ(allowed({.config = matcher.start(), .dropped = '\n', .n_dropped = 1}), "024");
  // Dropping ends with the first character that stays.
  const Position behind =
      matcher.after({.config = matcher.start(), .dropped = ' ', .n_dropped = 1}, TokenId(0));
  EXPECT_EQ(allowed(behind), "024");
}

TEST(GrammarTokens, AVocabularyMayBeEmpty) {
  const TokenTrie trie(std::vector<std::string>{"", ""});
  TokenMatcher matcher(Machine(build_network(parse_gbnf("root ::= \"a\""))), trie);
  EXPECT_EQ(matcher.allowed({.config = matcher.start()})[0], 0u);
}

}  // namespace
}  // namespace wattle::grammar
