// SPDX-License-Identifier: Apache-2.0
#include "measure/bench_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace wattle::measure {
namespace {

using Json = nlohmann::ordered_json;

Json share(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json measured(double value) { return value > 0 ? Json(value) : Json(nullptr); }

// The sequences of a test share what a step reads.
uint64_t weight_bytes_per_token(const BenchRow& row) {
  const uint32_t n = row.test.n_parallel;
  return static_cast<uint64_t>(std::llround(row.cost.step_bytes(n) / n));
}

// Without the samples, which are no single values.
Json fields_of(const BenchRow& row) {
  const BenchTest& test = row.test;
  Json json;
  json["build_commit"] = row.version;
  json["build_number"] = 0;
  json["cpu_info"] = row.cpu_info;
  json["gpu_info"] = "";
  json["backends"] = "CPU";
  json["model_filename"] = row.model_filename;
  json["model_type"] = row.model_type;
  json["model_size"] = row.cost.model_bytes;
  json["model_n_params"] = row.n_params;
  json["n_batch"] = row.n_batch;
  json["n_ubatch"] = row.n_batch;
  json["n_threads"] = row.n_threads;
  json["type_k"] = row.type_k;
  json["type_v"] = row.type_v;
  json["n_gpu_layers"] = 0;
  json["n_prompt"] = test.n_prompt;
  json["n_gen"] = test.n_gen;
  json["n_depth"] = test.n_depth;
  json["test_time"] = row.test_time;
  json["avg_ns"] = static_cast<uint64_t>(row.samples.mean_ns());
  json["stddev_ns"] = static_cast<uint64_t>(row.samples.deviation_ns());
  json["avg_ts"] = row.samples.mean_tokens_per_s(test);
  json["stddev_ts"] = row.samples.deviation_tokens_per_s(test);
  json["engine"] = "wattle";
  json["n_parallel"] = test.n_parallel;
  json["isa"] = row.isa;
  json["startup_ms"] = row.startup_ms;
  json["peak_rss_bytes"] = row.peak_rss_bytes;
  json["weight_bytes_per_token"] = weight_bytes_per_token(row);
  json["read_bytes_per_s"] = measured(row.read_bandwidth);
  json["bandwidth_share"] = share(bandwidth_share(row));
  json["int8_ops_per_s"] = measured(row.int8_peak);
  json["int8_share"] = share(int8_share(row));
  json["logits_hash"] = fmt::format("{:016x}", row.samples.logits_hash);
  json["repeatable"] = row.samples.repeatable;
  return json;
}

std::string dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json with_samples(const BenchRow& row) {
  Json json = fields_of(row);
  json["samples_ns"] = row.samples.ns;
  json["samples_ts"] = row.samples.tokens_per_s(row.test);
  return json;
}

// Text in quotes, those inside doubled, as CSV and SQL want it.
std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}

std::string value_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "" : dump(value);
}

std::vector<std::string> names_of(const Json& fields) {
  std::vector<std::string> names;
  for (const auto& [name, value] : fields.items()) names.push_back(name);
  return names;
}

std::string csv_line(const Json& fields) {
  std::vector<std::string> cells;
  for (const auto& [name, value] : fields.items())
    cells.push_back(in_quotes(value_text(value), '"'));
  return fmt::format("{}\n", fmt::join(cells, ","));
}

std::string sql_table(const Json& fields) {
  std::vector<std::string> columns;
  for (const auto& [name, value] : fields.items()) {
    const bool is_real = value.is_number_float() || value.is_null();
    columns.push_back(fmt::format("  {} {}", name,
                                  value.is_string() ? "TEXT"
                                  : is_real         ? "REAL"
                                                    : "INTEGER"));
  }
  return fmt::format("CREATE TABLE IF NOT EXISTS llama_bench (\n{}\n);\n\n",
                     fmt::join(columns, ",\n"));
}

std::string sql_row(const Json& fields) {
  std::vector<std::string> values;
  for (const auto& [name, value] : fields.items()) {
    values.push_back(value.is_string()    ? in_quotes(value.get<std::string>(), '\'')
                     : value.is_null()    ? "NULL"
                     : value.is_boolean() ? (value.get<bool>() ? "1" : "0")
                                          : dump(value));
  }
  return fmt::format("INSERT INTO llama_bench ({}) VALUES ({});\n",
                     fmt::join(names_of(fields), ", "), fmt::join(values, ", "));
}

