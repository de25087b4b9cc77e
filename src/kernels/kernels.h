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
#include "kernels/decode_row.h"
#include "kernels/elementwise.h"
#include "kernels/half_runs.h"
#include "kernels/matmul.h"
#include "tensor/dtype.h"

namespace wattle::kernels {

// ---- the table ----

// Called as members: table.rms_norm(...), table.attention.of(k, v)(...).
struct KernelTable : ElementwiseKernels, AttentionKernels {
  Isa isa = Isa::scalar;  // the best set in use; single kernels may come from a slower one

  const MatmulKernel* matmul_for(DType weight) const noexcept;  // never null for a DType

  // As attention, for many query rows of a sequence; it may round differently.
  AttentionByType attention_many;

  DecodeRowFn decode_row_of(DType weight) const noexcept;  // never null for a DType

  // nullptr: no set has one for the type, decode_row_of and to_half do the same.
  HalfRunsFn half_runs_of(DType weight) const noexcept {
    return weight == DType::q4_0 ? half_runs_q4_0 : nullptr;
  }

  QuantizeActFn quantize_act = nullptr;  // for kernels with ActFormat::q8
  RoundActFn round_act = nullptr;        // for kernels with ActFormat::bf16

  struct Choice {
    std::string_view op;    // "matmul q4_k", "attention f16"
    std::string_view name;  // "avx2"
  };
  // What was chosen for every op, for `wattle info`.
  std::span<const Choice> choices() const noexcept;

  // implementation detail of dispatch.cpp
  MatmulKernel matmul[16];
  const DecodeRowSet* decode_rows = nullptr;
  HalfRunsFn half_runs_q4_0 = nullptr;
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
