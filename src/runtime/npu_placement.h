// SPDX-License-Identifier: Apache-2.0
// The plan of which matrices of a file go to an NPU, from the file's header and what the user asked
// for.
#pragma once

#include <cstdint>

#include "backend/rknpu/placement/plan.h"
#include "gguf/reader.h"
#include "kernels/engine_context.h"
#include "wattle/engine.h"

namespace wattle::runtime {

// Memory for packed weights: half of what is there, and no more than the mapped file and the cache
// leave.
uint64_t packing_budget(uint64_t memory_bytes, uint64_t file_bytes, uint64_t cache_bytes) noexcept;

// Throws Error{usage} for a bound that nothing can keep to.
void check_npu_params(const NpuParams& npu);

// For steps of n_batch rows; max_bytes: where npu.max_bytes names none. The file must live as long
// as the plan. Parameters were checked. Throws what loading a model throws.
rknpu::PlacementPlan plan_npu(const gguf::File& file, EngineContext& context, const NpuParams& npu,
                              size_t n_batch, uint64_t max_bytes);

}  // namespace wattle::runtime
