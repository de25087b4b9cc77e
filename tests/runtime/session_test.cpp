// SPDX-License-Identifier: Apache-2.0
// Whole answers of small real models. Kernels are forced to scalar, with which the logits of a row
// never depend on the rows computed with it: then equal means equal.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gguf/reader.h"
#include "runtime/context_window.h"
#include "runtime/vocab_loader.h"
#include "tests/support/needs_golden.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"
#include "wattle/engine.h"

namespace wattle {
namespace {

const char* const kStories = "real/stories260K-f32.gguf";  // of the reference data

// The model of the repository, with a sliding window of 64.
const std::filesystem::path kWindowed = test::stories_model();

// With the scalar kernels: they give a row the same bits in any company.
std::unique_ptr<Engine> open_model(const std::filesystem::path& file, EngineParams params = {}) {
  ::setenv("WATTLE_ISA", "scalar", 1);
  params.model = test::golden_dir() / file;  // an absolute path stays
  params.kv_k = KvCacheType::f32;
  params.kv_v = KvCacheType::f32;
  if (params.n_threads == 0) params.n_threads = 1;  // ctest runs as many tests as fit
  auto engine = std::make_unique<Engine>(params);
  ::unsetenv("WATTLE_ISA");
  return engine;
}

CompletionRequest greedy(std::string prompt, uint32_t n_predict) {
  CompletionRequest r{.prompt = std::move(prompt), .n_predict = n_predict};
  r.sampling.temperature = 0.0f;
  return r;
}

CompletionRequest drawn(std::string prompt, uint32_t n_predict, uint64_t seed) {
  CompletionRequest r{.prompt = std::move(prompt), .n_predict = n_predict};
  r.sampling.seed = seed;
  return r;
}

// The answer; what was streamed must be the same.
Answer complete(Session& session, const CompletionRequest& request) {
  std::string streamed;
  const Answer answer = session.complete(request, [&](const Delta& d) {
    EXPECT_EQ(d.kind, Delta::Kind::text);
    EXPECT_FALSE(d.text.empty());
    streamed += d.text;
  });
  EXPECT_EQ(streamed, answer.message.content);
  EXPECT_EQ(answer.message.role, "assistant");
  return answer;
}

std::string fresh_text(Engine& engine, const CompletionRequest& request) {
  return complete(*engine.new_session(), request).message.content;
}

const std::string kOnce = "Once upon a time, there was a little girl named Lily.";

// A story of more than the window of 64, in the words of the models.
const std::string kLong =
    "Once upon a time, there was a little dog named Max. Max liked to run and play in the park "
    "with "
    "his friend Lily. One day, Max saw a big red ball. He wanted to play with the ball, but it was "
    "too high in the tree. Lily said, \"I can help you, Max!\" She took a long stick and hit the "
    "ball. The ball fell down and Max was very happy. They played with the ball all day.";

TEST(Session, TellsTheStoryThatLlama2cTells) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  EXPECT_TRUE(fresh_text(*engine, greedy("", 60))
                  .starts_with("Once upon a time, there was a little girl named Lily. She loved to "
                               "play outside in the park. One day, she saw a big, red ball. "));
}

TEST(Session, AnswersTheGoldenTexts) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  std::ifstream in(test::golden_dir() / "real/stories260K-f32.json");
  const nlohmann::json golden = nlohmann::json::parse(in);
  for (const auto& c : golden.at("cases")) {
    const auto n = static_cast<uint32_t>(c.at("greedy_ids").size());
    EXPECT_EQ(fresh_text(*engine, greedy(c.at("prompt"), n)), c.at("text").get<std::string>());
  }
}

TEST(Session, SameSeedSameText) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  const std::string text = fresh_text(*engine, drawn(kOnce, 40, 7));
  EXPECT_EQ(fresh_text(*engine, drawn(kOnce, 40, 7)), text);
  EXPECT_NE(fresh_text(*engine, drawn(kOnce, 40, 8)), text);
}

TEST(Session, TheThreadCountNeverChangesTheText) {
  const std::string one = fresh_text(*open_model(kWindowed, {.n_threads = 1}), drawn(kOnce, 30, 3));
  EXPECT_EQ(fresh_text(*open_model(kWindowed, {.n_threads = 3}), drawn(kOnce, 30, 3)), one);
}

TEST(Session, ReportsTheSeedItTook) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  CompletionRequest request{.prompt = kOnce, .n_predict = 40};
  const Answer answer = complete(*engine->new_session(), request);
  EXPECT_EQ(fresh_text(*engine, drawn(kOnce, 40, answer.seed)), answer.message.content);
}

