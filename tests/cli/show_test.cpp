// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gguf/writer.h"
#include "tests/cli/program.h"
#include "tests/gguf/raw_file.h"
#include "tests/support/needs_golden.h"
#include "tests/support/read_file.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"

namespace wattle {
namespace {

using nlohmann::json;
using test::run_wattle;
using testing::HasSubstr;
using testing::Not;

void save(const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

json show_json(const std::vector<std::string>& args) {
  auto all = args;
  all.insert(all.begin(), "show");
  all.push_back("--json");
  const auto result = run_wattle(all);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return json::parse(result.out);
}

TEST(Show, SummarisesTheModelInTheRepository) {
  const json summary = show_json({"-m", "stories"});
  EXPECT_EQ(summary["model"]["architecture"], "gemma4");
  EXPECT_GT(summary["model"]["parameters"].get<uint64_t>(), 1'000'000u);
  uint64_t n_params = 0;
  uint64_t size_bytes = 0;
  for (const json& row : summary["tensors"]["by_type"]) {
    n_params += row["parameters"].get<uint64_t>();
    size_bytes += row["size_bytes"].get<uint64_t>();
  }
  EXPECT_EQ(n_params, summary["model"]["parameters"]);
  EXPECT_LT(size_bytes, summary["file"]["size_bytes"].get<uint64_t>());
  EXPECT_GT(summary["hparams"]["n_expert"].get<uint32_t>(), 0u);
  EXPECT_TRUE(summary["tokenizer"]["chat_template"].is_boolean());
  const auto text = run_wattle({"show", "stories"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("gemma4"));
}

// The table of the 26B-A4B model: window layers keep window + batch positions, full layers all.
TEST(Show, CountsTheCacheOfWindowsAndFullLayers) {
  gguf::Writer writer;
  const uint32_t n_layer = 30;
  std::vector<int32_t> n_head_kv;
  bool pattern[n_layer];
  for (uint32_t il = 0; il < n_layer; ++il) {
    pattern[il] = il % 6 != 5;
    n_head_kv.push_back(pattern[il] ? 8 : 2);
  }
  writer.set<std::string_view>("general.architecture", "gemma4");
  writer.set<uint32_t>("gemma4.block_count", n_layer);
  writer.set<uint32_t>("gemma4.context_length", 262144);
  writer.set<uint32_t>("gemma4.embedding_length", 2816);
  writer.set<uint32_t>("gemma4.feed_forward_length", 2112);
  writer.set<uint32_t>("gemma4.attention.head_count", 16);
  writer.set_array<int32_t>("gemma4.attention.head_count_kv", n_head_kv);
  writer.set<uint32_t>("gemma4.attention.key_length", 512);
  writer.set<uint32_t>("gemma4.attention.value_length", 512);
  writer.set<uint32_t>("gemma4.attention.key_length_swa", 256);
  writer.set<uint32_t>("gemma4.attention.value_length_swa", 256);
  writer.set<uint32_t>("gemma4.attention.sliding_window", 1024);
  writer.set_array<bool>("gemma4.attention.sliding_window_pattern", pattern);
  writer.set<uint32_t>("gemma4.attention.shared_kv_layers", 0);
  writer.set<float>("gemma4.attention.layer_norm_rms_epsilon", 1e-6f);
  writer.set<uint32_t>("gemma4.embedding_length_per_layer_input", 0);
  writer.set<uint32_t>("gemma4.expert_count", 128);
  writer.set<uint32_t>("gemma4.expert_used_count", 8);
  writer.set<uint32_t>("gemma4.expert_feed_forward_length", 704);
  writer.set<uint32_t>("gemma4.vocab_size", 262144);
  const test::TempDir dir;
  writer.write(dir.path() / "a4b.gguf");

  const json summary = show_json({(dir.path() / "a4b.gguf").string()});
  ASSERT_TRUE(summary.contains("memory")) << summary.dump(2);
  const json& contexts = summary["memory"]["contexts"];
  const json& last = contexts.back();
  EXPECT_EQ(last["n_ctx"], 262144);
  // Full layers as the facts have it; the ring holds window and batch in whole pages.
  const uint64_t full = uint64_t{20480} * 262144;
  const uint64_t ring = last["kv_f16_bytes"].get<uint64_t>() - full;
  EXPECT_GE(ring, uint64_t{204800} * (1024 + 512));
  EXPECT_LE(ring, uint64_t{204800} * (1024 + 512 + 128));
  EXPECT_EQ(last["kv_q8_0_bytes"].get<uint64_t>() * 32, last["kv_f16_bytes"].get<uint64_t>() * 17);
  // Doubling the context adds full layers only.
  for (size_t i = 1; i < contexts.size(); ++i) {
    const uint64_t n =
        contexts[i]["n_ctx"].get<uint64_t>() - contexts[i - 1]["n_ctx"].get<uint64_t>();
    EXPECT_EQ(contexts[i]["kv_f16_bytes"].get<uint64_t>() -
                  contexts[i - 1]["kv_f16_bytes"].get<uint64_t>(),
              n * 20480);
  }
}

TEST(Show, ListsTensorsAndKeys) {
  const json summary = show_json({"stories", "--tensors", "--keys"});
  EXPECT_EQ(summary["tensor_list"].size(), summary["tensors"]["count"].get<size_t>());
  EXPECT_EQ(summary["keys"]["general.architecture"], "gemma4");
  EXPECT_EQ(summary["keys"]["tokenizer.ggml.tokens"]["array_of"], "string");
  const auto text = run_wattle({"show", "stories", "--tensors", "--keys"});
  EXPECT_THAT(text.out, HasSubstr("token_embd.weight"));
  EXPECT_THAT(text.out, HasSubstr("tokenizer.ggml.tokens"));
}

TEST(Show, ShowsWhatThisBuildCannotRun) {
  const test::TempDir dir;
  gguf::Writer writer;
  writer.set<std::string_view>("general.architecture", "mamba");
  writer.set<std::string_view>("general.name", "evil \x1b[31m name");
  writer.set<std::string_view>("evil.key", "evil \x1b[31m value");
  writer.write(dir.path() / "mamba.gguf");
  const auto text =
      run_wattle({"show", (dir.path() / "mamba.gguf").string(), "--keys", "--tensors"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("mamba"));
  EXPECT_THAT(text.out, Not(HasSubstr("\x1b")));
  const json summary = show_json({(dir.path() / "mamba.gguf").string()});
  EXPECT_THAT(summary["hparams"]["problem"].get<std::string>(), HasSubstr("supported: "));

  save(dir.path() / "types.gguf",
       test::RawFile::with_counts(1, 0).tensor("iq", {256}, 16, 0).data(66).bytes());
  const json types = show_json({(dir.path() / "types.gguf").string()});
  EXPECT_EQ(types["tensors"]["by_type"][0]["type"], "iq2_xxs");
  EXPECT_TRUE(types["tensors"]["by_type"][0].contains("problem"));
}

TEST(Show, ShowsEveryReferenceFile) {
  WATTLE_NEEDS_GOLDEN("models");
  for (const auto& entry : std::filesystem::directory_iterator(test::golden_dir() / "models")) {
    if (entry.path().extension() != ".gguf") continue;
    const json summary = show_json({entry.path().string()});
    EXPECT_FALSE(summary["hparams"].contains("problem")) << entry.path() << summary["hparams"];
    EXPECT_TRUE(summary.contains("memory")) << entry.path();
  }
}

TEST(Show, BadFilesGiveOneErrorAndExitCode1) {
  const test::TempDir dir;
  const auto stories = test::read_file(test::stories_model());
  const std::filesystem::path path = dir.path() / "bad.gguf";
  for (const size_t size :
       {size_t{0}, size_t{3}, size_t{100}, size_t{20000}, stories.size() - 100}) {
    save(path, {stories.begin(), stories.begin() + static_cast<std::ptrdiff_t>(size)});
    const auto result = run_wattle({"show", path.string()});
    EXPECT_EQ(result.exit_code, 1) << size;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("error: " + path.string() + ": "));
  }
  const auto folder = run_wattle({"show", dir.path().string()});
  EXPECT_EQ(folder.exit_code, 1);
  const auto absent = run_wattle({"show", (dir.path() / "absent.gguf").string()});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.err, HasSubstr("absent.gguf"));
  EXPECT_THAT(absent.err, HasSubstr("hint: "));
}

// ---- the plan of placement ----

std::string file_of_26b(const test::TempDir& dir) {
  const auto path = (dir.path() / "26b.gguf").string();
  const auto made = run_wattle({"synth", "gemma4-26b-a4b", "--sparse", "-o", path, "-q"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return path;
}

json placement_of(std::vector<std::string> args) {
  args.emplace_back("--placement");
  return show_json(args)["placement"];
}

TEST(ShowPlacement, PlansAModelLargerThanTheMemoryFromItsHeader) {
  const test::TempDir dir;
  const std::string path = file_of_26b(dir);
  const json plan = placement_of({path});
  EXPECT_THAT(plan["what"].get<std::string>(), HasSubstr("not run on silicon"));
  // 15 GiB less the mapped file, keys and values of 4,096 tokens and all buffers.
  EXPECT_LT(plan["max_bytes"].get<uint64_t>(), (uint64_t{15} << 30) - 14'434'755'072);
  const json& memory = plan["memory"];
  EXPECT_EQ(memory["board"], uint64_t{15} << 30);
  uint64_t together = 0;
  for (const char* const what :
       {"file", "cache", "activations", "weights", "ring", "inputs", "results", "commands"}) {
    EXPECT_GT(memory[what].get<uint64_t>(), 0u) << what;
    together += memory[what].get<uint64_t>();
  }
  EXPECT_EQ(memory["total"], together);
  EXPECT_LE(together, uint64_t{15} << 30);
  EXPECT_EQ(memory["file"], std::filesystem::file_size(path));
  EXPECT_GE(memory["weights"].get<uint64_t>(), plan["bytes"].get<uint64_t>());
  EXPECT_GT(plan["bytes"].get<uint64_t>(), 0u);
  EXPECT_LE(plan["bytes"].get<uint64_t>(), plan["max_bytes"].get<uint64_t>());

  uint64_t n_bytes = 0;
  double prompt_ms = plan["rest"]["prompt"]["ms"];
  double token_mj = plan["rest"]["token"]["mj"];
  uint64_t n_matrices = 0;
  uint64_t n_streamed = 0;
  for (const json& group : plan["groups"]) {
    const uint64_t count = group["count"];
    n_matrices += count;
    if (group.contains("bytes")) n_bytes += count * group["bytes"].get<uint64_t>();
    prompt_ms += static_cast<double>(count) * group["costs"]["prompt"]["ms"].get<double>();
    token_mj += static_cast<double>(count) * group["costs"]["token"]["mj"].get<double>();
    EXPECT_TRUE(group["ways"].contains("cpu"));
    EXPECT_TRUE(group["ways"].contains("w16a16"));
    EXPECT_TRUE(group["ways"].contains("w16a16 streamed"));
    EXPECT_EQ(group["ways"]["w16a16 streamed"]["bytes"], 0);
    n_streamed += group.contains("held") && group["held"] == "streamed" ? count : 0;
    EXPECT_EQ(group["ways"].contains("w4a8"), group["type"] == "q4_0");
  }
  EXPECT_GT(n_streamed, 100u) << "most do not fit";
  EXPECT_EQ(n_bytes, plan["bytes"]);
  EXPECT_EQ(n_matrices, 30u * 10 - 5 + 1) << "five layers have no attn_v; the head";
  EXPECT_NEAR(prompt_ms, plan["total"]["prompt"]["ms"].get<double>(), 1e-3);
  EXPECT_NEAR(token_mj, plan["total"]["token"]["mj"].get<double>(), 1e-3);
  const double ms = plan["total"]["prompt"]["ms"];
  EXPECT_NEAR(plan["total"]["prompt"]["tokens_per_s"].get<double>(), 512e3 / ms, 1e-6);
  EXPECT_GT(plan["total"]["prompt"]["tokens_per_s"].get<double>(),
            plan["total_on_cpu"]["prompt"]["tokens_per_s"].get<double>());

  const json more = placement_of({path, "--npu-memory", "60000"});
  EXPECT_GT(more["total"]["prompt"]["tokens_per_s"].get<double>(),
            plan["total"]["prompt"]["tokens_per_s"].get<double>());
  const json coarse =
      placement_of({path, "--objective", "energy", "--npu-kl", "4", "--npu-memory", "8000"});
  EXPECT_LT(coarse["total"]["token"]["mj"].get<double>(),
            plan["total"]["token"]["mj"].get<double>());
  const json capped = placement_of({path, "--watts", "2"});
  EXPECT_EQ(capped["keeps_watts"], false);
}

TEST(ShowPlacement, PrintsATable) {
  const auto result = run_wattle({"show", "stories", "--placement", "--npu-rows", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("placement for speed: a projection for an RK3588"));
  EXPECT_THAT(result.out, HasSubstr("not run on silicon"));
  EXPECT_THAT(result.out, testing::ContainsRegex("[0-9]+ matrices stay on the NPU .[0-9.]+ MB., 0 "
                                                 "are streamed, 0 are on the CPU; there is"));
  EXPECT_THAT(result.out, HasSubstr("blk.*.ffn_down_exps"));
  EXPECT_THAT(result.out, HasSubstr("w16a16"));
  EXPECT_THAT(result.out, HasSubstr("of the board's 16.11 GB"));
  const auto streamed =
      run_wattle({"show", "stories", "--placement", "--npu-rows", "1", "--npu-memory", "1"});
  EXPECT_THAT(
      streamed.out,
      testing::ContainsRegex(
          "matrices stay on the NPU .[0-9.]+ kB., [1-9][0-9]* are streamed, 0 are on the CPU"));
  EXPECT_THAT(streamed.out, HasSubstr("w16a16 streamed, >= "));
  EXPECT_THAT(result.out, HasSubstr("all on the CPU"));
  const auto capped = run_wattle({"show", "stories", "--placement", "--watts", "1"});
  EXPECT_THAT(capped.out, HasSubstr("no plan keeps within 1.0 W: this is the nearest"));
  EXPECT_THAT(run_wattle({"show", "stories"}).out, Not(HasSubstr("placement")));
}

TEST(ShowPlacement, RefusesWhatCannotBe) {
  for (const auto& [flag, value] : {std::pair{"--watts", "0"}, std::pair{"--watts", "many"},
                                    std::pair{"--npu-kl", "-1"}, std::pair{"--objective", "quiet"},
                                    std::pair{"--npu-memory", "0"}, std::pair{"--npu-rows", "0"}}) {
    const auto result = run_wattle({"show", "stories", "--placement", flag, value});
    EXPECT_EQ(result.exit_code, 2) << flag;
    EXPECT_THAT(result.err, HasSubstr(flag));
  }
}

}  // namespace
}  // namespace wattle
