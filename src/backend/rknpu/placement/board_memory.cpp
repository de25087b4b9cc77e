// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/placement/board_memory.h"

#include <algorithm>
#include <array>

#include "backend/rknpu/product_runner.h"
#include "backend/rknpu/round_limits.h"
#include "backend/rknpu/weight_ring.h"

namespace wattle::rknpu {
namespace {

constexpr uint64_t kPageBytes = 4096;

uint64_t whole_pages(uint64_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; }

}  // namespace

uint64_t BoardMemory::total() const noexcept {
  uint64_t sum = 0;
  for (const uint64_t bytes : {file, cache, activations, weights, ring, inputs, results, commands})
    sum += std::min(bytes, UINT64_MAX - sum);
  return sum;
}

BoardMemory working_memory(std::span<const HeldMatrix> held, uint64_t n_weight_bytes,
                           const NpuInfo& npu) {
  if (held.empty()) return {};
  std::array<uint64_t, kArithmetics.size()> input{};
  bool streams = false;
  for (const HeldMatrix& matrix : held) {
    uint64_t& bytes = input[static_cast<size_t>(matrix.place.arithmetic)];
    bytes = std::max(bytes, whole_pages(ProductRunner::input_bytes(
                                matrix.place.arithmetic, npu.form, matrix.n_in, matrix.max_rows,
                                matrix.place.rows.begin)));
    streams |= matrix.place.holding == Holding::streamed;
  }
  const uint64_t set_bytes = uint64_t{npu.domain_bytes} * npu.domains_per_submit;
  const uint64_t n_sets = std::max<uint64_t>(1, (n_weight_bytes + set_bytes - 1) / set_bytes);
  const uint64_t n_buffers = n_sets * kRoundsAtOnce * npu.lists_per_submit();
  BoardMemory memory{.ring = streams ? WeightRing::bytes(npu) : 0,
                     .results = n_buffers * kRoundOutputBytes,
                     .commands = n_buffers * kRoundCommandBytes};
  for (const uint64_t bytes : input)
    memory.inputs += n_sets * kRoundsAtOnce * npu.domains_per_submit * bytes;
  return memory;
}

}  // namespace wattle::rknpu
