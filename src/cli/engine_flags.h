// SPDX-License-Identifier: Apache-2.0
// The flags of every command that opens a model.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wattle/engine.h"

namespace wattle::cli {

// -m alone, for commands that only look at a file (see store/lookup.h). `model` must outlive
// parsing.
CLI::Option* add_model_flag(CLI::App& app, std::string& model);

// "f16"; Error{usage} for a type that the cache cannot have.
KvCacheType parse_cache_type(const std::string& name, std::string_view flag);
std::string cache_type_name(KvCacheType type);

// What the plan of placement on an NPU is made for.
struct PlacementFlags {
  void add_to(CLI::App& app);
  void apply_to(NpuParams& params) const;

  std::string objective = "speed";
  std::string arithmetic = "auto";
  double max_watts = NpuParams{}.max_watts;
  double max_divergence = NpuParams{}.max_divergence;
  uint64_t max_mib = 0;
  uint32_t min_rows = NpuParams{}.min_rows;
};

// --npu and what belongs to it, for every command that computes.
struct NpuFlags {
  void add_to(CLI::App& app);
  NpuParams params() const;

  std::string driver = "off";
  std::string faults;
  PlacementFlags placement;
};

// --precision, for every command that computes.
struct PrecisionFlag {
  void add_to(CLI::App& app);
  MatrixPrecision value() const;

  std::string name = "auto";
};

// --chat-template: the path of a file, or the template itself.
void add_chat_template_flag(CLI::App& app, std::string& file_or_text);
// The text of what was given; Error{usage} where it is neither.
std::string read_chat_template(const std::string& file_or_text);

// Bound to the flags of an app: must outlive the parsing and stay where it is.
struct EngineFlags {
  explicit EngineFlags(KvCacheType kv_default_in = KvCacheType::f16) : kv_default(kv_default_in) {}

  void add_to(CLI::App& app);
  // Resolves the model. on_load_progress, chat_template and log are left to the caller.
  EngineParams params() const;

  std::string model;
  uint32_t n_ctx = 0;
  uint32_t n_batch = 512;
  uint32_t n_threads = 0;
  bool pin_threads = false;
  KvCacheType kv_default;
  std::optional<KvCacheType> kv;  // both; kv_k and kv_v win over it
  std::optional<KvCacheType> kv_k;
  std::optional<KvCacheType> kv_v;
  PrecisionFlag precision;
  NpuFlags npu;
};

}  // namespace wattle::cli
