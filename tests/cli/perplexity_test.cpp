// SPDX-License-Identifier: Apache-2.0
// `wattle perplexity` on the small model in the repository, and against llama-perplexity where the
// environment variable WATTLE_LLAMA_PERPLEXITY names that program and the model folder has SmolLM2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/cli/program.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"

namespace wattle {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::run_wattle;
using testing::HasSubstr;
using Strings = std::vector<std::string>;

const std::string kText = test::source_dir() / "LICENSE";

class Perplexity : public testing::Test {
 protected:
  fs::path logits() const { return dir_.path() / "base.kld"; }
  static json run_json(Strings args, const test::ProgramInput& input = {}) {
    args.insert(args.begin(), "perplexity");
    args.insert(args.end(), {"--json", "-q"});
    const auto result = run_wattle(args, input);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out, nullptr, false);
  }

  test::TempDir dir_;
};

TEST_F(Perplexity, OfATextIsItsMeanLikelihood) {
  const json result = run_json({"-m", "stories", "-f", kText, "-c", "64", "--chunks", "3"});
  EXPECT_EQ(result["n_chunk"], 3);
  EXPECT_EQ(result["n_scored"], 3 * 31);
  EXPECT_NEAR(result["perplexity"], std::exp(result["nll"].get<double>()), 1e-9);
  EXPECT_GT(result["perplexity"], 1);
  const auto text =
      run_wattle({"perplexity", "-m", "stories", "-f", kText, "-c", "64", "--chunks", "3"});
  EXPECT_THAT(text.out, HasSubstr("93 tokens in 3 windows of 64"));
  EXPECT_THAT(text.err, HasSubstr("chunk 3 of 3"));
}

TEST_F(Perplexity, StridesScoreAllButTheBeginning) {
  const json result =
      run_json({"-m", "stories", "-f", kText, "-c", "64", "--stride", "16", "--chunks", "4"});
  EXPECT_EQ(result["window"], 256);
  EXPECT_EQ(result["n_scored"], 4 * 16);
}

TEST_F(Perplexity, SavedLogitsAreComparedWith) {
  const test::ProgramInput reference{.env = {{"WATTLE_ISA", "reference"}}};
  const test::ProgramInput scalar{.env = {{"WATTLE_ISA", "scalar"}}};
  const json saved = run_json(
      {"-m", "stories", "-f", kText, "-c", "64", "--chunks", "3", "--kl-divergence-base", logits()},
      reference);
  const json same =
      run_json({"-m", "stories", "--kl-divergence", "--kl-divergence-base", logits()}, reference);
  EXPECT_NEAR(same["perplexity"], saved["perplexity"], 1e-9 * saved["perplexity"].get<double>());
  EXPECT_NEAR(same["kl"], 0, 1e-6);
  EXPECT_EQ(same["same_top"], 1.0);
  // Activations in int8 from activations in float.
  const json coarser =
      run_json({"-m", "stories", "--kl-divergence", "--kl-divergence-base", logits()}, scalar);
  EXPECT_GT(coarser["kl"], 1e-6);
  EXPECT_LT(coarser["kl"], 0.5);
  EXPECT_LE(coarser["kl_percentiles"]["50"], coarser["kl_percentiles"]["99"]);
  const json finer = run_json(
      {"-m", "stories", "--kl-divergence", "--kl-divergence-base", logits(), "--precision", "fine"},
      scalar);
  EXPECT_LT(finer["kl"], coarser["kl"].get<double>());
  const auto text = run_wattle(
      {"perplexity", "-m", "stories", "--kl-divergence", "--kl-divergence-base", logits()});
  EXPECT_THAT(text.out, HasSubstr("KL divergence"));
}

TEST_F(Perplexity, BadUsageIsTold) {
  std::ofstream(logits()) << "_logits_";
  struct Case {
    Strings args;
    int exit_code;
    const char* message;
  };
  for (const auto& [args, exit_code, message] :
       {Case{{}, 2, "-f"},
        {{"-f", kText, "-c", "3"}, 2, "3 tokens"},
        {{"-f", kText, "-c", "8192"}, 2, "16384"},
        {{"-f", kText, "-c", "64", "--stride", "64"}, 2, "stride of 64"},
        {{"-f", "absent.txt"}, 1, "absent.txt"},
        {{"--kl-divergence"}, 2, "--kl-divergence-base"},
        {{"--kl-divergence", "--kl-divergence-base", logits(), "-f", kText}, 2, "leave out -f"},
        {{"--kl-divergence", "--kl-divergence-base", logits()}, 1, "does not begin"},
        {{"-f", kText, "--kl-divergence-base", logits()}, 1, "something of this name"},
        {{"-f", kText, "--kl-divergence-base", std::string(300, 'x')}, 1, "x: cannot create"},
        {{"-f", kText, "--kl-divergence-base", "x.kld", "--stride", "8"},
         2,
         "leave out --stride"}}) {
    Strings all{"perplexity", "-m", "stories"};
    all.insert(all.end(), args.begin(), args.end());
    const auto result = run_wattle(all);
    EXPECT_EQ(result.exit_code, exit_code) << message << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr(message));
  }
}

