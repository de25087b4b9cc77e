// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding (Su et al., RoFormer).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/mat_buffer.h"
#include "model/step.h"

namespace wattle {

// neox: the pair of element i is i + n_rot / 2. norm: pairs are (2i, 2i + 1).
enum class RopeStyle : uint8_t { neox, norm };

struct RopeParams {
  double freq_base = 10000.0;
  double freq_scale = 1.0;  // linear scaling by a factor f: 1 / f
  uint32_t n_rot = 0;       // elements of a head that rotate, even
  RopeStyle style = RopeStyle::neox;
  // [n_rot / 2] divisors of the frequencies, or empty (Llama 3.1, full layers of Gemma 4).
  std::vector<float> factors = {};
};

// The angles of one kind of layer. Pair i of a row at position p turns by
// p * freq_scale * freq_base^(-2i / n_rot) / factors[i], in f64 up to the sine and cosine.
class Rope {
 public:
  Rope() = default;
  Rope(const RopeParams& params, size_t n_batch);

  // Once per step, before rotate: the angles of its rows.
  void prepare(const Step& step) noexcept;

  // In place: every head of row r of the step, [n_head * head_dim].
  void rotate(const kernels::KernelTable& kernels, size_t r, std::span<float> row,
              size_t head_dim) const noexcept;

 private:
  RopeStyle style_ = RopeStyle::neox;
  std::vector<double> frequencies_;  // [n_rot / 2]
  MatBuffer cos_buffer_;             // [n_batch, n_rot / 2]
  MatBuffer sin_buffer_;
  MatView<float> cos_;  // of the step
  MatView<float> sin_;
};

}  // namespace wattle
