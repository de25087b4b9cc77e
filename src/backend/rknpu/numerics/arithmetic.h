// SPDX-License-Identifier: Apache-2.0
// The ways in which a product y = W x is computed on the NPU. Its multipliers want both operands of
// one type, so what differs is what W and x are turned into; docs/npu.md has what each costs and
// how far from exact it is.
//
//   w16a16  both in f16, sums in f32. Any weights lose less than by any other way.
//   w8a8    both in int8 after a Hadamard transform of blocks of both, sums in int32.
//   w4a8    weights of 4 bits as the file has them, x in int8 as two digits of 4 bits, exact sums.
//
// Columns of W are cut into tiles, each a product of its own whose results are added on the
// processor. A tile has one scale of x for each row, and one of W for each output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "backend/rknpu/form.h"
#include "backend/rknpu/matmul_type.h"

namespace wattle::rknpu {

enum class Arithmetic : uint8_t { w16a16, w8a8, w4a8 };
inline constexpr size_t kArithmetics = 3;

constexpr std::string_view name_of(Arithmetic arithmetic) noexcept {
  switch (arithmetic) {
    case Arithmetic::w16a16: return "w16a16";
    case Arithmetic::w8a8: return "w8a8";
    case Arithmetic::w4a8: return "w4a8";
  }
  return "?";
}

constexpr MatmulType matmul_type_of(Arithmetic arithmetic) noexcept {
  switch (arithmetic) {
    case Arithmetic::w16a16: return MatmulType::f16_f16_f32;
    case Arithmetic::w8a8: return MatmulType::i8_i8_i32;
    case Arithmetic::w4a8: return MatmulType::i4_i4_i16;
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

// Columns of the largest tile. Vendor: where its runtimes cut k, too. Rocket: in f16 a core's
// buffer has room for two groups of kernels of that many beside some rows, as published programs
// want it.
constexpr size_t largest_tile(Form form) noexcept { return form == Form::vendor ? 8192 : 4096; }

// w4a8: the groups of the file, so that no weight is rounded again. Others: as few as may be.
constexpr KTiles tiles_of(Arithmetic arithmetic, Form form, size_t n_in) noexcept {
  const size_t n_k = (n_in + 31) / 32 * 32;
  if (arithmetic == Arithmetic::w4a8) return {kInt4Group, n_k / kInt4Group};
  const size_t n = (n_k + largest_tile(form) - 1) / largest_tile(form);
  return {(n_k / 32 + n - 1) / n * 32, n};
}

}  // namespace wattle::rknpu
