// SPDX-License-Identifier: Apache-2.0
// A matrix of the model with its optional bias.
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "backend/device.h"
#include "model/step.h"

namespace wattle {

struct Projection {
  std::unique_ptr<Linear> linear;  // [n_out, n_in]
  std::vector<float> bias;         // [n_out], or empty

  explicit operator bool() const noexcept { return linear != nullptr; }
  size_t n_out() const noexcept { return linear->n_out(); }
};

struct ProjectionCall {
  const Projection& w;
  RowsView<float> y;  // [x.n_rows, w.n_out()], overwritten
};

// y = W x + bias for all calls, which share the input x and are computed together.
// At most kMaxLinearCalls of them.
void project(const Step& step, MatView<const float> x,
             std::initializer_list<ProjectionCall> calls) noexcept;

}  // namespace wattle
