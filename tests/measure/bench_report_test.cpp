// SPDX-License-Identifier: Apache-2.0
#include "measure/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace wattle::measure {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

BenchRow some_row() {
  return {.version = "1.2.3",
          .cpu_info = "A \"fast\" one",
          .isa = "avx2",
          .model_filename = "it's.gguf",
          .model_type = "llama 1.00B Q8_0",
          .n_params = 1'000'000'000,
          .cost = {.model_bytes = 1'000'000'000,
                   .weight_bytes = 500'000'000,
                   .block_ops = 900,
                   .output_ops = 100},
          .n_batch = 512,
          .n_threads = 2,
          .type_k = "f16",
          .type_v = "q8_0",
          .test = {.n_gen = 10},
          .test_time = "2026-01-02T03:04:05Z",
          .samples = {.ns = {1'000'000'000, 1'000'000'000}, .logits_hash = 0xabc},
          .startup_ms = 12.5,
          .peak_rss_bytes = 1 << 20,
          .read_bandwidth = 10e9,
          .int8_peak = 100'000};
}

std::string report(BenchFormat format, const std::vector<BenchRow>& rows) {
  std::string text;
  BenchReport out(format, [&](std::string_view more) { text += more; });
  for (const BenchRow& row : rows) out.add(row);
  out.finish();
  return text;
}

TEST(BenchReport, SharesAreOfWhatTheWeightsNeed) {
  BenchRow row = some_row();
  EXPECT_DOUBLE_EQ(*bandwidth_share(row), 0.5);  // 10 tokens/s of 0.5 GB
  EXPECT_DOUBLE_EQ(*int8_share(row), 0.1);       // 10 tokens/s of 1000 operations
  // 40 tokens in that time; 4 of them read the weights once, and every token computes.
  row.test.n_parallel = 4;
  EXPECT_DOUBLE_EQ(*bandwidth_share(row), 0.5);
  EXPECT_DOUBLE_EQ(*int8_share(row), 0.4);
  row.test = {.n_prompt = 10};
  EXPECT_FALSE(bandwidth_share(row));
  EXPECT_DOUBLE_EQ(*int8_share(row), 0.091);  // the head once
  row.read_bandwidth = row.int8_peak = 0;
  EXPECT_FALSE(int8_share(row));
}

// The fields that programs read from llama-bench v0.5.0 (`llama-bench -o json`), with its types.
TEST(BenchReport, JsonHasTheFieldsOfLlamaBench) {
  const json rows = json::parse(report(BenchFormat::json, {some_row(), some_row()}));
  ASSERT_EQ(rows.size(), 2u);
  for (const char* field : {"build_commit", "cpu_info", "gpu_info", "backends", "model_filename",
                            "model_type", "type_k", "type_v", "test_time"}) {
    EXPECT_TRUE(rows[0].at(field).is_string()) << field;
  }
  for (const char* field :
       {"build_number", "model_size", "model_n_params", "n_batch", "n_ubatch", "n_threads",
        "n_gpu_layers", "n_prompt", "n_gen", "n_depth", "avg_ns", "stddev_ns"}) {
    EXPECT_TRUE(rows[0].at(field).is_number_integer()) << field;
  }
  EXPECT_EQ(rows[0]["avg_ts"], 10.0);
  EXPECT_EQ(rows[0]["stddev_ts"], 0.0);
  EXPECT_EQ(rows[0]["samples_ns"], json({1'000'000'000, 1'000'000'000}));
  EXPECT_EQ(rows[0]["samples_ts"], json({10.0, 10.0}));
  EXPECT_EQ(rows[0]["logits_hash"], "0000000000000abc");
  EXPECT_EQ(rows[0]["bandwidth_share"], 0.5);
  EXPECT_EQ(rows[0]["n_parallel"], 1);
  EXPECT_EQ(rows[0]["peak_rss_bytes"], 1 << 20);
  EXPECT_EQ(json::parse(report(BenchFormat::json, {})), json::array());
}

TEST(BenchReport, JsonLinesAreTheSameObjects) {
  const std::string lines = report(BenchFormat::jsonl, {some_row(), some_row()});
  const std::string first = lines.substr(0, lines.find('\n'));
  EXPECT_EQ(lines, first + "\n" + first + "\n");
  EXPECT_EQ(json::parse(first), json::parse(report(BenchFormat::json, {some_row()}))[0]);
}

TEST(BenchReport, CsvQuotesEveryValue) {
  const std::string text = report(BenchFormat::csv, {some_row()});
  EXPECT_THAT(text, StartsWith("build_commit,build_number,cpu_info,gpu_info,backends,"));
  EXPECT_THAT(text,
              HasSubstr("\n\"1.2.3\",\"0\",\"A \"\"fast\"\" one\",\"\",\"CPU\",\"it's.gguf\","));
}

TEST(BenchReport, SqlEscapesText) {
  BenchRow row = some_row();
  row.read_bandwidth = 0;
  const std::string text = report(BenchFormat::sql, {row});
  EXPECT_THAT(text, StartsWith("CREATE TABLE IF NOT EXISTS llama_bench (\n  build_commit TEXT,\n  "
                               "build_number INTEGER,"));
  EXPECT_THAT(text, HasSubstr("INSERT INTO llama_bench (build_commit, build_number, "));
  EXPECT_THAT(text, HasSubstr("'it''s.gguf'"));
  EXPECT_THAT(text, HasSubstr(", NULL, "));
}

TEST(BenchReport, MarkdownIsATable) {
  const std::string text = report(BenchFormat::md, {some_row()});
  EXPECT_THAT(text, StartsWith("| model "));
  EXPECT_THAT(text, HasSubstr(" tg10 |"));
  EXPECT_THAT(text, HasSubstr("10.00 ± 0.00"));
  EXPECT_THAT(text, HasSubstr("| f16/q8_0 |"));
}

}  // namespace
}  // namespace wattle::measure
