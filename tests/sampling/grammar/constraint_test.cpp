// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/constraint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "sampling/grammar/gbnf.h"
#include "sampling/sampler.h"
#include "wattle/error.h"

namespace wattle::grammar {
namespace {

// 0-4 are text, 5 and 6 end the generation, 7 and 8 mark reasoning.
const std::vector<std::string> kPieces{"a", "b", "ab", " a", "\n", "", "", "<", ""};
constexpr TokenId kA{0}, kB{1}, kAb{2}, kSpaceA{3}, kNewline{4}, kEnd{5}, kOpen{7}, kClose{8};

class GrammarConstraint : public testing::Test {
 protected:
  Constraint make(const char* gbnf, const Constraint::Options& options = {}) {
    matcher_.emplace(Machine(build_network(parse_gbnf(gbnf))), vocab_.text);
    return {*matcher_, vocab_, options};
  }

  // The ids that may come next, by both ways of asking.
  std::string allowed(Constraint& constraint) {
    std::vector<float> logits(kPieces.size(), 1.0f);
    constraint.forbid(logits);
    std::string ids;
    for (size_t i = 0; i < logits.size(); ++i) {
      const bool allows = constraint.allows(TokenId(static_cast<int32_t>(i)));
      EXPECT_EQ(allows, logits[i] == 1.0f) << i;
      if (allows) ids += std::to_string(i);
    }
    return ids;
  }

  const Vocabulary vocab_{.text = TokenTrie(kPieces), .ends = {kEnd, TokenId(6)}};
  std::optional<TokenMatcher> matcher_;
};

TEST_F(GrammarConstraint, EndsExactlyWhereTheGrammarMay) {
  Constraint c = make("root ::= \"a\" \"ab\"*");
  EXPECT_EQ(allowed(c), "0");
  c.accept(kA);
  EXPECT_EQ(allowed(c), "0256");
  EXPECT_FALSE(c.is_complete());
  c.accept(kA);
  EXPECT_EQ(allowed(c), "1");
  c.accept(kB);
  EXPECT_EQ(allowed(c), "0256");
}

TEST_F(GrammarConstraint, KnowsWhenNothingCanBeAdded) {
  Constraint c = make("root ::= \"ab\"");
  EXPECT_EQ(allowed(c), "02");
  EXPECT_FALSE(c.is_complete());
  c.accept(kAb);
  EXPECT_TRUE(c.is_complete());
  EXPECT_EQ(allowed(c), "56");
}

TEST_F(GrammarConstraint, ASpaceThatTheDecoderDropsIsFree) {
  Constraint plain = make("root ::= \"a\"");
  EXPECT_EQ(allowed(plain), "0");
  Constraint dropping = make("root ::= \"a\"", {.drops_first_space = true});
  EXPECT_EQ(allowed(dropping), "03");
  dropping.accept(kSpaceA);
  EXPECT_TRUE(dropping.is_complete());
}

TEST_F(GrammarConstraint, ReasoningThatIsOpenIsFreeUntilItsEnd) {
  Constraint c = make("root ::= \"b\"", {.reasoning = Reasoning{kOpen, kClose, true}});
  EXPECT_EQ(allowed(c), "0123478");  // but it is not the end
  c.accept(kA);
  c.accept(kOpen);  // means nothing here
  EXPECT_FALSE(c.is_complete());
  c.accept(kClose);
  EXPECT_EQ(allowed(c), "14");  // an empty line, then the answer
  c.accept(kNewline);
  c.accept(kNewline);
  EXPECT_EQ(allowed(c), "1");
  c.accept(kB);
  EXPECT_TRUE(c.is_complete());
}

TEST_F(GrammarConstraint, ReasoningMayBeOpenedFirstOrLeftOut) {
  const Constraint::Options options{.reasoning = Reasoning{kOpen, kClose, false}};
  Constraint with = make("root ::= \"b\"*", options);
  EXPECT_EQ(allowed(with), "1567");
  with.accept(kOpen);
  EXPECT_EQ(allowed(with), "0123478");
  with.accept(kClose);
  EXPECT_EQ(allowed(with), "1456");

  Constraint without = make("root ::= \"b\"*", options);
  without.accept(kB);
  EXPECT_EQ(allowed(without), "156");
}

// ---- the sampler under a constraint

constexpr float kInf = std::numeric_limits<float>::infinity();

// What the sampler draws is what it draws from logits of which the forbidden ones are -inf: the
// same tokens for the same seed, whatever steps are on.
TEST(ConstrainedSampler, DrawsAsIfTheOthersWereForbidden) {
  std::vector<std::string> pieces;
  for (int i = 0; i < 2000; ++i) {
    pieces.push_back(std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i));
  }
  const Vocabulary vocab{.text = TokenTrie(pieces), .ends = {}};
  std::mt19937_64 random(7);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  // One in thirteen allowed (the full mask is asked), half of them, and nearly all.
  for (const char* set : {"[ab]", "[a-m]", "[^q]"}) {
    const std::string gbnf = std::string("root ::= (") + set + " [0-9]+)*";
    for (const int top_k : {0, 1, 40, 3000}) {
      for (const float temperature : {0.0f, 0.8f}) {
        SamplingParams params;
        params.seed = 11;
        params.top_k = top_k;
        params.temperature = temperature;
        params.presence_penalty = 0.5f;
        TokenMatcher matcher(Machine(build_network(parse_gbnf(gbnf))), vocab.text);
        Constraint constraint(matcher, vocab, {});
        sampling::Sampler constrained(params, pieces.size(), {});
        constrained.constrain(constraint);
        sampling::Sampler plain(params, pieces.size(), {});
        for (int n = 0; n < 20; ++n) {
          std::vector<float> logits(pieces.size());
          for (float& x : logits) x = normal(random);
          const TokenId drawn = constrained.sample(logits);
          for (size_t i = 0; i < logits.size(); ++i) {
            const char c = pieces[i][0];
            const bool fits = set == std::string("[ab]")    ? c <= 'b'
                              : set == std::string("[a-m]") ? c <= 'm'
                                                            : c != 'q';
            if (!fits) logits[i] = -kInf;
          }
          ASSERT_EQ(drawn, plain.sample(logits)) << gbnf << " " << top_k << " " << temperature;
          constrained.accept(drawn);
          plain.accept(drawn);
        }
      }
    }
  }
}

TEST(ConstrainedSampler, SaysWhenNoTokenFits) {
  const std::vector<std::string> pieces{"a", "b"};
  const Vocabulary vocab{.text = TokenTrie(pieces), .ends = {}};
  TokenMatcher matcher(Machine(build_network(parse_gbnf("root ::= \"é\""))), vocab.text);
  Constraint constraint(matcher, vocab, {});
  sampling::Sampler sampler({}, pieces.size(), {});
  sampler.constrain(constraint);
  try {
    (void)sampler.sample(std::vector<float>{1.0f, 2.0f});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_input);
    EXPECT_STREQ(e.what(), "grammar: no token of the vocabulary may come next");
  }
}

}  // namespace
}  // namespace wattle::grammar
