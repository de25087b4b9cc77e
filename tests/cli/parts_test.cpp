// SPDX-License-Identifier: Apache-2.0
// The pieces of the command line that are plain functions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "cli/llama_flags.h"
#include "cli/open_engine.h"
#include "cli/output.h"
#include "cli/sampling_flags.h"
#include "cli/suggest.h"
#include "cli/text_file.h"
#include "cli/wrap.h"
#include "tests/support/error_text.h"
#include "tests/support/temp_dir.h"

namespace wattle::cli {
namespace {

using test::error_text;
using testing::ElementsAre;
using testing::HasSubstr;
using Strings = std::vector<std::string>;

TEST(Suggest, FindsTheNearestWord) {
  const Strings known{"--temp", "--top-k", "--top-p", "--threads"};
  EXPECT_EQ(nearest("--tmep", known), "--temp");   // swapped
  EXPECT_EQ(nearest("--tempp", known), "--temp");  // one too many
  EXPECT_EQ(nearest("--topk", known), "--top-k");  // one too few
  EXPECT_EQ(nearest("--thraeds", known), "--threads");
  EXPECT_EQ(nearest("--verbose", known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
  EXPECT_EQ(nearest(std::string(100000, 'x'), known), std::nullopt);
  EXPECT_EQ(nearest("x", {}), std::nullopt);
}

TEST(Wrapped, GoesOnBelowTheLastColumn) {
  EXPECT_EQ(wrapped("a line\n  -m MODEL  one two three\n", 80),
            "a line\n  -m MODEL  one two three\n");
  EXPECT_EQ(wrapped("  -m MODEL  one two three four five\n\nx", 24),
            "  -m MODEL  one two\n            three four\n            five\n\nx");
  EXPECT_EQ(wrapped("one two three", 9), "one two\nthree");
  // Where the last column is far to the right, from the left.
  EXPECT_EQ(wrapped("  --a-long-flag VALUE  one two", 24), "  --a-long-flag VALUE\n    one two");
  EXPECT_EQ(wrapped("          one two three", 12), "          one\n      two\n      three");
  // Characters count, not bytes; a word that is too long stays whole.
  EXPECT_EQ(wrapped("\u00e4\u00f6\u00fc \u00e4\u00f6\u00fc", 7),
            "\u00e4\u00f6\u00fc \u00e4\u00f6\u00fc");
  EXPECT_EQ(wrapped("much-too-long for it", 6), "much-too-long\nfor it");
  EXPECT_EQ(wrapped("", 5), "");
  EXPECT_EQ(wrapped("a b", 1), "a\nb");
}

TEST(NpuLine, SaysWhereEveryMatrixIs) {
  NpuReport npu{.driver = "vendor",
                .is_silicon = true,
                .n_matrices = 211,
                .n_on_npu = 210,
                .n_streamed = 150,
                .n_bytes = 1'500'000,
                .in_use = true};
  EXPECT_EQ(describe(npu),
            "NPU: vendor; 60 matrices stay on the NPU (1.5 MB), 150 are streamed, 1 is on the CPU");
  npu.driver = "simulator";
  npu.is_silicon = false;
  npu.n_streamed = 209;
  npu.n_missed = 1;
  npu.in_use = false;
  EXPECT_EQ(
      describe(npu),
      "NPU: simulator; not run on silicon; 1 matrix stays on the NPU (1.5 MB), 209 are streamed, "
      "1 is on the CPU, 1 came out wrong; left alone after faults: the CPU computes "
      "everything");
}

TEST(LlamaFlags, BecomeLongNames) {
  EXPECT_THAT(expand_llama_flags({"run", "-ctk", "q8_0", "-ctv", "f32", "-sys", "be brief", "-t4"}),
              ElementsAre("run", "--cache-type-k", "q8_0", "--cache-type-v", "f32", "--system",
                          "be brief", "-t4"));
  EXPECT_THAT(expand_llama_flags({"run", "--", "-ctk", "-ngl"}),
              ElementsAre("run", "--", "-ctk", "-ngl"));
  for (const char* flag : {"-ngl", "-fa", "-hf", "-ub", "-tb", "-cnv"}) {
    EXPECT_THAT(error_text(ErrorCode::usage, [&] { expand_llama_flags({"run", flag}); }),
                HasSubstr(flag));
  }
}

SamplingParams parse(Strings args, SamplingParams base = {}) {
  CLI::App app;
  SamplingFlags flags;
  flags.add_to(app);
  std::reverse(args.begin(), args.end());
  app.parse(args);
  return flags.apply_to(std::move(base));
}

TEST(SamplingFlags, ChangeOnlyWhatTheyName) {
  SamplingParams base;
  base.temperature = 1.0f;
  base.top_k = 64;
  const SamplingParams params = parse({"--top-k", "7", "--seed", "42", "--min-p=0.1"}, base);
  EXPECT_EQ(params.temperature, 1.0f);
  EXPECT_EQ(params.top_k, 7);
  EXPECT_EQ(params.min_p, 0.1f);
  EXPECT_EQ(params.seed, 42u);
  EXPECT_FALSE(parse({"--seed", "-1"}).seed.has_value());
  EXPECT_EQ(parse({"--repeat-last-n", "-1"}).repeat_last_n, -1);
}

TEST(SamplingFlags, RepeatedFlagsTakeOneValueEach) {
  CLI::App app;
  SamplingFlags flags;
  std::string prompt;
  flags.add_to(app);
  app.add_option("PROMPT", prompt);
  app.parse("--logit-bias 5+1 Hello");
  EXPECT_EQ(prompt, "Hello");
  EXPECT_THAT(flags.logit_bias, ElementsAre("5+1"));
}

TEST(SamplingFlags, RepeatedFlagsAddUp) {
  const SamplingParams params =
      parse({"--logit-bias", "5+1.5", "--logit-bias", "7-inf", "--dry-sequence-breaker", "a",
             "--dry-sequence-breaker", "none"});
  ASSERT_EQ(params.logit_bias.size(), 2u);
  EXPECT_EQ(params.logit_bias[0], std::pair(TokenId{5}, 1.5f));
  EXPECT_EQ(params.logit_bias[1].second, -INFINITY);
  EXPECT_THAT(params.dry_sequence_breakers, ElementsAre("a"));
  for (const char* bad : {"5", "x+1", "5+", "5+x", "+1", "-5+1", "5+1x", "5+-1", "5+nan", ""}) {
    EXPECT_THAT(error_text(ErrorCode::usage, [&] { parse({"--logit-bias", bad}); }),
                HasSubstr("--logit-bias"))
        << bad;
  }
}

TEST(Printable, ReplacesControlCharactersAlone) {
  EXPECT_EQ(printable("a\tb\n\x1b[0m\x7f"), "a?b??[0m?");
  EXPECT_EQ(printable("a\tb\n\x1b[0m", "\n\t"), "a\tb\n?[0m");
  EXPECT_EQ(printable("\u0080\u009f\u00a0\u00e9\u4e2d"), "??\u00a0\u00e9\u4e2d");
  EXPECT_EQ(printable("\xc2"), "?");
  EXPECT_EQ(printable("a\x9b"
                      "2J\xff"),
            "a?2J?");
}

TEST(TextFile, ReadsUpToItsLimit) {
  const test::TempDir dir;
  const std::string path = dir.path() / "text";
  std::ofstream(path) << "four";
  EXPECT_EQ(read_text_file(path, 4), "four");
  EXPECT_THAT(error_text(ErrorCode::bad_input, [&] { read_text_file(path, 3); }),
              HasSubstr("more than 3 bytes"));
  EXPECT_THAT(error_text(ErrorCode::io, [&] { read_text_file(path + "s", 3); }),
              HasSubstr("texts"));
  EXPECT_THAT(error_text(ErrorCode::io, [&] { read_text_file(dir.path(), 3); }), HasSubstr("read"));
}

}  // namespace
}  // namespace wattle::cli
