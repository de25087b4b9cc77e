// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"

namespace wattle {
namespace {

using nlohmann::json;
using test::run_wattle;
using testing::HasSubstr;

TEST(Synth, ListsItsPresets) {
  const auto text = run_wattle({"synth", "--list", "--type", "q8_0"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("gemma4-26b-a4b"));
  EXPECT_THAT(text.out, HasSubstr("26.84 GB"));
  const auto rows = json::parse(run_wattle({"synth", "--list", "--json"}).out);
  EXPECT_EQ(rows.size(), 8u);
  EXPECT_EQ(rows[0]["weight_bytes"], 14'423'538'808);
}

TEST(Synth, BadUsageIsTold) {
  const test::TempDir dir;
  const std::string out = dir.path() / "m.gguf";
  struct Case {
    std::vector<std::string> args;
    const char* message;
  };
  for (const auto& [args, message] :
       {Case{{"synth"}, "--list"},
        {{"synth", "qwen3-0.6b"}, "-o"},
        {{"synth", "qwen4", "-o", out}, "qwen3-30b-a3b"},
        {{"synth", "qwen3-0.6b", "-o", out, "--type", "q4"}, "q4_k_m"},
        {{"synth", "qwen3-0.6b", "-o", out, "--tensor-type", "attn=x"}, "attn=x"},
        {{"synth", "qwen3-0.6b", "-o", out, "--tensor-type", "exps=q8_0"}, "exps"}}) {
    const auto result = run_wattle(args);
    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

TEST(Synth, NeverReplacesAFile) {
  const test::TempDir dir;
  const std::string out = dir.path() / "m.gguf";
  std::ofstream(out) << "precious";
  const auto result = run_wattle({"synth", "qwen3-0.6b", "-o", out});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("m.gguf"));
  EXPECT_EQ(std::filesystem::file_size(out), 8u);
}

}  // namespace
}  // namespace wattle
