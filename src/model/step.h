// SPDX-License-Identifier: Apache-2.0
// What every block of a forward pass needs to know about the step that is running.
#pragma once

#include <cstdint>
#include <span>

#include "backend/device.h"
#include "kernels/engine_context.h"
#include "model/kv_cache.h"
#include "wattle/token.h"

namespace wattle {

// Borrows everything; lives as long as one call of Model::forward. The views of the rows are those
// of the batch, or of the part of it that the remaining layers still compute.
struct Step {
  EngineContext& context;
  Device& device;
  KvCache& cache;
  std::span<const SeqId> seq;
  std::span<const Pos> pos;

  size_t n_rows() const noexcept { return pos.size(); }
  const kernels::KernelTable& kernels() const noexcept { return context.kernels; }
};

}  // namespace wattle
