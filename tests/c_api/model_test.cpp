// SPDX-License-Identifier: Apache-2.0
// Opening a model and looking at tokens; what the C++ API says is the yardstick.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/c_api/handles.h"
#include "wattle/engine.h"

namespace wattle {
namespace {

using namespace test;

TEST(CApiModel, TellsWhatItOpened) {
  const EnginePtr engine = open_stories();
  wattle_model_info info;
  info.size = sizeof info;
  EXPECT_OK(wattle_engine_model_info(engine.get(), &info));
  EXPECT_STREQ(info.architecture, "gemma4");
  EXPECT_EQ(info.n_vocab, 5081u);
  EXPECT_EQ(info.n_ctx_train, 1024u);
  EXPECT_EQ(info.n_ctx, 256u);
  EXPECT_EQ(info.has_chat_template, 0);
  EXPECT_EQ(info.size_bytes, std::filesystem::file_size(stories_path()));
  EXPECT_EQ(info.size, sizeof info);
}

wattle_npu_info npu_of(const EnginePtr& engine) {
  wattle_npu_info info;
  info.size = sizeof info;
  EXPECT_OK(wattle_engine_npu_info(engine.get(), &info));
  return info;
}

TEST(CApiModel, ComputesOnTheNpuThatIsAskedFor) {
  EXPECT_EQ(npu_of(open_stories()).has_npu, 0);
  wattle_engine_params params = engine_params();
  params.npu = WATTLE_NPU_SIMULATOR;
  params.npu_arithmetic = WATTLE_NPU_W8A8;
  params.npu_min_rows = 20;
  const EnginePtr engine = open_stories(params);
  const wattle_npu_info opened = npu_of(engine);
  EXPECT_EQ(opened.has_npu, 1);
  EXPECT_EQ(opened.is_silicon, 0);
  EXPECT_EQ(opened.in_use, 1);
  EXPECT_EQ(opened.is_projection, 1);
  EXPECT_GT(opened.n_on_npu, 0u);
  EXPECT_LE(opened.n_on_npu, opened.n_matrices);
  EXPECT_EQ(opened.n_streamed, 0u);
  EXPECT_GT(opened.n_bytes, 1u << 20);
  const std::vector<int32_t> ids(20, 1849);
  const auto compute = [&](size_t n) {
    EXPECT_OK(wattle_logits(
        engine.get(), ids.data(), n, 0, [](void*, size_t, const float*, size_t) { return 0; },
        nullptr));
    return npu_of(engine).n_submits;
  };
  EXPECT_EQ(compute(2), opened.n_submits);
  EXPECT_GT(compute(20), opened.n_submits);
  EXPECT_GT(npu_of(engine).energy_mj, 0);
}

TEST(CApiModel, SamplingDefaultsAreThoseOfCpp) {
  wattle_sampling_params params;
  EXPECT_OK(wattle_sampling_params_init(&params, sizeof params));
  const SamplingParams cpp;
  EXPECT_EQ(params.has_seed, 0);
  EXPECT_EQ(params.temperature, cpp.temperature);
  EXPECT_EQ(params.top_k, cpp.top_k);
  EXPECT_EQ(params.top_p, cpp.top_p);
  EXPECT_EQ(params.min_p, cpp.min_p);
  EXPECT_EQ(params.typical_p, cpp.typical_p);
  EXPECT_EQ(params.repeat_last_n, cpp.repeat_last_n);
  EXPECT_EQ(params.repeat_penalty, cpp.repeat_penalty);
  EXPECT_EQ(params.dry_base, cpp.dry_base);
  EXPECT_EQ(params.dry_allowed_length, cpp.dry_allowed_length);
  EXPECT_EQ(params.dry_penalty_last_n, cpp.dry_penalty_last_n);
}

TEST(CApiModel, ReportsLoadingAndStopsWhenToldTo) {
  struct Seen {
    uint64_t done = 0;
    uint64_t total = 0;
    int32_t reply = 0;
  } seen;
  wattle_engine_params params = engine_params();
  params.on_progress = [](void* user, uint64_t done, uint64_t total) {
    auto* s = static_cast<Seen*>(user);
    s->done = done;
    s->total = total;
    return s->reply;
  };
  params.user_data = &seen;
  open_stories(params);
  EXPECT_EQ(seen.done, seen.total);
  EXPECT_GT(seen.total, 1'000'000u);

  seen.reply = 1;
  const std::string path = stories_path();
  params.model = path.c_str();
  wattle_engine* engine = nullptr;
  EXPECT_EQ(wattle_engine_open(&params, &engine), WATTLE_CANCELLED);
  EXPECT_EQ(engine, nullptr);
}

TEST(CApiModel, LogsToTheSinkItWasGiven) {
  std::vector<std::string> lines;
  wattle_engine_params params = engine_params();
  params.on_log = [](void* user, wattle_log_level level, const char* line) {
    EXPECT_EQ(level, WATTLE_LOG_WARNING);
    static_cast<std::vector<std::string>*>(user)->emplace_back(line);
  };
  params.user_data = &lines;
  params.n_ctx = 1056;  // the model was trained on 1024
  open_stories(params);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("1056"), std::string::npos) << lines[0];
}

TEST(CApiModel, TokenizesIntoTheRoomThereIs) {
  const EnginePtr engine = open_stories();
  const std::string text = "One day";
  size_t n = 0;
  EXPECT_OK(wattle_tokenize(engine.get(), text.data(), text.size(), WATTLE_TOKENIZE_ADD_BOS,
                            nullptr, 0, &n));
  ASSERT_EQ(n, 3u);
  std::vector<int32_t> ids(n, -1);
  EXPECT_OK(wattle_tokenize(engine.get(), text.data(), text.size(), WATTLE_TOKENIZE_ADD_BOS,
                            ids.data(), 2, &n));
  EXPECT_EQ(n, 3u);
  EXPECT_EQ(ids, (std::vector<int32_t>{2, 1849, -1}));
  EXPECT_OK(wattle_tokenize(engine.get(), text.data(), text.size(), 0, ids.data(), 3, &n));
  EXPECT_EQ(n, 2u);
  EXPECT_EQ(ids, (std::vector<int32_t>{1849, 1585, -1}));
  EXPECT_OK(wattle_tokenize(engine.get(), nullptr, 0, 0, nullptr, 0, &n));
  EXPECT_EQ(n, 0u);

  char bytes[8] = "~~~~~~~";
  EXPECT_OK(wattle_token_bytes(engine.get(), 1849, bytes, 3, &n));
  EXPECT_EQ(n, 4u);
  EXPECT_STREQ(bytes, " On~~~~");
}

TEST(CApiModel, HandsOutLogitsAsCppDoes) {
  const EnginePtr engine = open_stories();
  const std::vector<int32_t> ids{2, 1849, 1585};
  struct Rows {
    std::vector<size_t> positions{};
    std::vector<std::vector<float>> rows{};
    size_t stop_after = 9;
  };
  const wattle_logits_fn keep = [](void* user, size_t position, const float* row, size_t n) {
    auto* kept = static_cast<Rows*>(user);
    kept->positions.push_back(position);
    kept->rows.emplace_back(row, row + n);
    return static_cast<int32_t>(kept->rows.size() == kept->stop_after);
  };
  Rows all;
  EXPECT_OK(wattle_logits(engine.get(), ids.data(), ids.size(), 1, keep, &all));
  EXPECT_EQ(all.positions, (std::vector<size_t>{0, 1, 2}));
  Rows last;
  EXPECT_OK(wattle_logits(engine.get(), ids.data(), ids.size(), 0, keep, &last));
  EXPECT_EQ(last.positions, (std::vector<size_t>{2}));
  Rows stopped{.stop_after = 2};
  EXPECT_EQ(wattle_logits(engine.get(), ids.data(), ids.size(), 1, keep, &stopped),
            WATTLE_CANCELLED);
  EXPECT_EQ(stopped.rows.size(), 2u);

  Engine cpp({.model = stories_path(), .n_ctx = 256, .n_threads = 2});
  std::vector<std::vector<float>> expected;
  cpp.logits(std::vector<TokenId>{TokenId(2), TokenId(1849), TokenId(1585)}, true,
             [&](std::span<const float> row) { expected.emplace_back(row.begin(), row.end()); });
  EXPECT_EQ(all.rows, expected);
  EXPECT_EQ(wattle_logits(engine.get(), ids.data(), 0, 0, keep, &last), WATTLE_USAGE);
}

TEST(CApiModel, EmbedsAsCppDoes) {
  const EnginePtr engine = open_stories();
  wattle_model_info info;
  info.size = sizeof info;
  EXPECT_OK(wattle_engine_model_info(engine.get(), &info));
  Engine cpp({.model = stories_path(), .n_ctx = 256, .n_threads = 2});
  std::vector<float> values(info.n_embd + 1, 9.0f);
  const std::pair<wattle_pooling, std::optional<Pooling>> poolings[] = {
      {WATTLE_POOLING_DEFAULT, std::nullopt},
      {WATTLE_POOLING_MEAN, Pooling::mean},
      {WATTLE_POOLING_FIRST, Pooling::first},
      {WATTLE_POOLING_LAST, Pooling::last}};
  for (const auto& [c_pooling, pooling] : poolings) {
    for (const bool normalize : {false, true}) {
      EXPECT_OK(wattle_embed(engine.get(), "One day Lily", c_pooling, normalize, values.data(),
                             values.size()));
      std::vector<float> expected =
          cpp.embed("One day Lily", {.pooling = pooling, .normalize = normalize}).values;
      expected.push_back(9.0f);  // not written past
      EXPECT_EQ(values, expected);
    }
  }
  EXPECT_EQ(wattle_embed(engine.get(), "x", 4, 1, values.data(), values.size()), WATTLE_USAGE);
}

TEST(CApiModel, VersionIsThatOfTheBuild) { EXPECT_STREQ(wattle_version(), "0.1.0"); }

}  // namespace
}  // namespace wattle
