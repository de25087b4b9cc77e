// SPDX-License-Identifier: Apache-2.0
// Rows of random quantised blocks: every bit of codes and small scales is free, only the floating
// point scales of a block are drawn from what the test asks for. Used by tests and benchmarks.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <random>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/half.h"
#include "tensor/dtype.h"

namespace wattle::test {

enum class BlockScales {
  ordinary,  // either sign, three decades
  one,       // +1 or -1 (mins: whole numbers): all products of a row are integers
  extreme,   // the smallest and largest finite numbers, zeros of both signs
};

enum class BlockCodes { random, all_ones, all_zeros };

namespace detail {

// Where the f16 scales and minimums of a block lie.
inline std::pair<int, int> half_fields(DType type) {  // {first, second}, -1 for none
  switch (type) {
    case DType::q4_1:
    case DType::q5_1:
    case DType::q4_k:
    case DType::q5_k: return {0, 2};
    case DType::q2_k: return {80, 82};
    case DType::q3_k: return {108, -1};
    case DType::q6_k: return {208, -1};
    case DType::mxfp4: return {-1, -1};
    default: return {0, -1};
  }
}

}  // namespace detail

class RandomBlocks {
 public:
  explicit RandomBlocks(uint32_t seed) : rng_(seed) {}

  // n_rows rows of n_cols elements, n_cols a multiple of the block size.
  AlignedBuffer<std::byte> rows(DType type, size_t n_rows, size_t n_cols,
                                BlockScales scales = BlockScales::ordinary,
                                BlockCodes codes = BlockCodes::random) {
    const DTypeInfo& info = dtype_info(type);
    AlignedBuffer<std::byte> out(n_rows * row_bytes(type, n_cols));
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = codes == BlockCodes::random     ? static_cast<std::byte>(rng_() & 0xff)
               : codes == BlockCodes::all_ones ? std::byte{0xff}
                                               : std::byte{0};
    }
    for (size_t at = 0; at < out.size(); at += info.block_bytes)
      set_scales(type, out.data() + at, scales);
    return out;
  }

  // Floats of about unit size; with an outlier in some groups.
  AlignedBuffer<float> floats(size_t n) {
    AlignedBuffer<float> out(n);
    std::normal_distribution<float> normal;
    for (size_t i = 0; i < n; ++i) out[i] = normal(rng_) * (rng_() % 100 == 0 ? 20.0f : 1.0f);
    return out;
  }

  // Whole numbers in [-limit, limit] with a +-127 in each 32: int8 codes hold them exactly and the
  // scale is one.
  AlignedBuffer<float> integers(size_t n, int limit) {
    AlignedBuffer<float> out(n);
    std::uniform_int_distribution<int> code(-limit, limit);
    for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(code(rng_));
    for (size_t g = 0; g + 32 <= n; g += 32)
      out[g + rng_() % 32] = rng_() % 2 == 0 ? 127.0f : -127.0f;
    return out;
  }

 private:
  uint16_t scale(BlockScales scales) {
    const bool negative = rng_() % 2 != 0;
    const auto sign = static_cast<uint16_t>(negative ? 0x8000 : 0);
    if (scales == BlockScales::one) return sign | f32_to_f16(1);
    if (scales == BlockScales::extreme) {
      constexpr uint16_t kEnds[] = {0x0000, 0x0001, 0x03ff, 0x0400, 0x7bff};
      return sign | kEnds[rng_() % std::size(kEnds)];
    }
    std::uniform_real_distribution<float> exponent(-11, -1);
    return sign | f32_to_f16(std::exp2(exponent(rng_)));
  }

  void set_scales(DType type, std::byte* block, BlockScales scales) {
    if (type == DType::f32) {
      const float value = std::normal_distribution<float>()(rng_);
      std::memcpy(block, &value, sizeof value);
      return;
    }
    if (type == DType::bf16) {
      const auto bits = static_cast<uint16_t>((rng_() & 0x807f) | (120 + rng_() % 10) << 7);
      std::memcpy(block, &bits, sizeof bits);
      return;
    }
    if (type == DType::mxfp4) {  // 2^(e - 128) times whole numbers
      block[0] = scales == BlockScales::one       ? std::byte{128}
                 : scales == BlockScales::extreme ? static_cast<std::byte>(rng_() % 2 * 220)
                                                  : static_cast<std::byte>(118 + rng_() % 10);
      return;
    }
    const auto [d_at, min_at] = detail::half_fields(type);
    const uint16_t d = scale(scales);
    std::memcpy(block + d_at, &d, sizeof d);
    if (min_at >= 0) {
      const uint16_t min = scale(scales);
      std::memcpy(block + min_at, &min, sizeof min);
    }
  }

  std::mt19937 rng_;
};

}  // namespace wattle::test