TEST(Session, PromptsInSmallPiecesGiveTheSameText) {
  const std::string whole = fresh_text(*open_model(kWindowed), greedy(kLong, 15));
  for (const uint32_t n_batch : {1, 7}) {
    EXPECT_EQ(fresh_text(*open_model(kWindowed, {.n_batch = n_batch}), greedy(kLong, 15)), whole)
        << n_batch;
  }
}

TEST(Session, StopsAfterSoManyTokens) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  const Answer answer = complete(*engine->new_session(), greedy(kOnce, 5));
  EXPECT_EQ(answer.stop, StopReason::length);
  EXPECT_EQ(answer.timings.n_generated, 5u);
  EXPECT_GT(answer.timings.n_prompt, 5u);
  EXPECT_EQ(answer.timings.n_prompt_cached, 0u);
  EXPECT_GT(answer.timings.time_to_first_token_ms, 0.0);
}

TEST(Session, StopsAtTheEndOfTheText) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  const Answer answer = complete(*engine->new_session(), greedy(kOnce, 0));
  EXPECT_TRUE(answer.stop == StopReason::end_of_text || answer.stop == StopReason::context_full);
  EXPECT_GT(answer.timings.n_generated, 20u);
}

TEST(Session, StopTextsEndTheAnswerAndAreNoPartOfIt) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  const std::string text = fresh_text(*engine, greedy(kOnce, 60));
  // Every piece of 3 to 9 characters of the text begins and ends somewhere inside tokens.
  for (size_t at = 10; at < 60; at += 7) {
    for (size_t n = 3; n < 10; n += 3) {
      const std::string stop = text.substr(at, n);
      CompletionRequest request = greedy(kOnce, 60);
      request.stop = {"never in the text", stop};
      const Answer answer = complete(*engine->new_session(), request);
      EXPECT_EQ(answer.stop, StopReason::stop_text);
      EXPECT_EQ(answer.message.content, text.substr(0, text.find(stop)));
    }
  }
}

TEST(Session, StopsWhenTheContextIsFull) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories, {.n_ctx = 40});
  EXPECT_EQ(engine->n_ctx(), 40u);
  const Answer answer = complete(*engine->new_session(), greedy(kOnce, 0));
  EXPECT_EQ(answer.stop, StopReason::context_full);
  // The last token needs no place: nothing is computed from it.
  EXPECT_EQ(answer.timings.n_prompt + answer.timings.n_generated, 41u);
  EXPECT_TRUE(
      fresh_text(*open_model(kStories), greedy(kOnce, 60)).starts_with(answer.message.content));
}

ErrorCode error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::io;
}

TEST(Session, RefusesAPromptThatDoesNotFit) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories, {.n_ctx = 16});
  const auto session = engine->new_session();
  EXPECT_EQ(error_of([&] { session->complete(greedy(kLong, 1), {}); }), ErrorCode::usage);
  EXPECT_EQ(session->complete(greedy("One day", 3), {}).stop, StopReason::length);
}

// Greedy tokens of what ContextWindow shows, in a fresh sequence whenever it has forgotten some.
std::string told_with_a_window(Engine& engine, const std::string& prompt, uint32_t n_keep,
                               uint32_t n) {
  const gguf::File file(kWindowed);
  const Tokenizer tokenizer = load_tokenizer(file);
  const runtime::ContextWindow window(engine.n_ctx(), ContextShift{n_keep}, true);
  std::vector<TokenId> text = engine.tokenize(prompt, {});
  std::unique_ptr<RawSequence> sequence;
  size_t n_forgotten = 0;
  std::string told;
  for (uint32_t i = 0; i < n; ++i) {
    const std::vector<TokenId> view = window.view(text);
    if (!sequence || window.n_forgotten(text.size()) != n_forgotten) {
      sequence = engine.new_raw_sequence();
      n_forgotten = window.n_forgotten(text.size());
    }
    TokenId best{0};
    const auto pick = [&](std::span<const float> row) {
      best = TokenId{static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin())};
    };
    sequence->feed(std::span(view).subspan(sequence->size()), RawSequence::Want::last, pick);
    if (tokenizer.is_eog(best)) break;
    text.push_back(best);
    tokenizer.append_bytes(best, told);
  }
  return told;
}

