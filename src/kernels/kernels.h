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

// ---- attention ----

enum class KvType : uint8_t { f32, f16, q8_0 };

// One run of cached positions of one KV head against the query rows that share this head: an online
// softmax step. Call it run after run in order of position, starting from max = -inf, sum = 0,
// out = 0; at the end out / sum is the attention output.
struct AttentionRun {
  const float* q = nullptr;  // [n_q, head_dim_k], already multiplied by the score scale
  size_t q_stride = 0;       // floats between rows
  size_t n_q = 0;
  size_t head_dim_k = 0;
  size_t head_dim_v = 0;
  const std::byte* k = nullptr;  // [n_kv, head_dim_k] of the kernel's K type, rows without gaps
  const std::byte* v = nullptr;  // [n_kv, head_dim_v] of the kernel's V type
  size_t n_kv = 0;
  const uint32_t* first =
      nullptr;  // [n_q]: query row i sees entries [first[i], last[i]) of this run;
  const uint32_t* last = nullptr;  // an empty range leaves the row as it is
  float* max = nullptr;            // [n_q]
  float* sum = nullptr;            // [n_q]
  float* out = nullptr;            // [n_q, head_dim_v], not normalised
  size_t out_stride = 0;
  float* scratch = nullptr;  // attention_scratch_floats(*this)
};
using AttentionFn = void (*)(const AttentionRun&) noexcept;

// Enough for any of the attention kernels.
size_t attention_scratch_floats(size_t n_q, size_t n_kv, size_t head_dim_k,
                                size_t head_dim_v) noexcept;

// ---- the table ----

struct KernelTable {
  Isa isa = Isa::scalar;  // the best set in use; single kernels may come from a slower one

  const MatmulKernel* matmul_for(DType weight) const noexcept;  // never null for a DType

  // Makes one activation row for kernels with ActFormat::q8. out: act_row_bytes(q8, n_cols).
  void (*quantize_act)(const float* x, size_t n_cols, std::byte* out) noexcept;

  // Element-wise; n counts floats. out may be x.
  // y = x / sqrt(mean(x^2) + eps) * w; w may be null (no weight).
  void (*rms_norm)(const float* x, const float* w, float eps, float* out, size_t n) noexcept;
  void (*add)(const float* a, const float* b, float* out, size_t n) noexcept;
  void (*scale)(const float* x, float factor, float* out, size_t n) noexcept;
  // acc += factor * x
  void (*axpy)(float factor, const float* x, float* acc, size_t n) noexcept;
  void (*mul)(const float* a, const float* b, float* out, size_t n) noexcept;
  // out = silu(gate) * up, gelu_tanh(gate) * up
  void (*silu_mul)(const float* gate, const float* up, float* out, size_t n) noexcept;
  void (*gelu_mul)(const float* gate, const float* up, float* out, size_t n) noexcept;
  // out = cap * tanh(x / cap)
  void (*softcap)(const float* x, float cap, float* out, size_t n) noexcept;
  // Rotates the first n_rot elements of one head in place. cos, sin: [n_rot / 2].
  // neox: pairs (i, i + n_rot/2); norm: pairs (2i, 2i + 1).
  void (*rope_neox)(float* x, const float* cos, const float* sin, size_t n_rot) noexcept;
  void (*rope_norm)(float* x, const float* cos, const float* sin, size_t n_rot) noexcept;
  // In place: exp(x - max) / sum.
  void (*softmax)(float* x, size_t n) noexcept;

  // Stores n floats as a cache row of the type (q8_0: n % 32 == 0).
  void (*kv_store[3])(const float* x, size_t n, std::byte* out) noexcept;  // by KvType
  AttentionFn attention[3][3];                                             // [K type][V type]

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
