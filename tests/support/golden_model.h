// SPDX-License-Identifier: Apache-2.0
// The reference data of a small random model (golden/models/README.md).
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "tests/support/model_runner.h"
#include "tests/support/needs_golden.h"

namespace wattle::test {

struct Deviation {
  double max_abs = 0;
  double rms = 0;
};

struct GoldenModel {
  std::string name;
  std::filesystem::path gguf;
  Tokens prompt;
  std::vector<int32_t> greedy;
  std::vector<double> greedy_margins;
  std::vector<size_t> positions;  // in prompt + greedy, of the rows of `exact`
  Logits exact;
  double logits_std = 0;
  double min_router_gap = 0;  // 0: no experts
  Deviation tolerance;
  std::vector<std::vector<float>> layer_output_last;  // may be empty

  // Prompt, then the greedy tokens but the last: what is fed to get all rows.
  Tokens fed() const {
    Tokens all = prompt;
    for (const int32_t id : greedy) all.push_back(static_cast<TokenId>(id));
    all.pop_back();
    return all;
  }
};

inline GoldenModel read_golden_model(const std::filesystem::path& json_path) {
  const auto json = nlohmann::json::parse(std::ifstream(json_path));
  GoldenModel golden;
  golden.name = json_path.stem().string();
  golden.gguf = json_path.parent_path() / json.at("file").get<std::string>();
  golden.prompt = to_tokens(json.at("prompt"));
  golden.greedy = json.at("greedy").get<std::vector<int32_t>>();
  golden.greedy_margins = json.at("greedy_margins").get<std::vector<double>>();
  golden.positions = json.at("positions").get<std::vector<size_t>>();
  golden.logits_std = json.at("logits_std");
  if (!json.at("min_router_gap").is_null()) golden.min_router_gap = json.at("min_router_gap");
  golden.tolerance = {json.at("suggested_tolerance").at("max_abs"),
                      json.at("suggested_tolerance").at("rms")};
  if (json.contains("layer_output_last") && !json.at("layer_output_last").is_null()) {
    golden.layer_output_last = json.at("layer_output_last").get<std::vector<std::vector<float>>>();
  }
  const size_t n_vocab = json.at("n_vocab");
  std::ifstream exact(json_path.parent_path() / json.at("logits_exact").get<std::string>(),
                      std::ios::binary);
  for (size_t i = 0; i < golden.positions.size(); ++i) {
    std::vector<float> row(n_vocab);
    exact.read(reinterpret_cast<char*>(row.data()),
               static_cast<std::streamsize>(n_vocab * sizeof(float)));
    golden.exact.push_back(std::move(row));
  }
  return golden;
}

// Every model whose json lies in golden/models beside its GGUF.
inline std::vector<std::filesystem::path> golden_model_files() {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(golden_dir() / "models", error)) {
    std::filesystem::path gguf = entry.path();
    gguf.replace_extension(".gguf");
    if (entry.path().extension() == ".json" && std::filesystem::exists(gguf)) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Over rows `positions` of `logits`, which has a row for every fed token.
inline Deviation deviation_from_exact(const GoldenModel& golden, const Logits& logits) {
  Deviation d;
  double sum = 0;
  size_t n = 0;
  for (size_t i = 0; i < golden.positions.size(); ++i) {
    const std::vector<float>& row = logits.at(golden.positions[i]);
    for (size_t t = 0; t < row.size(); ++t) {
      const double diff = std::abs(static_cast<double>(row[t]) - golden.exact[i][t]);
      if (!(diff <= d.max_abs)) d.max_abs = diff;  // keeps a NaN
      sum += diff * diff;
      ++n;
    }
  }
  d.rms = std::sqrt(sum / static_cast<double>(n));
  return d;
}

}  // namespace wattle::test
