// SPDX-License-Identifier: Apache-2.0
// The matrix product y = W x: its arguments and the kernel sets that implement it. W lies in blocks
// as in the file; x are activation rows in the format its kernel asks for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tensor/dtype.h"
#include "tensor/view.h"

namespace wattle::kernels {

// How a kernel wants its activation rows. f32: as they are. bf16: rounded to that, with zeros up to
// 64 bytes. q8: int8 with one scale per 32 elements and the block sums that formats with an offset
// or a minimum need (layout: kernels/act_q8.h).
enum class ActFormat { f32, bf16, q8 };

struct MatmulArgs {
  const std::byte* w = nullptr;  // [n_rows, n_cols] blocks of the kernel's dtype, as in the file
  size_t w_row_bytes = 0;
  size_t n_cols = 0;
  // n_act activation rows of n_cols elements in the kernel's ActFormat, each 64-byte aligned; and
  // for each the place of its results: y[a][r] = dot(W[r], act[a]). Must not alias.
  const std::byte* const* act = nullptr;
  float* const* y = nullptr;
  size_t n_act = 0;
  // For matmul alone: scratch_bytes(n_cols) of its kernel, 64-byte aligned, one per thread.
  std::byte* scratch = nullptr;
};

// Writes y[a][r] for r in rows only. The result of a row depends neither on how rows are split into
// calls nor on the other activation rows of the call, bit for bit; matvec and matmul of one kernel
// may round differently.
using MatmulFn = void (*)(const MatmulArgs&, RowRange rows) noexcept;

struct MatmulKernel {
  std::string_view name;  // "avx512vnni": the row of the list that was chosen
  ActFormat act = ActFormat::f32;
  MatmulFn matvec = nullptr;  // reads blocks in place; for few activation rows
  MatmulFn matmul = nullptr;  // packs a tile of weights once for many activation rows
  size_t matmul_from = 1;     // with this many activation rows matmul is the faster one
  size_t tile_rows = 1;       // matmul wants rows.begin to be a multiple of this
  size_t (*scratch_bytes)(size_t n_cols) noexcept = nullptr;
};

// Bytes of one activation row of n_cols elements, padded to 64. q8: n_cols % 32 == 0.
size_t act_row_bytes(ActFormat format, size_t n_cols) noexcept;

// Makes one activation row for kernels with ActFormat::q8. out: act_row_bytes(q8, n_cols), 64-byte
// aligned. Every kernel set gives the same bytes. A NaN or an infinity in x shows as such in every
// product with its row.
using QuantizeActFn = void (*)(const float* x, size_t n_cols, std::byte* out) noexcept;

// The same for ActFormat::bf16, to nearest, ties to even.
using RoundActFn = void (*)(const float* x, size_t n_cols, std::byte* out) noexcept;

// ---- the kernel sets ----

struct MatmulRow {
  DType weight;
  MatmulKernel kernel;  // without a name
};

struct MatmulSet {
  const MatmulRow* rows;
  size_t n_rows;
};

// Float activations, weights decoded exactly, f64 sums: what a product should be.
namespace reference {
extern const MatmulSet kMatmul;
}

// The numerics of the fast sets in plain loops: int8 activations, exact i32 sums per group, f64
// from there. What a fast kernel should give.
namespace scalar {
extern const MatmulSet kMatmul;
void quantize_act(const float* x, size_t n_cols, std::byte* out) noexcept;
void round_act(const float* x, size_t n_cols, std::byte* out) noexcept;
}  // namespace scalar

// Of the machines that have them.
namespace avx2 {
extern const MatmulSet kMatmul;
void quantize_act(const float* x, size_t n_cols, std::byte* out) noexcept;
}  // namespace avx2
namespace avx512 {
extern const MatmulSet kMatmul;
}
namespace avx512vnni {
extern const MatmulSet kMatmul;
}
// BF16 weights alone.
namespace avx512bf16 {
extern const MatmulSet kMatmul;
void round_act(const float* x, size_t n_cols, std::byte* out) noexcept;
}  // namespace avx512bf16
namespace neon {
extern const MatmulSet kMatmul;
void quantize_act(const float* x, size_t n_cols, std::byte* out) noexcept;
}  // namespace neon
namespace i8mm {
extern const MatmulSet kMatmul;
}

}  // namespace wattle::kernels
