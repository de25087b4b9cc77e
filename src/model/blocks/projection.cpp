// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/projection.h"

#include <array>

#include "base/assert.h"
#include "base/parallel_rows.h"

namespace wattle {

void project(const Step& step, MatView<const float> x,
             std::initializer_list<ProjectionCall> calls) noexcept {
  WATTLE_ASSERT(calls.size() <= kMaxLinearCalls);
  std::array<LinearCall, kMaxLinearCalls> linear_calls;
  size_t n = 0;
  for (const ProjectionCall& call : calls) linear_calls[n++] = {call.w.linear.get(), call.y};
  step.device.linear(x, {linear_calls.data(), n});
  for (const ProjectionCall& call : calls) {
    const std::vector<float>& bias = call.w.bias;
    if (bias.empty()) continue;
    parallel_rows(step.context.pool, x.n_rows, bias.size(), [&](size_t begin, size_t end, size_t) {
      for (size_t r = begin; r < end; ++r) {
        step.kernels().add(call.y.row(r), bias.data(), call.y.row(r), bias.size());
      }
    });
  }
}

}  // namespace wattle
