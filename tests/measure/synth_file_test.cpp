// SPDX-License-Identifier: Apache-2.0
// Files of the presets' structure with small sizes: the engine opens them, and they behave.
#include "measure/synth_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string>

#include "gguf/reader.h"
#include "measure/synth_vocab.h"
#include "tests/gguf/expect_error.h"
#include "tests/support/read_file.h"
#include "tests/support/temp_dir.h"
#include "wattle/engine.h"

namespace wattle::measure {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Everything that makes the preset what it is, and rows of at least one block of 256.
SynthShape shrunk(SynthShape shape) {
  const uint32_t period = std::max(shape.swa_period, 1u);
  shape.n_layer = 3 * period;
  if (shape.n_layer_shared_kv != 0) shape.n_layer_shared_kv = period;
  shape.n_embd = 256;
  shape.n_head = 4;
  shape.n_head_kv = std::min(shape.n_head_kv, 2u);
  shape.n_head_kv_full = std::min(shape.n_head_kv_full, 1u);
  if (shape.n_layer_shared_kv != 0) shape.n_head_kv = 1;
  shape.head_dim = 64;
  if (shape.head_dim_full != 0) shape.head_dim_full = 128;
  shape.n_ff = 512;
  if (shape.n_ff_shared != 0) shape.n_ff_shared = 768;
  if (shape.n_embd_per_layer != 0) shape.n_embd_per_layer = 64;
  if (shape.n_expert != 0) {
    shape.n_expert = 16;
    shape.n_expert_used = 4;
    shape.n_ff_exp = 96;
  }
  if (shape.n_swa != 0) shape.n_swa = 16;
  shape.n_vocab = kMinSynthVocab;
  return shape;
}

class SynthFile : public testing::Test {
 protected:
  fs::path path() const { return dir_.path() / "synth.gguf"; }
  size_t n_files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(dir_.path()), fs::directory_iterator()));
  }
  static SynthPlan plan(std::string_view preset, std::string_view mix) {
    return plan_synth(shrunk(find_synth_preset(preset)), find_type_mix(mix), {});
  }

  test::TempDir dir_;
};

TEST_F(SynthFile, OfEveryPresetHasTameLogits) {
  for (const SynthShape& preset : synth_presets()) {
    for (const char* mix : {"q4_0", "q4_k_m", "f16"}) {
      SCOPED_TRACE(std::string(preset.name) + " " + mix);
      fs::remove(path());
      write_synth(plan(preset.name, mix), path(), {});
      Engine engine({.model = path(), .n_ctx = 64, .n_threads = 1});
      EXPECT_TRUE(engine.model().has_chat_template);
      const auto ids =
          engine.tokenize("The sky is bakule, and the sea mirozu again and again.", {});
      ASSERT_GT(ids.size(), 20u);  // longer than the windows
      size_t n_same = 0;
      TokenId last_best{-1};
      engine.logits(ids, true, [&](std::span<const float> row) {
        double sum = 0;
        double squares = 0;
        for (const float v : row) {
          ASSERT_TRUE(std::isfinite(v));
          sum += v;
          squares += double{v} * v;
        }
        const double n = static_cast<double>(row.size());
        const double spread = std::sqrt(squares / n - sum / n * (sum / n));
        // The deviations are chosen for one; a tied head adds what the embeddings have in common.
        EXPECT_GT(spread, 0.3);
        EXPECT_LT(spread, 3.0);
        const TokenId best{
            static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin())};
        n_same += best == last_best;
        last_best = best;
      });
      // Positions have most of their context in common, but not all of it: 0 to 32 of 40 are the
      // same as the one before.
      EXPECT_LT(n_same, ids.size() * 9 / 10) << "the model says the same whatever it reads";
    }
  }
}