TEST(Session, ForgetsTheOldestWhereItMay) {
  for (const uint32_t n_keep : {0u, 5u}) {
    const auto engine = open_model(kWindowed, {.n_ctx = 24});
    CompletionRequest request = greedy(kOnce, 40);
    request.context_shift = ContextShift{.n_keep = n_keep};
    const auto session = engine->new_session();
    const Answer answer = complete(*session, request);
    EXPECT_NE(answer.stop, StopReason::context_full);
    EXPECT_GT(answer.n_forgotten, 0u);
    EXPECT_EQ(answer.message.content, told_with_a_window(*engine, kOnce, n_keep, 40));

    // So does a prompt that is too long; what was computed for it is of use for the next one.
    request.prompt = kLong;
    request.n_predict = 1;
    EXPECT_EQ(complete(*session, request).message.content,
              told_with_a_window(*engine, kLong, n_keep, 1));
    EXPECT_GT(complete(*session, request).timings.n_prompt_cached, 10u);
  }
}

TEST(Session, TakesOverWhatAnotherHasComputed) {
  for (const auto& file : {kWindowed, std::filesystem::path(kStories)}) {
    if (file == kStories) WATTLE_NEEDS_GOLDEN(kStories);
    const auto engine = open_model(file);
    const std::string expected = fresh_text(*engine, greedy(kOnce + " She had a cat.", 20));
    const auto first = engine->new_session();
    const auto second = engine->new_session();
    complete(*first, greedy(kOnce + " One day", 5));
    const Answer answer = complete(*second, greedy(kOnce + " She had a cat.", 20));
    EXPECT_GT(answer.timings.n_prompt_cached, 10u);
    EXPECT_EQ(answer.message.content, expected);
    // The first is not touched.
    const Answer again = complete(*first, greedy(kOnce + " One day", 5));
    EXPECT_EQ(again.timings.n_prompt_cached + 1, again.timings.n_prompt);
  }
}

TEST(Session, TakesNothingOverThatAWindowHasLost) {
  const auto engine = open_model(kWindowed, {.n_batch = 16});
  const std::string expected = fresh_text(*engine, greedy(kOnce + " She had a cat.", 20));
  const auto first = engine->new_session();
  const auto second = engine->new_session();
  complete(*first, greedy(kOnce + kLong + kLong, 5));
  const Answer answer = complete(*second, greedy(kOnce + " She had a cat.", 20));
  EXPECT_EQ(answer.timings.n_prompt_cached, 0u);
  EXPECT_EQ(answer.message.content, expected);
}

TEST(Session, GoesOnWhereItWasSaved) {
  const test::TempDir dir;
  const auto path = dir.path() / "session";
  const auto engine = open_model(kWindowed);
  const auto session = engine->new_session();
  const std::string first = complete(*session, greedy(kLong, 20)).message.content;
  session->save(path, "what the caller likes");
  const CompletionRequest next = greedy(kLong + first + " Then", 20);
  const Answer expected = complete(*session, next);

  // In another engine, as after a restart; what the session held before is forgotten.
  const auto later = open_model(kWindowed);
  const auto restored = later->new_session();
  complete(*restored, greedy("One day", 5));
  const Session::Restored told = restored->restore(path);
  EXPECT_EQ(told.note, "what the caller likes");
  EXPECT_TRUE(told.cache);
  const Answer answer = complete(*restored, next);
  EXPECT_EQ(answer.message.content, expected.message.content);
  EXPECT_EQ(answer.timings.n_prompt_cached, expected.timings.n_prompt_cached);
  EXPECT_GT(answer.timings.n_prompt_cached, 64u);
}

TEST(Session, OfAnotherCacheKeepsTheNoteAndComputesAnew) {
  const test::TempDir dir;
  const auto path = dir.path() / "session";
  const auto engine = open_model(kWindowed);
  const auto session = engine->new_session();
  const Answer expected = complete(*session, greedy(kOnce, 20));
  session->save(path, "note");
  const auto shorter = open_model(kWindowed, {.n_ctx = 90});  // a smaller ring
  const auto restored = shorter->new_session();
  complete(*restored, greedy(kOnce, 1));
  const Session::Restored told = restored->restore(path);
  EXPECT_EQ(told.note, "note");
  EXPECT_FALSE(told.cache);
  const Answer answer = complete(*restored, greedy(kOnce, 20));
  EXPECT_EQ(answer.message.content, expected.message.content);
  EXPECT_EQ(answer.timings.n_prompt_cached, 0u);
}

