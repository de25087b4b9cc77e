// SPDX-License-Identifier: Apache-2.0
#include "runtime/answer_grammar.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gguf/reader.h"
#include "runtime/vocab_loader.h"
#include "tests/support/needs_golden.h"
#include "tests/support/source_tree.h"
#include "tokenizer/byte_alphabet.h"
#include "wattle/engine.h"
#include "wattle/error.h"

namespace wattle::runtime {
namespace {

constexpr const char* kSchema = R"({"type": "object", "properties": {
    "name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 0, "maximum": 120},
    "likes": {"type": "array", "items": {"enum": ["cats", "dogs"]}, "maxItems": 3}},
    "required": ["name", "age"]})";

// Bytes as tokens, behind them an end and marks of reasoning.
Tokenizer byte_tokenizer(std::vector<std::string_view> more, std::vector<TokenType> types) {
  static const tokenizer::ByteAlphabet alphabet;
  VocabSpec spec;
  spec.model = "gpt2";
  spec.pre = "gpt-2";
  for (unsigned byte = 0; byte < 256; ++byte) {
    spec.tokens.push_back(alphabet.character(static_cast<uint8_t>(byte)));
    spec.types.push_back(TokenType::normal);
  }
  spec.tokens.insert(spec.tokens.end(), more.begin(), more.end());
  spec.types.insert(spec.types.end(), types.begin(), types.end());
  spec.eos = TokenId{256};
  return Tokenizer(std::move(spec));
}

TEST(AnswerGrammar, ControlTokensAreNoText) {
  const Tokenizer tokenizer =
      byte_tokenizer({"<|end|>", "<|start|>", "<think>"},
                     {TokenType::control, TokenType::control, TokenType::user_defined});
  const grammar::Vocabulary vocab = grammar_vocabulary(tokenizer);
  EXPECT_EQ(vocab.ends, (std::vector<TokenId>{TokenId{256}}));
  EXPECT_EQ(vocab.text.bytes(TokenId{'{'}), "{");
  EXPECT_EQ(vocab.text.bytes(TokenId{0xC3}), "\xC3");
  EXPECT_EQ(vocab.text.bytes(TokenId{256}), "");
  EXPECT_EQ(vocab.text.bytes(TokenId{257}), "");
  EXPECT_EQ(vocab.text.bytes(TokenId{258}), "<think>");
}

TEST(AnswerGrammar, ReasoningIsFreeWhereTokensMarkIt) {
  const Tokenizer with =
      byte_tokenizer({"<|end|>", "<think>", "</think>"},
                     {TokenType::control, TokenType::user_defined, TokenType::user_defined});
  const Tokenizer without = byte_tokenizer({"<|end|>"}, {TokenType::control});
  const chat::ReasoningMarkers closed{"<think>", "</think>", false};
  const chat::ReasoningMarkers open{"<think>", "</think>", true};
  EXPECT_FALSE(reasoning_tokens(with, std::nullopt, true));
  EXPECT_FALSE(reasoning_tokens(with, closed, false));
  EXPECT_FALSE(reasoning_tokens(without, closed, true));
  for (const std::optional<bool> thinking : {std::optional<bool>(), std::optional(true)}) {
    const auto found = reasoning_tokens(with, closed, thinking);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->open, TokenId{257});
    EXPECT_EQ(found->close, TokenId{258});
    EXPECT_FALSE(found->is_open);
  }
  // The prompt has opened it, whatever was asked for.
  const auto inside = reasoning_tokens(with, open, false);
  ASSERT_TRUE(inside);
  EXPECT_TRUE(inside->is_open);
  EXPECT_THROW((void)reasoning_tokens(without, open, {}), Error);
}

TEST(AnswerGrammar, AGrammarDoesNotStandInForASchema) {
  const grammar::Vocabulary vocab =
      grammar_vocabulary(byte_tokenizer({"<|end|>"}, {TokenType::control}));
  AnswerGrammar answer_grammar;
  SamplingParams params;
  params.grammar = "schema::=\"a\"\nroot::=schema";
  const grammar::TokenMatcher& matcher = answer_grammar.matcher(params, vocab);
  EXPECT_EQ(&answer_grammar.matcher(params, vocab), &matcher);
  params.json_schema = ":=\"a\"\nroot::=schema";
  params.grammar.reset();
  EXPECT_THROW((void)answer_grammar.matcher(params, vocab), Error);
}

