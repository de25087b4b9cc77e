// SPDX-License-Identifier: Apache-2.0
// Which matrices of a model are packed for the NPU, in which arithmetic, and which products with
// them go there: the best that the model of costs knows under an objective and within a budget of
// memory. A projection: nothing of it was run on silicon.
//
// A matrix is on the processor in any case, where the file is mapped. Packed it is there a second
// time, for good or, streamed, while products with it are computed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "backend/rknpu/placement/board_memory.h"
#include "backend/rknpu/placement/matrix_place.h"
#include "backend/rknpu/placement/matrix_ways.h"

namespace wattle::rknpu {

enum class Objective : uint8_t { speed, energy };

struct PlacementParams {
  uint64_t max_bytes = 0;  // of packed weights that stay
  // That everything together may take: with what the model has without the NPU, `outside`, and
  // whatever buffers the NPU needs beside. max_bytes is cut down to what that and the next one
  // leave.
  uint64_t memory_bytes = UINT64_MAX;
  BoardMemory outside{};
  // That the domains of the NPU have room for: what stays, and its buffers.
  uint64_t domain_bytes = UINT64_MAX;
  Objective objective = Objective::speed;
  // Mean power of the board above idle, of the prompt and of the answer each; nothing: any.
  std::optional<double> max_watts{};
  double max_divergence = 1.1;  // see divergence_of
  // Forced, whatever the model of costs and max_divergence say of it.
  std::optional<Arithmetic> arithmetic{};
  // Products of as many rows and more go to the NPU, and experts with a quarter of them; then as
  // much of the processor's work goes there as memory has room for.
  std::optional<size_t> min_rows{};
  Workload workload{};
};

// Why a matrix is where it is.
enum class PlaceReason : uint8_t {
  gains,       // on the NPU
  no_gain,     // the processor does as well
  no_room,     // another place were better, but others gain more with the memory
  not_allowed  // no arithmetic that may be used computes it
};

struct PlacedMatrix {
  MatrixUse use;
  size_t ways = 0;                   // of PlacementPlan::ways
  std::optional<MatrixPlace> npu{};  // nothing: the processor
  uint64_t bytes = 0;                // packed for good
  PlaceReason reason = PlaceReason::no_gain;
  PhaseCosts costs{};
};

struct PlacementPlan {
  PlacementParams params;                // as it was made for
  std::vector<PlacedMatrix> matrices{};  // in the order of the model
  std::vector<MatrixWays> ways{};        // matrices alike have the same ones
  uint64_t n_bytes = 0;                  // packed for good
  BoardMemory memory{};                  // with params.outside
  PhaseCosts costs{};                    // of the whole model, with the rest of the workload
  PhaseCosts cpu_costs{};                // the same with every matrix on the processor
  bool keeps_watts = true;               // false: no plan was found that does

  // By the name of the tensor; nothing where it stays on the processor.
  std::optional<MatrixPlace> find(std::string_view name) const noexcept;
};

// matrices: of a model that was loaded for steps of one row (backend/survey_device.h); their names
// must live as long as the plan.
PlacementPlan plan_placement(std::span<const MatrixUse> matrices, const PlacementParams& params);

}  // namespace wattle::rknpu
