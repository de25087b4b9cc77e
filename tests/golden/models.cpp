// SPDX-License-Identifier: Apache-2.0
// models/: tiny random models of every architecture and weight type. The prompt and the 16 tokens
// that follow it are run in one batch, token by token, and in pieces of 7, 8 and 16; the stored
// rows must match the float64 forward within the tolerance that the file suggests, on every kernel
// set that this machine has.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "base/cpu_features.h"
#include "logits.h"
#include "tally.h"

namespace wattle::golden {
namespace {

std::vector<float> read_f32(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<float> values(std::filesystem::file_size(path) / sizeof(float));
  in.read(reinterpret_cast<char*>(values.data()),
          static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

struct Deviation {
  double max_abs = 0;
  double rms = 0;
};

Deviation deviation_at(const LogitRows& rows, const std::vector<size_t>& positions,
                       std::span<const float> exact) {
  Deviation d;
  double sum = 0;
  for (size_t i = 0; i < positions.size(); ++i) {
    const auto got = rows.row(positions[i]);
    for (size_t v = 0; v < rows.n_vocab; ++v) {
      const double diff = std::abs(double{got[v]} - double{exact[i * rows.n_vocab + v]});
      d.max_abs = std::isnan(diff) ? INFINITY : std::max(d.max_abs, diff);
      sum += diff * diff;
    }
  }
  d.rms = std::sqrt(sum / static_cast<double>(positions.size() * rows.n_vocab));
  return d;
}

// The reference set keeps activations in f32: what is left is the rounding of f32 between the
// operators, at most 1.5e-6 (worst logit) and 3.3e-7 (rms) of the spread over all models when this
// was written.
Deviation tolerance_of(Isa isa, const nlohmann::json& golden) {
  if (isa == Isa::reference) {
    const double spread = golden.at("logits_std").get<double>();
    return {2e-5 * spread, 4e-6 * spread};
  }
  const auto& t = golden.at("suggested_tolerance");
  return {t.at("max_abs").get<double>(), t.at("rms").get<double>()};
}

void check_model(const std::filesystem::path& json_path, const nlohmann::json& golden, Isa isa,
                 Tally& tally) {
  const std::filesystem::path folder = json_path.parent_path();
  std::vector<TokenId> ids = ids_of(golden.at("prompt"));
  const size_t n_prompt = ids.size();
  const std::vector<TokenId> greedy = ids_of(golden.at("greedy"));
  ids.insert(ids.end(), greedy.begin(), greedy.end());
  const auto positions = golden.at("positions").get<std::vector<size_t>>();
  const auto margins = golden.at("greedy_margins").get<std::vector<double>>();
  const std::vector<float> exact = read_f32(folder / golden.at("logits_exact").get<std::string>());
  const Deviation tolerance = tolerance_of(isa, golden);

  for (const uint32_t n_batch : {64u, 1u, 7u, 8u, 16u}) {
    const std::string name = fmt::format("models/{} {} in pieces of {}", json_path.stem().string(),
                                         isa_name(isa), n_batch);
    try {
      Engine engine(exact_kv_params(folder / golden.at("file").get<std::string>(), 64, n_batch));
      const LogitRows rows = all_logits(engine, ids);
      const Deviation d = deviation_at(rows, positions, exact);
      const bool near = d.max_abs <= tolerance.max_abs && d.rms <= tolerance.rms;
      tally.check(near,
                  fmt::format("{}: max_abs {:.4g} (at most {:.4g}), rms {:.4g} (at most {:.4g})",
                              name, d.max_abs, tolerance.max_abs, d.rms, tolerance.rms));
      for (size_t step = 0; step < greedy.size(); ++step) {
        if (margins[step] <= 2 * tolerance.max_abs) continue;  // either token may win
        const size_t chosen = argmax(rows.row(n_prompt - 1 + step));
        if (chosen != static_cast<size_t>(to_int(greedy[step]))) {
          tally.fail(fmt::format("{}: greedy step {}: token {}, expected {}", name, step, chosen,
                                 to_int(greedy[step])));
          break;
        }
      }
    } catch (const Error& e) {
      tally.fail(fmt::format("{}: {} ({})", name, e.what(), e.hint()));
    }
  }
}

}  // namespace

void check_models(const std::filesystem::path& folder, Tally& tally) {
  if (const auto tiny = folder / "tiny_tokenizers.json"; std::filesystem::exists(tiny)) {
    check_tiny_tokenizers(tiny, tally);
  }
  const CpuFeatures cpu = detect_cpu_features();
  const char* chosen = std::getenv("WATTLE_ISA");
  const std::string restore = chosen != nullptr ? chosen : "";
  for (const Isa isa : all_isas_fastest_first()) {
    if (!cpu.supports(isa)) continue;
    if (!restore.empty() && restore != isa_name(isa)) continue;
    ::setenv("WATTLE_ISA", std::string(isa_name(isa)).c_str(), 1);
    for (const auto& path : files_with_extension(folder, ".json")) {
      try {
        const nlohmann::json golden = read_json(path);
        if (!golden.contains("logits_exact")) continue;  // a vocabulary file, see tokenizers.cpp
        check_model(path, golden, isa, tally);
      } catch (const nlohmann::json::exception& e) {
        tally.fail(fmt::format("{}: {}", path.string(), e.what()));
      }
    }
  }
  restore.empty() ? ::unsetenv("WATTLE_ISA") : ::setenv("WATTLE_ISA", restore.c_str(), 1);
}

}  // namespace wattle::golden
