// SPDX-License-Identifier: Apache-2.0
#include "runtime/answer_stream.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tokenizer/small_vocab.h"

namespace wattle::runtime {
namespace {

// Letters of the byte alphabet are tokens 0..255; behind them the special ones.
class AnswerStreamTest : public ::testing::Test {
 protected:
  AnswerStreamTest()
      : vocab_("gpt2", "gpt-2"),
        end_((fill_byte_level(vocab_), vocab_.add("<|im_end|>", TokenType::control))),
        think_(vocab_.add("<think>", TokenType::control)),
        tokenizer_(vocab_.spec()) {}

  void push(AnswerStream& stream, std::string_view text) {
    for (const char c : text) {
      for (const TokenId id : tokenizer_.encode(std::string_view(&c, 1), {.add_bos = false})) {
        stream.push(id);
      }
    }
  }

  std::unique_ptr<chat::OutputParser> qwen_parser() {
    return chat::make_output_parser(chat::OutputFamily::qwen3,
                                    {.prompt = "", .tools_offered = true});
  }

  // What the callback heard, runs of the same kind joined.
  OnDelta listener() {
    return [this](const Delta& d) {
      EXPECT_FALSE(d.text.empty());
      heard_ += d.kind == Delta::Kind::text ? "[t]" : "[r]";
      heard_ += d.text;
    };
  }

  test::SmallVocab vocab_;
  TokenId end_;
  TokenId think_;
  Tokenizer tokenizer_;
  std::string heard_;
};

TEST_F(AnswerStreamTest, RawTextComesThroughAsItIs) {
  const OnDelta on_delta = listener();
  AnswerStream stream(tokenizer_, true, {}, nullptr, on_delta);
  push(stream, "hi\n");
  stream.push(end_);  // a control token is no text
  push(stream, "<think> ");
  EXPECT_EQ(stream.finish().content, "hi\n<think> ");
}

TEST_F(AnswerStreamTest, CharactersComeWhole) {
  const OnDelta on_delta = listener();
  AnswerStream stream(tokenizer_, true, {}, nullptr, on_delta);
  push(stream, "\xc3");
  EXPECT_EQ(heard_, "");
  push(stream, "\xa9");
  EXPECT_EQ(heard_, "[t]\u00e9");
  push(stream, "\xc3");
  EXPECT_EQ(stream.finish().content, "\u00e9\ufffd");
}

TEST_F(AnswerStreamTest, ThePartsOfAChatAnswerGoWhereTheyBelong) {
  const OnDelta on_delta = listener();
  AnswerStream stream(tokenizer_, true, {}, qwen_parser(), on_delta);
  stream.push(think_);  // a control token, but one that the parser goes by
  push(stream, "hm</think>");
  push(stream, "Hello");
  stream.push(end_);
  push(stream, "<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": 1}}</tool_call>");
  const Message message = stream.finish();
  EXPECT_EQ(message.role, "assistant");
  EXPECT_EQ(message.reasoning, "hm");
  EXPECT_EQ(message.content, "Hello");
  ASSERT_EQ(message.tool_calls.size(), 1u);
  EXPECT_EQ(message.tool_calls[0].name, "f");
  EXPECT_EQ(heard_.find("[r]"), 0u);
  EXPECT_EQ(heard_.find("tool"), std::string::npos);
}

TEST_F(AnswerStreamTest, AStopTextEndsTheAnswerBeforeIt) {
  const OnDelta on_delta = listener();
  AnswerStream stream(tokenizer_, true, {"\nUser:"}, qwen_parser(), on_delta);
  push(stream, "Yes.\nUse");
  EXPECT_FALSE(stream.stop_text_found());
  push(stream, "r:");
  EXPECT_TRUE(stream.stop_text_found());
  EXPECT_EQ(stream.finish().content, "Yes.");
}

TEST_F(AnswerStreamTest, NobodyNeedsToListen) {
  const OnDelta nobody;
  AnswerStream stream(tokenizer_, true, {}, qwen_parser(), nobody);
  push(stream, "Hello");
  EXPECT_EQ(stream.finish().content, "Hello");
}

}  // namespace
}  // namespace wattle::runtime
