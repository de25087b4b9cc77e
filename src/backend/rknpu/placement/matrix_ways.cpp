// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/placement/matrix_ways.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "backend/rknpu/numerics/int4_weights.h"
#include "backend/rknpu/weight_memory.h"

namespace wattle::rknpu {
namespace {

constexpr uint64_t kMaxColumns = 65536;  // of W: what a product is cut for
constexpr size_t kSampledRows[] = {1,  2,  3,  4,  6,   8,   12,  16,  24,
                                   32, 48, 64, 96, 128, 192, 256, 384, 512};

bool contains(RowRange range, size_t rows) { return rows >= range.begin && rows < range.end; }

TensorView one_matrix(const TensorView& w) {
  if (w.n_dims != 3) return w;
  TensorView matrix = w;
  matrix.n_dims = 2;
  matrix.shape = {w.shape[1], w.shape[2], 1, 1};
  return matrix;
}

constexpr auto all_ways() {
  std::array<NpuWay, kArithmetics.size() * kHoldings.size()> ways;
  size_t n = 0;
  for (const Arithmetic arithmetic : kArithmetics) {
    for (const Holding holding : kHoldings) ways[n++] = {arithmetic, holding};
  }
  return ways;
}

// On the NPU, and what the processor keeps beside: scales, minimums, sums of codes.
uint64_t packed_bytes(const ProductShape& w, Arithmetic arithmetic) {
  const MatmulTypeInfo& type = info(matmul_type_of(arithmetic));
  const KTiles tiles = tiles_of(arithmetic, Form::vendor, w.n_in);
  uint64_t of_tile = type.row_bytes(static_cast<uint32_t>(tiles.size)) + sizeof(float);
  if (arithmetic == Arithmetic::w4a8)
    of_tile += sizeof(int16_t) + (int4_type(w.dtype)->has_min ? sizeof(float) : 0);
  const uint64_t n_columns =
      (w.n_out + type.kernel_group - 1) / type.kernel_group * type.kernel_group;
  return n_columns * tiles.n * of_tile;
}

}  // namespace

PhaseCosts& PhaseCosts::operator+=(const PhaseCosts& other) noexcept {
  prompt += other.prompt;
  token += other.token;
  step += other.step;
  return *this;
}

MatrixWays::MatrixWays(const MatrixUse& use, const Workload& workload)
    : n_answer_(static_cast<double>(workload.n_answer)) {
  const TensorView matrix = one_matrix(use.w);
  shape_ = {.n_out = matrix.shape[0],
            .n_in = matrix.shape[1],
            .dtype = matrix.dtype,
            .precision = use.options.precision};
  if (use.w.n_dims == 3) {
    n_experts_ = use.w.shape[0];
    n_used_ = std::clamp<size_t>(use.options.max_slots, 1, n_experts_);
  }
  const size_t n_whole = workload.n_prompt / workload.n_batch;
  const size_t n_last = workload.n_prompt % workload.n_batch;
  if (n_whole != 0)
    all_rows_.push_back(products_of(workload.n_batch, static_cast<double>(n_whole)));
  if (n_last != 0) all_rows_.push_back(products_of(n_last, 1));
  prompt_ = all_rows_;
  if (use.options.outputs_only) prompt_ = {products_of(1, 1)};
  decoding_ = {products_of(1, 1), products_of(kAnswersAtOnce, 1)};

  for (const Products& products : prompt_) {
    cpu_steps_.push_back(cpu(products));
    cpu_.prompt += cpu_steps_.back();
  }
  cpu_.token = cpu(decoding_[0]);
  cpu_.step = cpu(decoding_[1]);
  for (const NpuWay& way : all_ways()) npu_[index(way)] = way_of(way);
  std::set<size_t> sampled(std::begin(kSampledRows), std::end(kSampledRows));
  for (const Products& products : prompt_) sampled.insert(products.rows);
  for (const Products& products : decoding_) sampled.insert(products.rows);
  for (const size_t rows : sampled) {
    const Products one{.n_matrices = static_cast<double>(n_used_), .rows = rows, .times = 1};
    Sample& sample = samples_.emplace_back(Sample{.rows = rows, .cpu = cpu(one), .npu = {}});
    for (const NpuWay& way : all_ways()) {
      if (is_possible(way)) sample.npu[index(way)] = npu(one, way);
    }
  }
}

MatrixWays::OnNpu MatrixWays::way_of(const NpuWay& way) const {
  OnNpu on_npu;
  on_npu.is_possible = is_priced(way) && shape_.n_in <= kMaxColumns &&
                       (way.arithmetic != Arithmetic::w4a8 || int4_type(shape_.dtype).has_value());
  if (!on_npu.is_possible) return on_npu;
  if (way.holding == Holding::resident) {
    on_npu.bytes = std::max<uint64_t>(1, n_experts_) * packed_bytes(shape_, way.arithmetic);
    // Of the buffers that small ones share the end may be too small for the next one.
    if (on_npu.bytes < kOwnWeightBytes)
      on_npu.bytes = on_npu.bytes * kSharedWeightBytes / (kSharedWeightBytes - kOwnWeightBytes);
  }
  for (const Products& products : prompt_) {
    on_npu.steps.push_back(npu(products, way));
    on_npu.costs.prompt += on_npu.steps.back();
  }
  on_npu.costs.token = npu(decoding_[0], way);
  on_npu.costs.step = npu(decoding_[1], way);
  return on_npu;
}

// n rows choose n_used of n_experts each: an expert is left out by all of them with the probability
// (1 - n_used / n_experts)^n.
MatrixWays::Products MatrixWays::products_of(size_t n_rows, double times) const {
  if (!is_bank()) return {.n_matrices = 1, .rows = n_rows, .times = times};
  const auto n_experts = static_cast<double>(n_experts_);
  const double share = static_cast<double>(n_used_) / n_experts;
  const double n_chosen = n_experts * (1 - std::pow(1 - share, static_cast<double>(n_rows)));
  const double n_slots = static_cast<double>(n_rows * n_used_);
  const double rows = std::max(1.0, std::round(n_slots / n_chosen));
  return {.n_matrices = n_slots / rows, .rows = static_cast<size_t>(rows), .times = times};
}

Cost MatrixWays::cpu(const Products& products) const {
  return products.times * products.n_matrices * cpu_product(shape_, products.rows);
}

// Products of one step are one call.
Cost MatrixWays::npu(const Products& products, const NpuWay& way) const {
  return products.times * npu_products(shape_, way, products.rows, products.n_matrices);
}

PhaseCosts MatrixWays::costs(const NpuWay& way, RowRange rows) const noexcept {
  const OnNpu& there = at(way);
  PhaseCosts costs;
  for (size_t i = 0; i < prompt_.size(); ++i)
    costs.prompt += contains(rows, prompt_[i].rows) ? there.steps[i] : cpu_steps_[i];
  costs.token = contains(rows, decoding_[0].rows) ? there.costs.token : cpu_.token;
  costs.step = contains(rows, decoding_[1].rows) ? there.costs.step : cpu_.step;
  return costs;
}

RowRange MatrixWays::better_rows(const NpuWay& way, const Score& score) const {
  const size_t n = samples_.size();
  RowRange best{};
  double most = 0;
  int most_better = 0;
  for (size_t first = 0; first < n; ++first) {
    int n_better = 0;  // samples for which the NPU does better, less those for which it does not
    for (size_t last = first; last < n; ++last) {
      const Sample& sample = samples_[last];
      n_better += score.of(sample.npu[index(way)]) < score.of(sample.cpu) ? 1 : -1;
      // Up to the next sample, and behind the last one all that there may be.
      const RowRange range{samples_[first].rows, last + 1 < n ? samples_[last + 1].rows : SIZE_MAX};
      const double gained = gain(way, range, score);
      if (gained <= 0 || gained < most || (gained == most && n_better <= most_better)) continue;
      best = range;
      most = gained;
      most_better = n_better;
    }
  }
  return best;
}

double MatrixWays::gain(const NpuWay& way, RowRange rows, const Score& score) const noexcept {
  const PhaseCosts placed = costs(way, rows);
  return score.of(cpu_.prompt - placed.prompt) + n_answer_ * score.of(cpu_.token - placed.token);
}

double MatrixWays::cpu_ms_of(RowRange rows) const noexcept {
  double ms = contains(rows, decoding_[0].rows) ? n_answer_ * cpu_.token.ms : 0;
  for (const Products& products : all_rows_) {
    if (contains(rows, products.rows)) ms += cpu(products).ms;
  }
  return ms;
}

}  // namespace wattle::rknpu