std::string percent(const std::optional<double>& share_of) {
  return share_of ? fmt::format("{:.0f} %", 100 * *share_of) : "";
}

constexpr std::string_view kMarkdownRow =
    "| {:<30} | {:>10} | {:>10} | {:>7} | {:>5} | {:>18} | {:>18} | {:>9} | {:>8} | {:>10} | {:>9} "
    "| {:<10} | {:<16} |\n";

std::string markdown_head() {
  std::string text =
      fmt::format(kMarkdownRow, "model", "size", "params", "threads", "kv", "test", "t/s",
                  "of memory", "of int8", "peak RSS", "start-up", "isa", "logits");
  text += fmt::format(
      "|{:-<32}|{:->11}:|{:->11}:|{:->8}:|{:->6}:|{:->19}:|{:->19}:|{:->10}:|{:->9}:|{:->11}:|"
      "{:->10}:|{:-<12}|{:-<18}|\n",
      "", "", "", "", "", "", "", "", "", "", "", "", "");
  return text;
}

std::string markdown_row(const BenchRow& row) {
  const auto mib = [](uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  const auto size = [&](uint64_t bytes) {
    return mib(bytes) < 1024 ? fmt::format("{:.2f} MiB", mib(bytes))
                             : fmt::format("{:.2f} GiB", mib(bytes) / 1024);
  };
  const auto n_params = static_cast<double>(row.n_params);
  const BenchSamples& samples = row.samples;
  return fmt::format(kMarkdownRow, row.model_type, size(row.cost.model_bytes),
                     n_params < 1e9 ? fmt::format("{:.2f} M", n_params / 1e6)
                                    : fmt::format("{:.2f} B", n_params / 1e9),
                     row.n_threads,
                     row.type_k == row.type_v ? row.type_k : row.type_k + "/" + row.type_v,
                     row.test.name(),
                     fmt::format("{:.2f} ± {:.2f}", samples.mean_tokens_per_s(row.test),
                                 samples.deviation_tokens_per_s(row.test)),
                     percent(bandwidth_share(row)), percent(int8_share(row)),
                     size(row.peak_rss_bytes), fmt::format("{:.0f} ms", row.startup_ms), row.isa,
                     fmt::format("{:016x}", samples.logits_hash));
}

}  // namespace

std::optional<double> bandwidth_share(const BenchRow& row) {
  if (row.read_bandwidth <= 0 || row.test.n_prompt != 0) return std::nullopt;
  return row.samples.mean_tokens_per_s(row.test) *
         static_cast<double>(weight_bytes_per_token(row)) / row.read_bandwidth;
}

std::optional<double> int8_share(const BenchRow& row) {
  if (row.int8_peak <= 0) return std::nullopt;
  const BenchTest& test = row.test;
  // A prompt has logits at its end alone, and none where tokens are generated after it.
  const uint64_t n_outputs = uint64_t{test.n_parallel} * (test.n_gen != 0 ? test.n_gen : 1);
  const double ops =
      static_cast<double>(row.cost.block_ops) * static_cast<double>(test.n_tokens()) +
      static_cast<double>(row.cost.output_ops) * static_cast<double>(n_outputs);
  return ops / (row.samples.mean_ns() * 1e-9) / row.int8_peak;
}

void BenchReport::add(const BenchRow& row) {
  const bool is_first = n_rows_++ == 0;
  switch (format_) {
    case BenchFormat::md:
      if (is_first) print_(markdown_head());
      print_(markdown_row(row));
      return;
    case BenchFormat::csv: {
      const Json fields = fields_of(row);
      if (is_first) print_(fmt::format("{}\n", fmt::join(names_of(fields), ",")));
      print_(csv_line(fields));
      return;
    }
    case BenchFormat::json: print_((is_first ? "[\n" : ",\n") + dump(with_samples(row), 2)); return;
    case BenchFormat::jsonl: print_(dump(with_samples(row)) + "\n"); return;
    case BenchFormat::sql: {
      const Json fields = fields_of(row);
      if (is_first) print_(sql_table(fields));
      print_(sql_row(fields));
      return;
    }
  }
}

void BenchReport::finish() {
  if (format_ == BenchFormat::json) print_(n_rows_ == 0 ? "[]\n" : "\n]\n");
}

}  // namespace wattle::measure
