// SPDX-License-Identifier: Apache-2.0
// Rows of a benchmark in the formats of llama-bench, under the names it gives the fields. What it
// does not have comes after them: docs/measuring.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "measure/bench.h"
#include "measure/token_cost.h"

namespace wattle::measure {

struct BenchRow {
  std::string version;  // of wattle
  std::string cpu_info;
  std::string isa;  // kernel set
  std::string model_filename;
  std::string model_type;  // "gemma4 25.23B Q4_0"
  uint64_t n_params = 0;
  TokenCost cost{};
  uint32_t n_batch = 0;
  uint32_t n_threads = 0;
  std::string type_k, type_v;
  BenchTest test{};
  std::string test_time;  // "2026-11-25T20:00:00Z"
  BenchSamples samples{};
  double startup_ms = 0;        // opening the engine
  uint64_t peak_rss_bytes = 0;  // since then
  double read_bandwidth = 0;    // measured, bytes per second; 0: not measured
  double int8_peak = 0;         // measured, operations per second; 0: not measured
};

// Of the measured bandwidth, what reading the weights takes. Only of generation: a prompt's tokens
// share their reading. Nothing where it was not measured.
std::optional<double> bandwidth_share(const BenchRow& row);
// Of the measured int8 peak, what the products with weights take.
std::optional<double> int8_share(const BenchRow& row);

enum class BenchFormat { md, csv, json, jsonl, sql };

// Prints each row as it comes. finish() after the last one, also where it came early.
class BenchReport {
 public:
  using Print = std::function<void(std::string_view)>;
  BenchReport(BenchFormat format, Print print) : format_(format), print_(std::move(print)) {}

  void add(const BenchRow& row);
  void finish();

 private:
  BenchFormat format_;
  Print print_;
  uint32_t n_rows_ = 0;
};

}  // namespace wattle::measure
