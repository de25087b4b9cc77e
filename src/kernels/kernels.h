// SPDX-License-Identifier: Apache-2.0
// Every kernel of the engine as one table of function pointers, chosen once at start.
//
// All kernels are noexcept, allocate nothing, use no threads and check nothing: sizes are checked
// when the model is bound. The result of a row never depends on how rows are split into calls of
// the same kernel, so threads may share work in any way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/cpu_features.h"
#include "kernels/attention.h"
#include "kernels/elementwise.h"
#include "tensor/dtype.h"
#include "tensor/view.h"

namespace wattle::kernels {

// ---- matrix products ----

// How a kernel wants its activation rows. f32: as they are. q8: int8 with one scale per 32 elements
// and the block sums that formats with an offset or a minimum need (layout: kernels/act_q8.h).
enum class ActFormat { f32, q8 };

struct MatmulArgs {
  const std::byte* w = nullptr;  // [n_rows, n_cols] blocks of the kernel's dtype, as in the file
  size_t w_row_bytes = 0;
  size_t n_cols = 0;
  // n_act activation rows of n_cols elements in the kernel's ActFormat, each 64-byte aligned; and
  // for each the place of its results: y[a][r] = dot(W[r], act[a]). Must not alias.
  const std::byte* const* act = nullptr;
  float* const* y = nullptr;
  size_t n_act = 0;
  std::byte* scratch =
      nullptr;  // matmul only: scratch_bytes(n_cols), 64-byte aligned, one per thread
};

using MatmulFn = void (*)(const MatmulArgs&, RowRange rows) noexcept;

struct MatmulKernel {
  std::string_view name;  // "avx512vnni": the row of the list that was chosen
  ActFormat act = ActFormat::f32;
  MatmulFn matvec = nullptr;  // reads blocks in place; for few activation rows
  MatmulFn matmul = nullptr;  // packs a tile of weights once for many activation rows
  size_t tile_rows = 1;       // matmul wants rows.begin to be a multiple of this
  size_t (*scratch_bytes)(size_t n_cols) noexcept = nullptr;
};

// Bytes of one activation row of n_cols elements, padded to 64.
size_t act_row_bytes(ActFormat format, size_t n_cols) noexcept;

// ---- the table ----

// Called as members: table.rms_norm(...), table.attention[k][v](...).
struct KernelTable : ElementwiseKernels, AttentionKernels {
  Isa isa = Isa::scalar;  // the best set in use; single kernels may come from a slower one

  const MatmulKernel* matmul_for(DType weight) const noexcept;  // never null for a DType

  // Makes one activation row for kernels with ActFormat::q8. out: act_row_bytes(q8, n_cols).
  void (*quantize_act)(const float* x, size_t n_cols, std::byte* out) noexcept;

  struct Choice {
    std::string_view op;    // "matmul q4_k", "attention f16"
    std::string_view name;  // "avx2"
  };
  // What was chosen for every op, for `wattle info`.
  std::span<const Choice> choices() const noexcept;

  // implementation detail of dispatch.cpp
  MatmulKernel matmul[16];
  Choice choice_storage[64];
  size_t n_choices = 0;
};

// Picks, for every op, the first kernel of its list (fastest first) that `features` can run and
// that is not above `limit`. limit = reference or scalar gives just those.
KernelTable make_kernel_table(const CpuFeatures& features, Isa limit) noexcept;

// The set named by WATTLE_ISA, or the best one. Throws Error{usage} where the name is unknown or
// this machine cannot run it, listing those it can.
Isa isa_from_environment(const CpuFeatures& features);

}  // namespace wattle::kernels
