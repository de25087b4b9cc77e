// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/token_roles.h"

#include <gtest/gtest.h>

#include "tests/tokenizer/small_vocab.h"

namespace wattle::tokenizer {
namespace {

using test::ints;
using test::SmallVocab;

TEST(TokenRoles, TextsThatEndATurnCountWhateverTheirType) {
  SmallVocab v("gemma4");
  v.add("<eos>", TokenType::normal);
  v.add("<|tool_response>", TokenType::user_defined);
  v.add("word");
  const TokenRoles roles = assign_roles(v.spec());
  EXPECT_EQ(ints(roles.eog), (std::vector{0, 1}));
  EXPECT_EQ(roles.types[0], TokenType::control);
  EXPECT_EQ(roles.types[1], TokenType::control);
  EXPECT_EQ(roles.types[2], TokenType::normal);
}

TEST(TokenRoles, TheIdsOfTheFileCountOnce) {
  SmallVocab v("gpt2");
  v.add("x");
  v.add("y");
  v.add("<|im_end|>", TokenType::control);
  v.spec().eos = TokenId{2};
  v.spec().eot = TokenId{1};
  v.spec().eom = TokenId{2};
  EXPECT_EQ(ints(assign_roles(v.spec()).eog), (std::vector{1, 2}));
}

TEST(TokenRoles, TheStrikeThroughTagEndsATurnOnlyAsAControlToken) {
  SmallVocab html("llama");
  html.add("</s>", TokenType::user_defined);
  EXPECT_TRUE(assign_roles(html.spec()).eog.empty());
  SmallVocab llama("llama");
  llama.add("</s>", TokenType::control);
  EXPECT_EQ(ints(assign_roles(llama.spec()).eog), (std::vector{0}));
}

TEST(TokenRoles, AWordNamedAsBosStaysAWord) {
  SmallVocab v("gpt2");
  v.spec().bos = v.add(",");
  EXPECT_EQ(assign_roles(v.spec()).types[0], TokenType::normal);
  SmallVocab marked("gpt2");
  marked.spec().bos = marked.add("<bos>");
  EXPECT_EQ(assign_roles(marked.spec()).types[0], TokenType::control);
}

TEST(TokenRoles, WithoutTypesTokensAreNormalButForBytes) {
  SmallVocab v("llama");
  v.add("a");
  v.add("<0x0A>");
  v.spec().types.clear();
  EXPECT_EQ(assign_roles(v.spec()).types, (std::vector{TokenType::normal, TokenType::byte}));
}

}  // namespace
}  // namespace wattle::tokenizer
