// SPDX-License-Identifier: Apache-2.0
// What a matrix of a model, or a bank of experts, costs in every place where it may be computed.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "backend/rknpu/cost/product_cost.h"
#include "backend/survey_device.h"

namespace wattle::rknpu {

// What a plan is made for: a prompt, and an answer to it.
struct Workload {
  size_t n_prompt = 512;  // tokens
  size_t n_batch = 512;   // of them at once
  size_t n_answer = 128;  // tokens, one row each
  // What is no product with a matrix: attention, norms.
  Cost rest_of_prompt{};
  Cost rest_of_token{};
  Cost rest_of_step{};  // of kAnswersAtOnce tokens
};

// Conversations whose tokens are computed together: shown, but not what a plan is made for.
inline constexpr size_t kAnswersAtOnce = 8;

struct PhaseCosts {
  Cost prompt;  // all of it
  Cost token;   // of an answer
  Cost step;    // one token of each of kAnswersAtOnce

  PhaseCosts& operator+=(const PhaseCosts& other) noexcept;
};

// What is to be small: a sum of time and energy.
struct Score {
  double per_ms = 1;
  double per_mj = 0;

  double of(const Cost& cost) const noexcept { return per_ms * cost.ms + per_mj * cost.mj; }
};

// How far from exact a model is where all of its matrices are in this arithmetic, in KL divergences
// of the processor's: the largest of the table in docs/npu.md. Matrices that the processor computes
// at fine precision are the ones that make it large in a mixture of experts.
constexpr double divergence_of(Arithmetic arithmetic, Precision precision) noexcept {
  switch (arithmetic) {
    case Arithmetic::w16a16: return 0.11;
    case Arithmetic::w8a8: return 3.1;
    case Arithmetic::w4a8: return precision == Precision::fine ? 2.1 : 1.01;
    case Arithmetic::w8a8_plain:
    case Arithmetic::w4a4:
    case Arithmetic::w4a4_plain: break;  // for comparing: only where they are forced
  }
  return std::numeric_limits<double>::infinity();
}

// Of one matrix or bank. In a bank rows are taken to choose experts evenly.
class MatrixWays {
 public:
  // use: of a model that was loaded for steps of one row.
  MatrixWays(const MatrixUse& use, const Workload& workload);

  bool is_bank() const noexcept { return n_experts_ != 0; }
  // Memory that it takes for good, on the NPU and beside it: nothing where it is streamed.
  uint64_t bytes(const NpuWay& way) const noexcept { return at(way).bytes; }
  // Whether the NPU can compute it so at all, and it is known what that costs.
  bool is_possible(const NpuWay& way) const noexcept { return at(way).is_possible; }
  Precision precision() const noexcept { return shape_.precision; }

  const PhaseCosts& on_cpu() const noexcept { return cpu_; }
  const PhaseCosts& on_npu(const NpuWay& way) const noexcept { return at(way).costs; }
  // Where products of as many rows go to the NPU and all others to the processor; of a bank, rows
  // of one expert.
  PhaseCosts costs(const NpuWay& way, RowRange rows) const noexcept;

  // Of all ranges of rows the one that gains most over the workload; where several do, as ranges
  // differ in rows that the workload has not, the one with most for which the NPU does better.
  // Empty where nothing is gained.
  RowRange better_rows(const NpuWay& way, const Score& score) const;
  // What costs() gains over the processor in a prompt and its answer.
  double gain(const NpuWay& way, RowRange rows, const Score& score) const noexcept;
  // Milliseconds of the processor's work that products of as many rows are, where the rows of all
  // tokens of a prompt come to it.
  double cpu_ms_of(RowRange rows) const noexcept;

 private:
  // Products that a step takes: of so many matrices (a mean), with as many rows each.
  struct Products {
    double n_matrices = 1;
    size_t rows = 0;
    double times = 1;  // steps alike
  };

  struct OnNpu {
    bool is_possible = false;
    uint64_t bytes = 0;
    PhaseCosts costs{};
    std::vector<Cost> steps{};  // of prompt_, in order
  };
  static constexpr size_t kWays = kArithmetics.size() * kHoldings.size();
  static size_t index(const NpuWay& way) noexcept {
    return static_cast<size_t>(way.arithmetic) * kHoldings.size() +
           static_cast<size_t>(way.holding);
  }
  const OnNpu& at(const NpuWay& way) const noexcept { return npu_[index(way)]; }
  OnNpu way_of(const NpuWay& way) const;
  Products products_of(size_t n_rows, double times) const;
  Cost cpu(const Products& products) const;
  Cost npu(const Products& products, const NpuWay& way) const;

  ProductShape shape_;
  size_t n_experts_ = 0;  // 0: a matrix
  size_t n_used_ = 1;     // experts of a row
  double n_answer_;
  std::vector<Products> prompt_;      // steps
  std::vector<Products> all_rows_;    // the same where every token is an output
  std::array<Products, 2> decoding_;  // a token, a step of several
  PhaseCosts cpu_;
  std::vector<Cost> cpu_steps_;  // of prompt_, in order
  std::array<OnNpu, kWays> npu_{};
  // Products of some numbers of rows, ascending; of a bank, of as many experts as a row has.
  struct Sample {
    size_t rows;
    Cost cpu;
    std::array<Cost, kWays> npu;
  };
  std::vector<Sample> samples_;
};

}  // namespace wattle::rknpu
