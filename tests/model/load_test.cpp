// SPDX-License-Identifier: Apache-2.0
// Files that do not hold a model that can run: each says what is wrong, and nothing crashes.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "model/registry.h"
#include "tests/gguf/allocation_meter.h"
#include "tests/gguf/expect_error.h"
#include "tests/support/golden_model.h"
#include "tests/support/model_runner.h"
#include "tests/support/tiny_model.h"

namespace wattle::test {
namespace {

void expect_load_error(TinyModel model, ErrorCode code,
                       std::initializer_list<std::string_view> parts) {
  expect_error(code, parts, [&] { ModelRunner(model.file()); });
}

template <class Change>
void expect_bad(const Change& change, std::initializer_list<std::string_view> parts,
                TinyOptions options = {}) {
  TinyModel model = make_tiny_model(options);
  change(model);
  expect_load_error(std::move(model), ErrorCode::bad_input, parts);
}

template <class Change>
void expect_unsupported(const Change& change, std::initializer_list<std::string_view> parts,
                        TinyOptions options = {}) {
  TinyModel model = make_tiny_model(options);
  change(model);
  expect_load_error(std::move(model), ErrorCode::unsupported, parts);
}

TEST(Load, UnknownArchitectureListsWhatIsSupported) {
  expect_unsupported([](TinyModel& m) { m.set("general.architecture", "llama5"); },
                     {"tiny.gguf", "'llama5'", "gemma4", "llama", "qwen3moe"});
}

TEST(Load, KeysThatAreMissing) {
  for (const char* key : {"block_count", "context_length", "embedding_length",
                          "attention.head_count", "attention.layer_norm_rms_epsilon"}) {
    expect_bad([&](TinyModel& m) { m.remove_key(key); },
               {"tiny.gguf", std::string("llama.") + key, "nothing"});
  }
}

TEST(Load, KeysOutOfRange) {
  const auto bad = [](const char* key, auto value, std::string_view found) {
    expect_bad([&](TinyModel& m) { m.set(key, value); },
               {"tiny.gguf", std::string("llama.") + key, found, "expected"});
  };
  bad("block_count", uint32_t{0}, "found 0");
  bad("block_count", uint32_t{1000000000}, "1000000000");
  bad("block_count", int32_t{-1}, "-1");
  bad("embedding_length", uint32_t{0}, "found 0");
  bad("attention.head_count", uint32_t{0}, "found 0");
  bad("attention.head_count_kv", uint32_t{0}, "found 0");
  bad("attention.head_count_kv", uint32_t{3}, "found 3 in layer 0");
  bad("attention.key_length", uint32_t{4000000000}, "4000000000");
  bad("rope.dimension_count", uint32_t{18}, "found 18");
  bad("rope.dimension_count", uint32_t{15}, "found 15");
  bad("rope.freq_base", std::numeric_limits<float>::quiet_NaN(), "nan");
  bad("rope.freq_base", -1.0f, "-1");
  bad("rope.scaling.factor", std::numeric_limits<float>::infinity(), "inf");
  bad("attention.layer_norm_rms_epsilon", -1e-5f, "-1e-05");
  bad("context_length", "many", "string");
}

TEST(Load, HeadsThatDoNotDivideTheEmbedding) {
  expect_bad(
      [](TinyModel& m) {
        m.remove_key("attention.key_length");
        m.set("attention.head_count", uint32_t{6});
        m.set("attention.head_count_kv", uint32_t{3});
      },
      {"attention.head_count", "found 6", "divisor of embedding_length 64"});
}

TEST(Load, ExpertsThatDoNotFit) {
  const TinyOptions moe{.n_expert = 4};
  expect_bad([](TinyModel& m) { m.remove_key("expert_used_count"); }, {"expert_used_count"}, moe);
  expect_bad([](TinyModel& m) { m.set("expert_used_count", uint32_t{5}); }, {"found 5", "1 to 4"},
             moe);
  expect_bad([](TinyModel& m) { m.set("expert_count", uint32_t{3}); },
             {"blk.0.ffn_gate_inp.weight", "n_expert=3"}, moe);
}

TEST(Load, TensorsThatAreMissing) {
  const TinyModel whole = make_tiny_model();
  for (const auto& [name, tensor] : whole.tensors) {
    if (name == "output.weight") continue;  // then the embedding is used
    expect_bad([&](TinyModel& m) { m.tensors.erase(name); }, {"tiny.gguf", name, "missing"});
  }
}

TEST(Load, TensorsOfAnotherShapeAreShownBesideTheExpectedOne) {
  expect_bad(
      [](TinyModel& m) {
        TinyTensor& tensor = m.tensors["blk.2.ffn_up.weight"];
        tensor.shape = {64, 96};
      },
      {"blk.2.ffn_up.weight", "[64, 96]", "[n_ff=96, n_embd=64]"});
  expect_bad([](TinyModel& m) { m.set("vocab_size", uint32_t{81}); },
             {"token_embd.weight", "[80, 64]", "n_vocab=81"});
}

TEST(Load, FeaturesThisBuildLacksAreRefusedByName) {
  expect_unsupported([](TinyModel& m) { m.set("rope.scaling.type", "yarn"); },
                     {"rope.scaling.type", "yarn", "linear"});
  expect_unsupported([](TinyModel& m) { m.set("rope.dimension_count", uint32_t{8}); },
                     {"rope.dimension_count", "8", "16"});
  expect_unsupported([](TinyModel& m) { m.set("expert_gating_func", uint32_t{2}); },
                     {"expert_gating_func", "softmax"}, {.n_expert = 4});
}

TEST(Load, ABiasNobodyAskedForIsNotLeftOut) {
  expect_unsupported(
      [](TinyModel& m) {
        m.tensors["blk.0.attn_q.bias"] = {.shape = {64}, .values = std::vector<float>(64)};
      },
      {"blk.0.attn_q.bias"}, {.arch = "qwen3"});
}

TEST(Load, UnknownTensorsAreNoError) {
  TinyModel model = make_tiny_model();
  model.tensors["v.patch_embd.weight"] = {.shape = {4, 4}, .values = std::vector<float>(16)};
  EXPECT_NO_THROW(ModelRunner(model.file()));
}

TEST(Load, BuffersAreCountedBeforeTheyAreMade) {
  TinyModel model = make_tiny_model();
  model.set("feed_forward_length", uint32_t{1} << 20);
  const auto file = model.file();
  EngineContext context({.n_threads = 1, .log = {}});
  CpuDevice device(context);
  expect_error(ErrorCode::out_of_memory, {"tiny.gguf", "512 rows", "MiB"}, [&] {
    load_model(*file, device, context, {.n_batch = 512, .max_buffer_bytes = 64 << 20});
  });
}

TEST(Load, BatchesThatDoNotFitChangeNothing) {
  TinyModel model = make_tiny_model();
  ModelRunner runner(model.file(), {.n_batch = 4});
  const SeqId id = runner.new_sequence();
  std::vector<float> room(80);
  const MatView<float> logits(room.data(), 1, 80);
  const auto usage = [&](std::vector<TokenId> tokens, std::vector<uint32_t> rows,
                         std::initializer_list<std::string_view> parts) {
    std::vector<Pos> pos;
    const std::vector<SeqId> seq(tokens.size(), id);
    for (size_t i = 0; i < tokens.size(); ++i) pos.push_back(static_cast<Pos>(i));
    expect_error(ErrorCode::usage, parts, [&] {
      runner.model().forward({.tokens = tokens, .pos = pos, .seq = seq, .output_rows = rows},
                             runner.cache(), {.logits = logits});
    });
    EXPECT_EQ(runner.cache().length(id), 0u);
  };
  usage({TokenId{80}}, {0}, {"token 80", "0 to 79"});
  usage({TokenId{-1}}, {0}, {"token -1"});
  usage({TokenId{1}}, {1}, {"row 1 of 1"});
  usage({TokenId{1}, TokenId{2}}, {1, 0}, {"ascending"});
  usage(std::vector<TokenId>(5), {0}, {"5 rows", "at most 4"});
  usage({TokenId{1}, TokenId{2}}, {0, 1}, {"[1, 80]", "[2, 80]"});
}

TEST(Model, AStepAllocatesNothingButPagesOfTheCache) {
  TinyModel dense = make_tiny_model({.dtype = DType::q8_0, .biases = true});
  TinyModel moe = make_tiny_model({.dtype = DType::q8_0, .n_expert = 4});
  for (TinyModel* model : {&dense, &moe}) {
    ModelRunner runner(model->file(), {.n_threads = 2, .n_batch = 8});
    const std::vector<SeqId> seq(8, runner.new_sequence());
    const Tokens tokens(8, TokenId{3});
    const std::vector<uint32_t> rows{7};
    std::vector<float> room(80);
    const auto step = [&](int32_t first) {
      std::array<Pos, 8> pos;
      for (int32_t i = 0; i < 8; ++i) pos[static_cast<size_t>(i)] = static_cast<Pos>(first + i);
      runner.model().forward({.tokens = tokens, .pos = pos, .seq = seq, .output_rows = rows},
                             runner.cache(), {.logits = {room.data(), 1, 80}});
    };
    step(0);  // makes the first page
    reset_largest_allocation();
    for (int32_t i = 1; i < 8; ++i) step(8 * i);
    EXPECT_EQ(largest_allocation(), 0u);
  }
}

// The last layer of all: logits are the output matrix times the hidden state, when that is f32.
TEST(Model, HiddenStatesAreWhatLogitsAreMadeOf) {
  TinyModel model = make_tiny_model();
  ModelRunner runner(model.file());
  const Tokens tokens{TokenId{1}, TokenId{2}, TokenId{3}};
  const std::vector<SeqId> seq(3, runner.new_sequence());
  const std::vector<Pos> pos{Pos{0}, Pos{1}, Pos{2}};
  const std::vector<uint32_t> rows{0, 2};
  const size_t n_embd = runner.model().hparams().n_embd;
  std::vector<float> logits(2 * 80);
  std::vector<float> hidden(2 * n_embd);
  runner.model().forward({.tokens = tokens, .pos = pos, .seq = seq, .output_rows = rows},
                         runner.cache(),
                         {.logits = {logits.data(), 2, 80}, .hidden = {hidden.data(), 2, n_embd}});
  const std::vector<float> output = model.tensors.at("output.weight").values;
  for (size_t r = 0; r < 2; ++r) {
    for (size_t t = 0; t < 80; ++t) {
      double sum = 0;
      for (size_t i = 0; i < n_embd; ++i) {
        sum += double{output[t * n_embd + i]} * double{hidden[r * n_embd + i]};
      }
      EXPECT_NEAR(logits[r * 80 + t], sum, 1e-4 * std::max(1.0, std::abs(sum)));
    }
  }
  // Alone, without the matrix.
  std::vector<float> alone(2 * n_embd);
  runner.cache().truncate(seq[0], 0);
  runner.model().forward({.tokens = tokens, .pos = pos, .seq = seq, .output_rows = rows},
                         runner.cache(), {.hidden = {alone.data(), 2, n_embd}});
  EXPECT_EQ(alone, hidden);
}

TEST(Load, SuppressedTokensHaveNoChance) {
  TinyModel model = make_tiny_model();
  model.set_array<int32_t>("tokenizer.ggml.suppress_tokens", {4, 79});
  ModelRunner runner(model.file());
  const Tokens tokens{TokenId{1}, TokenId{2}};
  for (const auto& row : runner.feed(runner.new_sequence(), tokens, 2)) {
    for (size_t t = 0; t < row.size(); ++t) {
      EXPECT_EQ(row[t] == -std::numeric_limits<float>::infinity(), t == 4 || t == 79) << t;
    }
  }
  for (const int32_t id : {-1, 80}) {
    expect_bad([&](TinyModel& m) { m.set_array<int32_t>("tokenizer.ggml.suppress_tokens", {id}); },
               {"tiny.gguf", "tokenizer.ggml.suppress_tokens", std::to_string(id), "0 to 79"});
  }
}

TEST(Load, HyperparametersAreReadWithoutWeights) {
  TinyModel model = make_tiny_model({.arch = "gemma3", .n_layer = 7});
  model.tensors.clear();
  const Hparams hp = read_hparams(*model.file());
  EXPECT_EQ(hp.n_layer, 7u);
  EXPECT_TRUE(hp.layers[4].swa);
  EXPECT_FALSE(hp.layers[5].swa);
  EXPECT_EQ(kv_shape(hp).layers.size(), 7u);
}

// Any bytes of the header may be anything: a load ends in a model or in an Error.
TEST(Load, DamagedFilesEndInAnErrorOrAModel) {
  WATTLE_NEEDS_GOLDEN("models");
  std::mt19937 rng(7);
  size_t n_loaded = 0;
  for (const auto& json : golden_model_files()) {
    const auto path = read_golden_model(json).gguf;
    std::vector<std::byte> whole(std::filesystem::file_size(path));
    std::ifstream(path, std::ios::binary)
        .read(reinterpret_cast<char*>(whole.data()), static_cast<std::streamsize>(whole.size()));
    for (int round = 0; round < 20; ++round) {
      std::vector<std::byte> damaged = whole;
      for (int i = 0; i < 3; ++i) damaged[rng() % 2048] = static_cast<std::byte>(rng());
      try {
        ModelRunner runner(std::make_unique<gguf::File>(damaged, "damaged.gguf"), {.n_batch = 8});
        runner.feed(runner.new_sequence(), Tokens(3, TokenId{1}), 3);
        ++n_loaded;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()), "");
      }
    }
  }
  EXPECT_GT(n_loaded, 0u);
}

}  // namespace
}  // namespace wattle::test