TEST(Session, ADamagedFileLeavesItUsable) {
  const test::TempDir dir;
  const auto path = dir.path() / "session";
  const auto engine = open_model(kWindowed);
  const auto session = engine->new_session();
  const Answer expected = complete(*session, greedy(kOnce, 20));
  session->save(path, "note");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_EQ(error_of([&] { session->restore(path); }), ErrorCode::bad_input);
  EXPECT_EQ(error_of([&] { session->restore(dir.path() / "absent"); }), ErrorCode::io);
  EXPECT_EQ(error_of([&] { session->save(dir.path() / "no/folder", ""); }), ErrorCode::io);
  EXPECT_EQ(complete(*session, greedy(kOnce, 20)).message.content, expected.message.content);
}

TEST(Engine, EmbedsInPiecesAsAtOnce) {
  const auto engine = open_model(kWindowed);
  const auto pieces = open_model(kWindowed, {.n_batch = 7});
  for (const Pooling pooling : {Pooling::mean, Pooling::first, Pooling::last}) {
    const Embedding whole = engine->embed(kLong, {.pooling = pooling, .normalize = false});
    EXPECT_EQ(whole.values.size(), engine->model().n_embd);
    EXPECT_GT(whole.n_tokens, 64u);
    EXPECT_EQ(pieces->embed(kLong, {.pooling = pooling, .normalize = false}).values, whole.values);
  }
  // What a causal model makes of the first token does not depend on what follows.
  EXPECT_EQ(engine->embed("Once upon", {.pooling = Pooling::first}).values,
            engine->embed("The end", {.pooling = Pooling::first}).values);
  EXPECT_NE(engine->embed("Once upon", {}).values, engine->embed("The end", {}).values);
}

TEST(Session, RefusesToChatWithoutATemplate) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  EXPECT_FALSE(engine->model().has_chat_template);
  const ChatRequest request{.messages = {{.role = "user", .content = "Hello"}}};
  EXPECT_EQ(error_of([&] { engine->new_session()->chat(request, {}); }), ErrorCode::unsupported);
}

// A template that only hands the text through makes a chat of a model that knows none.
TEST(Session, ChatsThroughATemplate) {
  const auto engine = open_model(
      kWindowed,
      {.chat_template = "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}"});
  EXPECT_TRUE(engine->model().has_chat_template);
  const auto session = engine->new_session();
  ChatRequest request{.messages = {{.role = "user", .content = kOnce}}, .n_predict = 20};
  request.sampling.temperature = 0.0f;
  std::string streamed;
  const Answer first = session->chat(request, [&](const Delta& d) { streamed += d.text; });
  EXPECT_EQ(streamed, first.message.content);
  EXPECT_EQ(" " + first.message.content, fresh_text(*engine, greedy(kOnce, 20)));

  request.messages.push_back(first.message);
  request.messages.push_back({.role = "user", .content = " Then"});
  const Answer second = session->chat(request, {});
  EXPECT_GE(second.timings.n_prompt_cached, first.timings.n_prompt);
  EXPECT_EQ(second.message.content, engine->new_session()->chat(request, {}).message.content);
}

TEST(Session, ControlTokensInAMessageAreText) {
  const auto engine = open_model(kWindowed, {.chat_template = "{{ messages[0]['content'] }}"});
  const auto n_prompt = [&](const char* text) {
    const ChatRequest request{.messages = {{.role = "user", .content = text}}, .n_predict = 1};
    return engine->new_session()->chat(request, {}).timings.n_prompt;
  };
  EXPECT_GT(n_prompt("<eos>"), 3u);  // BOS, and "<eos>" letter by letter
}

TEST(Session, RefusesATemplateThatIsNone) {
  try {
    open_model(kWindowed, {.chat_template = "{% for %}"});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_input);
  }
}

TEST(Session, ReusesWhatIsInTheCache) {
  WATTLE_NEEDS_GOLDEN(kStories);
  for (const std::filesystem::path& file : {std::filesystem::path(kStories), kWindowed}) {
    const auto engine = open_model(file);
    const auto session = engine->new_session();
    const Answer first = complete(*session, greedy(kOnce, 30));
    const std::string longer = kOnce + first.message.content + " The end. Then";
    const Answer second = complete(*session, greedy(longer, 30));
    EXPECT_GT(second.timings.n_prompt_cached, first.timings.n_prompt);
    EXPECT_EQ(second.message.content, fresh_text(*engine, greedy(longer, 30))) << file;
    // The very same prompt: all but its last token is there.
    const Answer again = complete(*session, greedy(longer, 30));
    EXPECT_EQ(again.message.content, second.message.content);
    EXPECT_EQ(again.timings.n_prompt_cached, again.timings.n_prompt - 1);
  }
}

