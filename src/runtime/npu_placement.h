// SPDX-License-Identifier: Apache-2.0
// The plan of which matrices of a file go to an NPU, from the file's header and what the user asked
// for.
#pragma once

#include <cstdint>

#include "backend/rknpu/placement/plan.h"
#include "gguf/reader.h"
#include "kernels/engine_context.h"
#include "model/kv_layout.h"
#include "model/model.h"
#include "wattle/engine.h"

namespace wattle::runtime {

// What a model takes of a board's memory without an NPU: the mapped file, keys and values of one
// whole context, what a step computes with. Throws what reading hyperparameters throws.
rknpu::BoardMemory memory_of_model(const gguf::File& file, const KvCacheParams& cache);

// Throws Error{usage} for a bound that nothing can keep to.
void check_npu_params(const NpuParams& npu);

// What a plan may fill.
struct NpuRoom {
  uint64_t memory_bytes = 0;     // for everything
  rknpu::BoardMemory outside{};  // of that, what the model takes without an NPU
  uint64_t domain_bytes = 0;     // of all domains of the NPU
};

// For steps of a model that is loaded so. Where npu.max_bytes names none, packed weights take half
// of the memory, and no more than all else leaves of it; in any case no more than the domains hold.
// The file must live as long as the plan. Parameters were checked. Throws what loading a model
// throws.
rknpu::PlacementPlan plan_npu(const gguf::File& file, EngineContext& context, const NpuParams& npu,
                              const ModelParams& of_model, const NpuRoom& room);

}  // namespace wattle::runtime
