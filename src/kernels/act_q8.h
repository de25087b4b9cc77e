// SPDX-License-Identifier: Apache-2.0
// ActFormat::q8: an activation row as int8 with one scale per 32 elements. One format serves all
// quantised weight types; a scale per 256, as others use for K-quants, loses accuracy to outliers.
//
// A row of n elements (n % 32 == 0) is four arrays, one after the other, each as long as said:
//   q          int8  [n]     element i is scale * q[i], q in [-127, 127]; zeros up to 64 bytes
//   scale      2 f32 [n/32]  {scale, scale * sum of the 32 q}: what d and m of a block multiply
//   neg_sum32  i32   [n/32]  -(sum of the 32 q)  where a kernel's integer sums start when its codes
//   neg_sum16  i32   [n/16]  -(sum of 16 q)      have an offset: sum (u - o) q = -o sum q + sum u q
#pragma once

#include <cstddef>
#include <cstdint>

namespace wattle::kernels {

inline constexpr size_t kActGroup = 32;  // elements per scale

struct ActScale {
  float scale;
  float scale_sum;
};

struct ActQ8 {
  const int8_t* q;
  const ActScale* scale;
  const int32_t* neg_sum32;
  const int32_t* neg_sum16;
};

// Where the arrays of a row begin, in bytes; q begins at 0.
struct ActQ8Layout {
  size_t scale;
  size_t neg_sum32;
  size_t neg_sum16;
  size_t end;
};

// Always inlined, as ISA files use them: they may not leave copies for others to link.
[[gnu::always_inline]] inline ActQ8Layout act_q8_layout(size_t n_cols) noexcept {
  const size_t n_groups = n_cols / kActGroup;
  const size_t scale = (n_cols + 63) / 64 * 64;
  const size_t neg_sum32 = scale + n_groups * sizeof(ActScale);
  const size_t neg_sum16 = neg_sum32 + n_groups * sizeof(int32_t);
  return {scale, neg_sum32, neg_sum16, neg_sum16 + 2 * n_groups * sizeof(int32_t)};
}

[[gnu::always_inline]] inline ActQ8 act_q8(const std::byte* row, size_t n_cols) noexcept {
  const ActQ8Layout at = act_q8_layout(n_cols);
  return {reinterpret_cast<const int8_t*>(row), reinterpret_cast<const ActScale*>(row + at.scale),
          reinterpret_cast<const int32_t*>(row + at.neg_sum32),
          reinterpret_cast<const int32_t*>(row + at.neg_sum16)};
}

}  // namespace wattle::kernels