// Each token by itself and all of them in one walk, with the vocabularies of real models.
TEST(AnswerGrammar, MasksAgreeWithSingleTokensOfRealVocabularies) {
  WATTLE_NEEDS_GOLDEN("tokenizers");
  for (const char* name : {"gemma4", "llama-spm", "qwen2", "smollm2"}) {
    const gguf::File file(test::golden_dir() / "tokenizers" / (std::string(name) + ".gguf"));
    const Tokenizer tokenizer = load_tokenizer(file);
    const grammar::Vocabulary vocab = grammar_vocabulary(tokenizer);
    AnswerGrammar answer_grammar;
    SamplingParams params;
    params.json_schema = kSchema;
    grammar::TokenMatcher& matcher = answer_grammar.matcher(params, vocab);
    grammar::Position at{.config = matcher.start()};
    const std::vector<TokenId> text = tokenizer.encode(
        "{\"name\": \"日本 é\\\"\", \"age\": 12, \"likes\": [\"cats\"]}", {.add_bos = false});
    for (const TokenId token : text) {
      const auto view = matcher.allowed(at);
      const std::vector<uint64_t> mask(view.begin(), view.end());
      size_t n_allowed = 0;
      for (size_t id = 0; id < tokenizer.n_vocab(); ++id) {
        const bool in_mask = ((mask[id / 64] >> (id % 64)) & 1) != 0;
        const auto to = matcher.after(at, TokenId(static_cast<int32_t>(id)));
        ASSERT_EQ(in_mask, to.config != grammar::Machine::kRefused) << name << " " << id;
        n_allowed += in_mask ? 1 : 0;
      }
      EXPECT_GT(n_allowed, 0u);
      std::string bytes;
      tokenizer.append_bytes(token, bytes);
      // Encoding puts a space in front for some vocabularies, which decoding takes away.
      if (token == text.front() && bytes.front() == ' ')
        at = {.config = matcher.start(), .dropped = ' ', .n_dropped = 1};
      at = matcher.settle(matcher.after(at, token));
      ASSERT_NE(at.config, grammar::Machine::kRefused) << name << " '" << bytes << "'";
    }
    EXPECT_TRUE(matcher.may_end(at)) << name;
    EXPECT_FALSE(matcher.may_go_on(at)) << name;
  }
}

std::unique_ptr<Engine> stories() {
  return std::make_unique<Engine>(EngineParams{.model = test::stories_model()});
}

TEST(AnswerGrammar, AModelThatKnowsNoJsonWritesWhatFitsTheSchema) {
  const auto engine = stories();
  const auto session = engine->new_session();
  for (const float temperature : {0.0f, 1.0f, 3.0f}) {
    for (const int top_k : {40, 0}) {
      CompletionRequest request{.prompt = "Lily is a girl.", .n_predict = 200};
      request.sampling.json_schema = kSchema;
      request.sampling.temperature = temperature;
      request.sampling.top_k = top_k;
      request.sampling.seed = 5;
      const Answer answer = session->complete(request, {});
      ASSERT_EQ(answer.stop, StopReason::end_of_text) << answer.message.content;
      const auto json = nlohmann::json::parse(answer.message.content);
      EXPECT_TRUE(json.at("name").is_string());
      EXPECT_TRUE(json.at("age").is_number_integer());
      EXPECT_LE(json.at("age").get<int>(), 120);
    }
  }
}

TEST(AnswerGrammar, TheTextThatIsReadFitsAlsoWhereADecoderDropsASpace) {
  const auto engine = stories();
  CompletionRequest request{.prompt = "", .n_predict = 50};
  request.sampling.grammar = R"(root ::= "One" " "? "day" [a-z ]{3,8} ".")";
  request.sampling.seed = 1;
  const Answer answer = engine->new_session()->complete(request, {});
  EXPECT_EQ(answer.stop, StopReason::end_of_text);
  EXPECT_TRUE(answer.message.content.starts_with("One")) << answer.message.content;
  EXPECT_TRUE(answer.message.content.ends_with(".")) << answer.message.content;
}

// The template is that of a model whose reasoning stands between texts that are no tokens here.
TEST(AnswerGrammar, NothingIsAMarkerWithinTheAnswer) {
  Engine engine({.model = test::stories_model(),
                 .chat_template = "{{ messages[0].content }}{# </think> <tool_call> #}"});
  const std::string answer = " <think>a</think> <tool_call>{\"name\": \"f\"}</tool_call> ";
  ChatRequest request{.messages = {{.role = "user", .content = "x"}}};
  request.sampling.grammar =
      R"(root ::= " <think>a</think> <tool_call>{\"name\": \"f\"}</tool_call> ")";
  const Answer got = engine.new_session()->chat(request, {});
  EXPECT_EQ(got.message.content, answer);
  EXPECT_EQ(got.message.reasoning, "");
  EXPECT_TRUE(got.message.tool_calls.empty());
}

TEST(AnswerGrammar, GrammarsThatCannotBeUsedAreErrorsOfTheRequest) {
  const auto engine = stories();
  const auto session = engine->new_session();
  CompletionRequest request{.prompt = "A", .n_predict = 5};
  request.sampling.grammar = "";
  EXPECT_THROW(session->complete(request, {}), Error);
  request.sampling.grammar = "root ::= [a-z]*";
  request.sampling.json_schema = "{}";
  EXPECT_THROW(session->complete(request, {}), Error);
  // The session goes on.
  request.sampling.json_schema.reset();
  EXPECT_NO_THROW(session->complete(request, {}));
  ChatRequest with_tools{.messages = {{.role = "user", .content = "x"}}, .tools_json = "[]"};
  with_tools.sampling.grammar = "root ::= [a-z]*";
  EXPECT_THROW(session->chat(with_tools, {}), Error);
}

}  // namespace
}  // namespace wattle::runtime