// What llama-perplexity says on stdout and stderr.
std::string run_llama(const std::string& arguments) {
  const std::string command =
      "'" + std::string(std::getenv("WATTLE_LLAMA_PERPLEXITY")) + "' " + arguments + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  char buffer[4096];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  EXPECT_EQ(::pclose(pipe), 0) << text;
  return text;
}

double number_after(const std::string& text, const std::string& pattern) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex(pattern + "\\s*([-0-9.]+)"))) {
    ADD_FAILURE() << pattern << " is not in\n" << text;
    return NAN;
  }
  return std::stod(match[1]);
}

class AgainstLlama : public Perplexity {
 protected:
  void SetUp() override {
    if (std::getenv("WATTLE_LLAMA_PERPLEXITY") == nullptr) {
      GTEST_SKIP() << "WATTLE_LLAMA_PERPLEXITY names no program";
    }
    const char* models = std::getenv("WATTLE_MODELS");
    if (models == nullptr) GTEST_SKIP() << "WATTLE_MODELS names no folder";
    const fs::path path = fs::path(models) / "SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
    model_ = path.string();
  }

  std::string model_;
};

// Both round activations to int8, in another order: over 252 tokens their means differ by less than
// a hundredth of a nat, while each is uncertain by ten times that.
TEST_F(AgainstLlama, PerplexityIsTheSameWithinNoise) {
  const json ours = run_json({"-m", model_, "-f", kText, "-c", "128", "--chunks", "4"});
  const std::string theirs =
      run_llama("-m '" + model_ + "' -f '" + kText + "' -c 128 -b 128 --chunks 4 -t 2");
  EXPECT_NEAR(std::log(number_after(theirs, "PPL =")), ours["nll"].get<double>(), 0.02);
}

TEST_F(AgainstLlama, StridedPerplexityIsTheSameWithinNoise) {
  const json ours =
      run_json({"-m", model_, "-f", kText, "-c", "128", "--stride", "64", "--chunks", "4"});
  const std::string theirs = run_llama("-m '" + model_ + "' -f '" + kText +
                                       "' -c 128 -b 128 --ppl-stride 64 --chunks 4 -t 2");
  EXPECT_NEAR(std::log(number_after(theirs, "\\[4\\]")), ours["nll"].get<double>(), 0.02);
}

TEST_F(AgainstLlama, EachReadsTheLogitsOfTheOther) {
  const fs::path theirs = dir_.path() / "theirs.kld";
  run_llama("-m '" + model_ + "' -f '" + kText +
            "' -c 128 -b 128 --chunks 4 -t 2 --kl-divergence-base '" + theirs.string() + "'");
  const json we_read = run_json({"-m", model_, "--kl-divergence", "--kl-divergence-base", theirs});
  run_json(
      {"-m", model_, "-f", kText, "-c", "128", "--chunks", "4", "--kl-divergence-base", logits()});
  const std::string they_read = run_llama("-m '" + model_ +
                                          "' -c 128 -b 128 -t 2 --kl-divergence "
                                          "--kl-divergence-base '" +
                                          logits().string() + "'");
  EXPECT_EQ(fs::file_size(theirs), fs::file_size(logits()));
  // The same two distributions from either side: KL is nearly symmetric where it is small.
  const double they_say = number_after(they_read, "Mean\\s+KLD:");
  EXPECT_LT(we_read["kl"], 0.02);
  EXPECT_NEAR(we_read["kl"].get<double>(), they_say, 0.3 * they_say + 1e-4);
  EXPECT_NEAR(100 * we_read["same_top"].get<double>(), number_after(they_read, "Same top p:"), 0.5);
  EXPECT_NEAR(we_read["perplexity_base"].get<double>(),
              number_after(they_read, "Mean PPL\\(Q\\)\\s+:"),
              0.001 * we_read["perplexity_base"].get<double>());
}

}  // namespace
}  // namespace wattle
