// SPDX-License-Identifier: Apache-2.0
// Matrix products of weights that are floats: f32, f16, bf16, with float activations. matvec reads
// the rows where they lie; matmul packs a tile of 8 rows to f32 and has the form of gemm_q8.inl.h,
// one lane per weight row. Columns may be any number.
#pragma once

#include "kernels/arm/matvec_rows.inl.h"
#include "kernels/arm/pack_q8.inl.h"
#include "kernels/matmul.h"

namespace wattle::kernels::arm {
namespace {

struct F32 {
  using Element = float;
  WATTLE_INLINE static float32x4_t load(const float* p) { return vld1q_f32(p); }
};

struct F16 {
  using Element = uint16_t;
  WATTLE_INLINE static float32x4_t load(const uint16_t* p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
  }
};

struct BF16 {
  using Element = uint16_t;
  WATTLE_INLINE static float32x4_t load(const uint16_t* p) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
  }
};

// The first n < 4 elements, then zeros.
template <class T>
WATTLE_INLINE float32x4_t load_some(const typename T::Element* p, size_t n) {
  typename T::Element some[4] = {};
  for (size_t i = 0; i < n; ++i) some[i] = p[i];
  return T::load(some);
}

template <class T, int kActs>
void four_rows_of_floats(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const WeightRows<typename T::Element> rows(args, row, end);
  const float* x[kActs];
  for (int a = 0; a < kActs; ++a) {
    x[a] = reinterpret_cast<const float*>(args.act[act + static_cast<size_t>(a)]);
  }
  float32x4_t acc[kActs][kRowsInFlight];
  for (auto& rows_of_act : acc) {
    for (float32x4_t& v : rows_of_act) v = vdupq_n_f32(0);
  }
  const auto step = [&](size_t i, auto load_w, auto load_x) {
    for (int r = 0; r < kRowsInFlight; ++r) {
      const float32x4_t w = load_w(rows.w[r] + i);
      for (int a = 0; a < kActs; ++a) acc[a][r] = vfmaq_f32(acc[a][r], w, load_x(x[a] + i));
    }
  };
  size_t i = 0;
  for (; i + 4 <= args.n_cols; i += 4) {
    // Lambdas, as a pointer to a function is inlined at -O2 only.
    step(i, [](const auto* p) { return T::load(p); }, [](const float* p) { return F32::load(p); });
  }
  if (const size_t n = args.n_cols - i; n != 0) {
    step(
        i, [n](const auto* p) { return load_some<T>(p, n); },
        [n](const float* p) { return load_some<F32>(p, n); });
  }
  for (int a = 0; a < kActs; ++a) {
    store_rows(args.y[act + static_cast<size_t>(a)] + row, sums_of_lanes(acc[a]), end - row);
  }
}

template <class T>
void matvec_floats(const MatmulArgs& args, RowRange rows) noexcept {
  for (size_t row = rows.begin; row < rows.end; row += kRowsInFlight) {
    size_t act = 0;
    for (; args.n_act - act >= 4; act += 4) four_rows_of_floats<T, 4>(args, act, row, rows.end);
    for (; args.n_act - act >= 2; act += 2) four_rows_of_floats<T, 2>(args, act, row, rows.end);
    if (act < args.n_act) four_rows_of_floats<T, 1>(args, act, row, rows.end);
  }
}

// tile: f32 [n_cols up to 4][8 rows]
template <class T>
void pack_floats(const MatmulArgs& args, size_t row, size_t end, std::byte* tile) {
  for (size_t first = 0; first < kTileRows; first += 4) {
    const WeightRows<typename T::Element> rows(args, row + first < end ? row + first : end - 1,
                                               end);
    auto* dst = reinterpret_cast<float*>(tile) + first;
    for (size_t k = 0; k < args.n_cols; k += 4, dst += 4 * kTileRows) {
      const size_t n = args.n_cols - k;
      int8x16_t columns[4];
      for (int i = 0; i < 4; ++i) {
        columns[i] =
            vreinterpretq_s8_f32(n >= 4 ? T::load(rows.w[i] + k) : load_some<T>(rows.w[i] + k, n));
      }
      store_transposed(columns, reinterpret_cast<int8_t*>(dst));
    }
  }
}

template <int kActs>
void gemm_floats(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const float* x[kActs];
  float32x4_t acc[kActs][2];
  for (size_t a = 0; a < kActs; ++a) {
    x[a] = reinterpret_cast<const float*>(args.act[act + a]);
    acc[a][0] = acc[a][1] = vdupq_n_f32(0);
  }
  const auto* tile = reinterpret_cast<const float*>(args.scratch);
  const auto column = [&](size_t k, auto multiply_add) {
    const float32x4_t w[2] = {vld1q_f32(tile + k * kTileRows), vld1q_f32(tile + k * kTileRows + 4)};
    for (int a = 0; a < kActs; ++a) {
      acc[a][0] = multiply_add(acc[a][0], w[0], a);
      acc[a][1] = multiply_add(acc[a][1], w[1], a);
    }
  };
  size_t k = 0;
  for (; k + 4 <= args.n_cols; k += 4) {
    float32x4_t v[kActs];
    for (int a = 0; a < kActs; ++a) v[a] = vld1q_f32(x[a] + k);
    column(k, [&](auto s, auto w, int a) { return vfmaq_laneq_f32(s, w, v[a], 0); });
    column(k + 1, [&](auto s, auto w, int a) { return vfmaq_laneq_f32(s, w, v[a], 1); });
    column(k + 2, [&](auto s, auto w, int a) { return vfmaq_laneq_f32(s, w, v[a], 2); });
    column(k + 3, [&](auto s, auto w, int a) { return vfmaq_laneq_f32(s, w, v[a], 3); });
  }
  for (; k < args.n_cols; ++k) {
    column(k, [&](auto s, auto w, int a) { return vfmaq_n_f32(s, w, x[a][k]); });
  }
  for (size_t a = 0; a < kActs; ++a) store_tile_column(args.y[act + a] + row, acc[a], end - row);
}

template <class T>
void matmul_floats(const MatmulArgs& args, RowRange rows) noexcept {
  for (size_t row = rows.begin; row < rows.end; row += kTileRows) {
    pack_floats<T>(args, row, rows.end, args.scratch);
    size_t act = 0;
    for (; args.n_act - act >= 8; act += 8) gemm_floats<8>(args, act, row, rows.end);
    for (; args.n_act - act >= 2; act += 2) gemm_floats<2>(args, act, row, rows.end);
    if (act < args.n_act) gemm_floats<1>(args, act, row, rows.end);
  }
}

inline size_t scratch_bytes_floats(size_t n_cols) noexcept {
  return (n_cols + 3) / 4 * 4 * kTileRows * sizeof(float);
}

}  // namespace
}  // namespace wattle::kernels::arm
