// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/moe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "base/parallel_rows.h"

namespace wattle {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// The n_used largest logits in order, equal ones by index. With a NaN among them there is no such
// order, and some n_used experts are picked.
void pick_experts(std::span<const float> logits, std::span<uint32_t> expert) noexcept {
  size_t n = 0;
  for (uint32_t e = 0; e < logits.size(); ++e) {
    size_t at = n < expert.size() ? n++ : expert.size();
    while (at > 0 && logits[e] > logits[expert[at - 1]]) {
      if (at < expert.size()) expert[at] = expert[at - 1];
      --at;
    }
    if (at < expert.size()) expert[at] = e;
  }
}

bool has_nan(std::span<const float> x) noexcept {
  return std::ranges::any_of(x, [](float v) { return std::isnan(v); });
}

void route(const Step& step, MatView<const float> logits, const MoeWeights& w,
           MoeBuffers& b) noexcept {
  parallel_rows(step.context.pool, logits.n_rows, logits.n_cols * w.n_used,
                [&](size_t begin, size_t end, size_t) {
                  for (size_t r = begin; r < end; ++r) {
                    const std::span<uint32_t> expert{&b.expert[r * w.n_used], w.n_used};
                    const std::span<float> weight{&b.weight[r * w.n_used], w.n_used};
                    pick_experts(logits.row_span(r), expert);
                    for (size_t k = 0; k < w.n_used; ++k) weight[k] = logits.row(r)[expert[k]];
                    step.kernels().softmax(weight.data(), w.n_used);
                    if (has_nan(logits.row_span(r))) std::ranges::fill(weight, kNan);
                    for (size_t k = 0; k < w.n_used; ++k) {
                      weight[k] *= w.weights_scale;
                      if (!w.down_scale.empty()) weight[k] *= w.down_scale[expert[k]];
                    }
                  }
                });
}

// Counting sort of the (row, expert) pairs by expert.
void assign_slots(size_t n_rows, size_t n_used, MoeBuffers& b) noexcept {
  std::fill(b.expert_begin.begin(), b.expert_begin.end(), 0u);
  for (size_t i = 0; i < n_rows * n_used; ++i) ++b.expert_begin[b.expert[i] + 1];
  std::partial_sum(b.expert_begin.begin(), b.expert_begin.end(), b.expert_begin.begin());
  for (size_t i = 0; i < n_rows * n_used; ++i) {
    const uint32_t slot = b.expert_begin[b.expert[i]]++;
    b.slot[i] = slot;
    b.slot_row[slot] = static_cast<uint32_t>(i / n_used);
    b.slot_expert[slot] = b.expert[i];
  }
}

void combine(const Step& step, const MoeBuffers& b, MatView<const float> down, size_t n_used,
             MatView<float> out) noexcept {
  parallel_rows(
      step.context.pool, out.n_rows, out.n_cols * n_used, [&](size_t begin, size_t end, size_t) {
        for (size_t r = begin; r < end; ++r) {
          const size_t i = r * n_used;
          step.kernels().scale(down.row(b.slot[i]), b.weight[i], out.row(r), out.n_cols);
          for (size_t k = 1; k < n_used; ++k) {
            step.kernels().axpy(b.weight[i + k], down.row(b.slot[i + k]), out.row(r), out.n_cols);
          }
        }
      });
}

}  // namespace

MoeBuffers::MoeBuffers(size_t n_batch, size_t n_expert, size_t n_used, size_t n_ff_exp,
                       size_t n_embd)
    : router_logits(n_batch, n_expert),
      gate_up(n_batch * n_used, 2 * n_ff_exp),
      down(n_batch * n_used, n_embd),
      expert(n_batch * n_used),
      weight(n_batch * n_used),
      slot(n_batch * n_used),
      slot_row(n_batch * n_used),
      slot_expert(n_batch * n_used),
      slot_index(n_batch * n_used),
      expert_begin(n_expert + 1) {
  std::iota(slot_index.begin(), slot_index.end(), 0u);
}

void mixture_of_experts(const Step& step, MatView<const float> router_x, MatView<const float> x,
                        const MoeWeights& w, Activation activation, MoeBuffers& buffers,
                        MatView<float> out) noexcept {
  const MatView<float> logits = buffers.router_logits.rows(x.n_rows);
  project(step, router_x, {{w.router, logits}});
  route(step, logits, w, buffers);
  assign_slots(x.n_rows, w.n_used, buffers);

  const size_t n_slots = x.n_rows * w.n_used;
  const size_t n_ff_exp = w.down->n_in();
  const MatView<float> gate_up = buffers.gate_up.rows(n_slots);
  const MatView<float> gate = gate_up.cols(0, n_ff_exp);
  const MatView<float> up = gate_up.cols(n_ff_exp, n_ff_exp);
  const std::span<const uint32_t> slot_expert{buffers.slot_expert.data(), n_slots};
  const ExpertSlots rows_of_x{{buffers.slot_row.data(), n_slots}, slot_expert};
  if (w.gate_up != nullptr) {
    const std::array<ExpertCall, 1> calls{{{w.gate_up.get(), gate_up}}};
    step.device.experts(x, rows_of_x, calls);
  } else {
    const std::array<ExpertCall, 2> calls{{{w.gate.get(), gate}, {w.up.get(), up}}};
    step.device.experts(x, rows_of_x, calls);
  }
  gate_rows(step, activation, gate, up);

  const MatView<float> down = buffers.down.rows(n_slots);
  const std::array<ExpertCall, 1> calls{{{w.down.get(), down}}};
  step.device.experts(gate, {{buffers.slot_index.data(), n_slots}, slot_expert}, calls);
  combine(step, buffers, down, w.n_used, out);
}

}  // namespace wattle
