// SPDX-License-Identifier: Apache-2.0
// The element-wise oracle: the formulas as written, in f64.
#include "kernels/elementwise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/half.h"
#include "kernels/half_row.h"

namespace wattle::kernels::scalar {
namespace {

void rms_norm(const float* x, const float* w, float eps, float* out, size_t n) noexcept {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  const double factor = 1.0 / std::sqrt(sum / static_cast<double>(n) + eps);
  for (size_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(x[i] * factor * (w != nullptr ? w[i] : 1.0F));
  }
}

void add(const float* a, const float* b, float* out, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) out[i] = a[i] + b[i];
}

void scale(const float* x, float factor, float* out, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) out[i] = x[i] * factor;
}

void axpy(float factor, const float* x, float* acc, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    acc[i] = static_cast<float>(acc[i] + static_cast<double>(factor) * x[i]);
  }
}

void mul(const float* a, const float* b, float* out, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) out[i] = a[i] * b[i];
}

void silu_mul(const float* gate, const float* up, float* out, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    const double x = gate[i];
    out[i] = static_cast<float>(x / (1.0 + std::exp(-x)) * up[i]);
  }
}

void gelu_mul(const float* gate, const float* up, float* out, size_t n) noexcept {
  const double factor = std::sqrt(2.0 / std::numbers::pi);
  for (size_t i = 0; i < n; ++i) {
    const double x = gate[i];
    const double tanh = std::tanh(factor * (x + 0.044715 * x * x * x));
    out[i] = static_cast<float>(0.5 * x * (1.0 + tanh) * up[i]);
  }
}

void softcap(const float* x, float cap, float* out, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(cap * std::tanh(static_cast<double>(x[i]) / cap));
  }
}

void rotate(float& a, float& b, double cos, double sin) noexcept {
  const double x = a;
  const double y = b;
  a = static_cast<float>(x * cos - y * sin);
  b = static_cast<float>(x * sin + y * cos);
}

void rope_neox(float* x, const float* cos, const float* sin, size_t n_rot) noexcept {
  const size_t half = n_rot / 2;
  for (size_t i = 0; i < half; ++i) rotate(x[i], x[i + half], cos[i], sin[i]);
}

void rope_norm(float* x, const float* cos, const float* sin, size_t n_rot) noexcept {
  for (size_t i = 0; i < n_rot / 2; ++i) rotate(x[2 * i], x[2 * i + 1], cos[i], sin[i]);
}

void softmax(float* x, size_t n) noexcept {
  const double max = *std::max_element(x, x + n);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += std::exp(x[i] - max);
  for (size_t i = 0; i < n; ++i) x[i] = static_cast<float>(std::exp(x[i] - max) / sum);
}

// By the bits, as integers: in this order NaN is above infinity, so that neither can hide.
float largest_magnitude(const float* x, size_t n) noexcept {
  uint32_t largest = 0;
  for (size_t i = 0; i < n; ++i)
    largest = std::max(largest, std::bit_cast<uint32_t>(x[i]) & 0x7fffffffU);
  return std::bit_cast<float>(largest);
}

float to_half(const float* x, size_t n, uint16_t* out) noexcept {
  const float largest = largest_magnitude(x, n);
  if (!(largest <= std::numeric_limits<float>::max())) {
    std::fill_n(out, n, uint16_t{0});
    return std::numeric_limits<float>::quiet_NaN();
  }
  const int exponent = half_row_exponent(std::bit_cast<uint32_t>(largest));
  const float up = power_of_two(exponent);
  for (size_t i = 0; i < n; ++i) out[i] = f32_to_f16(x[i] * up);
  return power_of_two(-exponent);
}

}  // namespace

constinit const ElementwiseKernels kElementwise{
    .rms_norm = rms_norm,
    .add = add,
    .scale = scale,
    .axpy = axpy,
    .mul = mul,
    .silu_mul = silu_mul,
    .gelu_mul = gelu_mul,
    .softcap = softcap,
    .rope_neox = rope_neox,
    .rope_norm = rope_norm,
    .softmax = softmax,
    .to_half = to_half,
};

}  // namespace wattle::kernels::scalar
