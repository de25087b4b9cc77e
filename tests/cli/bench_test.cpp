// SPDX-License-Identifier: Apache-2.0
// `wattle bench` on the small model in the repository.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/cli/program.h"

namespace wattle {
namespace {

using nlohmann::json;
using test::run_wattle;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Strings = std::vector<std::string>;

Strings bench(const Strings& more) {
  Strings args{"bench", "-m", "stories", "-r", "1", "--no-probe"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST(Bench, MeasuresEveryCombination) {
  const auto result = run_wattle(bench({"-p", "8,16", "-n", "4", "-pg", "8,2", "-d", "0-32+32",
                                        "-t", "1,2", "-ctk", "f16,f32", "-o", "json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json rows = json::parse(result.out);
  EXPECT_EQ(rows.size(), 4u * 2 * 2 * 2);
  std::set<std::string> hashes_of_16;
  for (const json& row : rows) {
    EXPECT_GT(row["avg_ts"], 0);
    EXPECT_EQ(row["samples_ns"].size(), 1u);
    EXPECT_GT(row["peak_rss_bytes"], 1 << 20);
    EXPECT_GT(row["startup_ms"], 0);
    EXPECT_TRUE(row["bandwidth_share"].is_null());
    if (row["n_prompt"] == 16 && row["n_depth"] == 0 && row["type_k"] == "f16") {
      hashes_of_16.insert(row["logits_hash"]);
    }
  }
  EXPECT_EQ(hashes_of_16.size(), 1u) << "the number of threads changed the logits";
}

TEST(Bench, MeasuresSequencesSideBySide) {
  const auto result =
      run_wattle(bench({"-p", "8", "-n", "4", "-np", "1,3", "-t", "1", "-o", "json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json rows = json::parse(result.out);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[1]["n_parallel"], 1);
  EXPECT_EQ(rows[3]["n_parallel"], 3);
  EXPECT_EQ(rows[3]["n_gen"], 4);
  EXPECT_NEAR(rows[3]["avg_ts"].get<double>() * rows[3]["avg_ns"].get<double>(), 12e9, 1e3);
  EXPECT_THAT(result.err, HasSubstr("tg4 x3"));
}

TEST(Bench, StatesSharesOfWhatItMeasured) {
  const auto result = run_wattle(
      {"bench", "-m", "stories", "-p", "0", "-n", "16", "-r", "2", "-t", "1", "-o", "jsonl"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json row = json::parse(result.out);
  EXPECT_GT(row["read_bytes_per_s"], 1e8);
  EXPECT_GT(row["bandwidth_share"], 0);
  EXPECT_EQ(row["bandwidth_share"], row["avg_ts"].get<double>() *
                                        row["weight_bytes_per_token"].get<double>() /
                                        row["read_bytes_per_s"].get<double>());
}

TEST(Bench, ResultsGoToStdoutAndProgressToStderr) {
  const auto table = run_wattle(bench({"-p", "8", "-n", "4"}));
  EXPECT_EQ(table.exit_code, 0);
  EXPECT_THAT(table.out, StartsWith("| model "));
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 4);
  EXPECT_THAT(table.err, HasSubstr("pp8"));
  const auto quiet = run_wattle(bench({"-p", "8", "-n", "4", "-q"}));
  EXPECT_EQ(quiet.err, "");
}

TEST(Bench, BadUsageIsTold) {
  struct Case {
    Strings args;
    const char* message;
  };
  for (const auto& [args, message] : {Case{{"-p", "4-1"}, "-p: '4-1'"},
                                      {{"-pg", "8"}, "-pg: '8'"},
                                      {{"-ctv", "f16,f15"}, "'f15'"},
                                      {{"-o", "xml"}, "xml"},
                                      {{"-r", "0"}, "repetitions"},
                                      {{"-np", "0"}, "-np is 0"},
                                      {{"-np", "2000"}, "-np is 2000"},
                                      {{"-p", "0", "-n", "0"}, "nothing to measure"},
                                      {{"-pg", "4294967295,1"}, "too long"},
                                      {{"-d", "4294967295"}, "too long"}}) {
    const auto result = run_wattle(bench(args));
    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr(message));
  }
}

// The signal comes with the first row; there would be hours of others.
TEST(Bench, AnInterruptLeavesWhatIsMeasured) {
  const auto stopped = run_wattle({"bench", "-m", "stories", "-p", "4", "-n", "0", "-d", "0,8192",
                                   "-r", "100", "--no-probe", "-o", "json"},
                                  {.signal = SIGINT});
  EXPECT_EQ(stopped.exit_code, 130);
  EXPECT_EQ(json::parse(stopped.out).size(), 1u);
  EXPECT_THAT(stopped.err, Not(HasSubstr("error")));
}

}  // namespace
}  // namespace wattle