TEST_F(SynthFile, OfTheFirstLayersIsAModel) {
  for (const char* preset : {"gemma4-e2b", "gemma3-1b"}) {
    const SynthShape whole = shrunk(find_synth_preset(preset));
    for (uint32_t n = 1; n <= whole.n_layer; ++n) {
      SCOPED_TRACE(std::string(preset) + " " + std::to_string(n));
      fs::remove(path());
      write_synth(plan_synth(with_layers(whole, n), find_type_mix("q4_0"), {}), path(),
                  {.sparse = true});
      EXPECT_NO_THROW(Engine({.model = path(), .n_ctx = 64, .n_threads = 1}));
    }
  }
}

TEST_F(SynthFile, AnswersInItsOwnChatForm) {
  for (const char* preset : {"gemma4-e2b", "gemma3-1b", "qwen3-0.6b", "llama-1b"}) {
    SCOPED_TRACE(preset);
    fs::remove(path());
    write_synth(plan(preset, "q8_0"), path(), {});
    Engine engine({.model = path(), .n_ctx = 256, .n_threads = 1});
    ChatRequest request{.messages = {{.role = "user", .content = "Hello"}}, .n_predict = 4};
    request.sampling.temperature = 0;
    const Answer answer = engine.new_session()->chat(request, {});
    EXPECT_GT(answer.timings.n_prompt, 10u);
    EXPECT_GT(answer.timings.n_generated, 0u);
  }
}

TEST_F(SynthFile, DependsOnItsSeedAlone) {
  const auto bytes = [&](uint64_t seed) {
    fs::remove(path());
    write_synth(plan("gemma4-26b-a4b", "q4_k_m"), path(), {.seed = seed});
    return test::read_text(path());
  };
  EXPECT_EQ(bytes(1), bytes(1));
  EXPECT_NE(bytes(1), bytes(2));
}

// Any four successive numbers of the norms stand in one place only.
TEST_F(SynthFile, TensorsShareNoNumbers) {
  write_synth(plan("gemma3-1b", "q4_0"), path(), {});
  const gguf::File file(path());
  std::set<std::array<float, 4>> seen;
  size_t n = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (tensor.dtype != DType::f32) continue;
    for (size_t i = 0; i + 4 <= tensor.n_elements(); ++i, ++n) {
      std::array<float, 4> four;
      std::memcpy(four.data(), tensor.data + i * sizeof(float), sizeof four);
      seen.insert(four);
    }
  }
  EXPECT_GT(n, 10000u);
  EXPECT_EQ(seen.size(), n);
}

TEST_F(SynthFile, NeverReplacesAnything) {
  write_synth(plan("qwen3-0.6b", "q4_0"), path(), {});
  const std::string before = test::read_text(path());
  try {
    write_synth(plan("qwen3-0.6b", "q4_0"), path(), {.seed = 1});
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_THAT(error.what(), HasSubstr("synth.gguf"));
  }
  EXPECT_EQ(test::read_text(path()), before);
}

// Not for a file that is there already.
TEST_F(SynthFile, ANameThatCannotBeIsRefused) {
  test::expect_error(ErrorCode::io, {"x: cannot create"}, [&] {
    write_synth(plan("qwen3-0.6b", "q4_0"), dir_.path() / std::string(300, 'x'), {});
  });
}

TEST_F(SynthFile, StopsWhenToldAndLeavesNothing) {
  uint64_t last = 0;
  uint64_t all = 0;
  try {
    write_synth(plan("gemma4-e4b", "q4_0"), path(),
                {.on_progress = [&](uint64_t done, uint64_t total) {
                  EXPECT_GT(done, last);
                  last = done;
                  all = total;
                  return done < total / 2;
                }});
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_GE(last, all / 2);
  EXPECT_EQ(n_files(), 0u);
}

TEST_F(SynthFile, TellsThatTheDiskIsTooSmall) {
  EXPECT_NO_THROW(check_disk_space("m.gguf", 1000, 1000));
  try {
    check_disk_space("m.gguf", 14'400'000'000, 3'100'000'000);
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_STREQ(error.what(), "m.gguf: needs 14.40 GB, and only 3.10 GB of the disk is free");
  }
}

}  // namespace
}  // namespace wattle::measure
