// SPDX-License-Identifier: Apache-2.0
// The ways in which a product y = W x is computed on the NPU. Its multipliers want both operands of
// one type, so what differs is what W and x are turned into; docs/npu.md has what each costs and
// how far from exact it is.
//
//   w16a16      both in f16, sums in f32. Any weights lose less than by any other way.
//   w8a8        both in int8 after a Hadamard transform of blocks of both, sums in int32.
//   w8a8_plain  both in int8 as they are
//   w4a8        weights of 4 bits as the file has them, x in int8 as two digits of 4 bits, exact
//               sums.
//   w4a4        both in int4 after a Hadamard transform, sums in int16.
//   w4a4_plain  both in int4 as they are
//
// The last two and w8a8_plain are for comparing: nothing chooses them.
//
// Columns of W are cut into tiles, each a product of its own whose results are added on the
// processor. A tile has one scale of x for each row, and one of W for each output.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "backend/rknpu/form.h"
#include "backend/rknpu/matmul_type.h"

namespace wattle::rknpu {

enum class Arithmetic : uint8_t { w16a16, w8a8, w8a8_plain, w4a8, w4a4, w4a4_plain };
inline constexpr std::array kArithmetics{Arithmetic::w16a16,     Arithmetic::w8a8,
                                         Arithmetic::w8a8_plain, Arithmetic::w4a8,
                                         Arithmetic::w4a4,       Arithmetic::w4a4_plain};

constexpr bool has_hadamard(Arithmetic arithmetic) noexcept {
  return arithmetic == Arithmetic::w8a8 || arithmetic == Arithmetic::w4a4;
}

constexpr std::string_view name_of(Arithmetic arithmetic) noexcept {
  switch (arithmetic) {
    case Arithmetic::w16a16: return "w16a16";
    case Arithmetic::w8a8: return "w8a8";
    case Arithmetic::w8a8_plain: return "w8a8-plain";
    case Arithmetic::w4a8: return "w4a8";
    case Arithmetic::w4a4: return "w4a4";
    case Arithmetic::w4a4_plain: return "w4a4-plain";
  }
  return "?";
}

constexpr MatmulType matmul_type_of(Arithmetic arithmetic) noexcept {
  switch (arithmetic) {
    case Arithmetic::w16a16: return MatmulType::f16_f16_f32;
    case Arithmetic::w8a8:
    case Arithmetic::w8a8_plain: return MatmulType::i8_i8_i32;
    case Arithmetic::w4a8:
    case Arithmetic::w4a4:
    case Arithmetic::w4a4_plain: return MatmulType::i4_i4_i16;
  }
  return MatmulType::f16_f16_f32;
}

// Rows of the NPU's product for each row of x.
constexpr size_t planes_of(Arithmetic arithmetic) noexcept {
  return arithmetic == Arithmetic::w4a8 ? 2 : 1;
}

struct KTiles {
  size_t size = 0;  // a multiple of 32
  size_t n = 0;

  size_t n_k() const noexcept { return size * n; }  // columns, with zeros behind the last one of W
};

inline constexpr size_t kInt4Group = 32;  // weights of 4 bits that share a scale in a file

// Columns of the largest tile.
//   i4           7 * 7 * 640 fits 16 bits.
//   f16, vendor  Weights are read again for as many rows as a core's four banks hold: 42 of so many
//                columns, and 32 are what an expert has in a prompt of 512. With powers of two as
//                scales, tiles cost no digit.
//   i8, vendor   Where its runtimes cut k, too: one scale for as much as may be.
//   rocket       A core's buffer has room for two groups of kernels of so many halves beside some
//                rows, as published programs want it.
constexpr size_t largest_tile(Arithmetic arithmetic, Form form) noexcept {
  const MatmulType type = matmul_type_of(arithmetic);
  if (type == MatmulType::i4_i4_i16) return 640;
  if (form == Form::rocket) return 4096;
  return type == MatmulType::f16_f16_f32 ? 1536 : 8192;
}

// w4a8: the groups of the file, so that no weight is rounded again. Others: as few as may be.
constexpr KTiles tiles_of(Arithmetic arithmetic, Form form, size_t n_in) noexcept {
  const size_t n_k = (n_in + 31) / 32 * 32;
  if (arithmetic == Arithmetic::w4a8) return {kInt4Group, n_k / kInt4Group};
  const size_t largest = largest_tile(arithmetic, form);
  const size_t n = (n_k + largest - 1) / largest;
  return {(n_k / 32 + n - 1) / n * 32, n};
}

}  // namespace wattle::rknpu