// After a long text the ring of a sliding window no longer holds what comes before an early
// divergence: it must be computed again, and after a late one it need not.
TEST(Session, ReuseIsRightForSlidingWindows) {
  const auto engine = open_model(kWindowed, {.n_batch = 16});
  const auto session = engine->new_session();
  CompletionRequest request = greedy(kLong, 130);
  request.sampling.logit_bias = {{TokenId(1), -std::numeric_limits<float>::infinity()}};  // <eos>
  const Answer answer = complete(*session, request);
  // More than the three pages of 64 that the ring has for a window of 64 and steps of 16.
  ASSERT_GT(answer.timings.n_prompt + answer.timings.n_generated, 3 * 64u + 15u);
  const std::string written = kLong + answer.message.content;
  const std::string late = written.substr(0, written.size() - 20) + " and then";
  const std::string early = written.substr(0, 60) + " and then";
  const Answer after_late = complete(*session, greedy(late, 10));
  EXPECT_GT(after_late.timings.n_prompt_cached, 100u);
  EXPECT_EQ(after_late.message.content, fresh_text(*engine, greedy(late, 10)));
  const Answer after_early = complete(*session, greedy(early, 10));
  EXPECT_EQ(after_early.timings.n_prompt_cached, 0u);
  EXPECT_EQ(after_early.message.content, fresh_text(*engine, greedy(early, 10)));
}

TEST(Session, CancelFromTheCallbackEndsTheAnswer) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  const auto session = engine->new_session();
  int n_deltas = 0;
  const Answer answer = session->complete(greedy(kOnce, 0), [&](const Delta&) {
    if (++n_deltas == 5) session->cancel();
  });
  EXPECT_EQ(answer.stop, StopReason::cancelled);
  EXPECT_EQ(n_deltas, 5);
  EXPECT_EQ(complete(*session, greedy(kOnce, 30)).message.content,
            fresh_text(*engine, greedy(kOnce, 30)));
}

TEST(Session, CancelFromAnotherThreadEndsThePromptToo) {
  const auto engine = open_model(kWindowed, {.n_batch = 1});
  const auto session = engine->new_session();
  std::atomic<bool> done{false};
  std::thread impatient([&] {
    while (!done.load()) session->cancel();
  });
  const Answer answer = session->complete(greedy(kLong, 0), {});
  done = true;
  impatient.join();
  EXPECT_EQ(answer.stop, StopReason::cancelled);
  EXPECT_EQ(answer.timings.n_generated, 0u);
  EXPECT_EQ(complete(*session, greedy(kOnce, 10)).message.content,
            fresh_text(*engine, greedy(kOnce, 10)));
}

TEST(Session, SurvivesACallbackThatThrows) {
  const auto engine = open_model(kWindowed);
  const auto session = engine->new_session();
  int n_deltas = 0;
  EXPECT_THROW(session->complete(greedy(kOnce, 15),
                                 [&](const Delta&) {
                                   if (++n_deltas == 10) throw std::runtime_error("the pipe broke");
                                 }),
               std::runtime_error);
  const Answer answer = complete(*session, greedy(kOnce, 15));
  EXPECT_EQ(answer.message.content, fresh_text(*engine, greedy(kOnce, 15)));
  EXPECT_GT(answer.timings.n_prompt_cached, 0u);
}

TEST(Session, SeveralAtOnceAnswerAsEachAlone) {
  const auto engine = open_model(kWindowed, {.n_batch = 8});
  constexpr int kSessions = 3;
  std::vector<std::string> alone;
  for (int i = 0; i < kSessions; ++i) {
    alone.push_back(fresh_text(*engine, drawn(kOnce, 20, static_cast<uint64_t>(i))));
  }
  std::vector<std::string> together(kSessions);
  std::vector<std::thread> threads;
  for (int i = 0; i < kSessions; ++i) {
    threads.emplace_back([&, i] {
      together[static_cast<size_t>(i)] =
          fresh_text(*engine, drawn(kOnce, 20, static_cast<uint64_t>(i)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(together, alone);
}

TEST(Session, RefusesParametersOutOfRange) {
  WATTLE_NEEDS_GOLDEN(kStories);
  const auto engine = open_model(kStories);
  const auto session = engine->new_session();
  CompletionRequest request = greedy(kOnce, 1);
  request.sampling.top_p = 2.0f;
  EXPECT_EQ(error_of([&] { session->complete(request, {}); }), ErrorCode::usage);
  request = greedy(kOnce, 1);
  request.stop = {""};
  EXPECT_EQ(error_of([&] { session->complete(request, {}); }), ErrorCode::usage);
}

}  // namespace
}  // namespace wattle
