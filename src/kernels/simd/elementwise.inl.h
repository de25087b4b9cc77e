// SPDX-License-Identifier: Apache-2.0
// The element-wise kernels over Vec. Included once per instruction set, after math.inl.h.
// The tail of an array runs through the same vector code with some lanes unused, so the place of an
// element never changes its result.
#pragma once

#include "kernels/elementwise.h"
#include "kernels/half_row.h"

namespace wattle::kernels::WATTLE_SIMD {
namespace {

// out[i] = fn(a[i]), fn(a[i], b[i])
template <class Fn>
inline void map(const float* a, float* out, size_t n, Fn fn) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, fn(load(a + i)));
  if (i < n) store_part(out + i, n - i, fn(load_part(a + i, n - i)));
}
template <class Fn>
inline void map(const float* a, const float* b, float* out, size_t n, Fn fn) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, fn(load(a + i), load(b + i)));
  if (i < n) {
    store_part(out + i, n - i, fn(load_part(a + i, n - i), load_part(b + i, n - i)));
  }
}

float sum_of_squares(const float* x, size_t n) {
  Vec acc[4] = {broadcast(0), broadcast(0), broadcast(0), broadcast(0)};
  size_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (size_t k = 0; k < 4; ++k) {
      const Vec v = load(x + i + k * kLanes);
      acc[k] = fma(v, v, acc[k]);
    }
  }
  for (; i + kLanes <= n; i += kLanes) {
    const Vec v = load(x + i);
    acc[0] = fma(v, v, acc[0]);
  }
  if (i < n) {
    const Vec v = load_part(x + i, n - i);
    acc[1] = fma(v, v, acc[1]);
  }
  return sum((acc[0] + acc[1]) + (acc[2] + acc[3]));
}

void rms_norm(const float* x, const float* w, float eps, float* out, size_t n) noexcept {
  const float mean = sum_of_squares(x, n) / static_cast<float>(n);
  const Vec factor = broadcast(1.0F / __builtin_sqrtf(mean + eps));
  if (w == nullptr) {
    map(x, out, n, [=](Vec v) { return v * factor; });
  } else {
    map(x, w, out, n, [=](Vec v, Vec weight) { return v * factor * weight; });
  }
}

void add(const float* a, const float* b, float* out, size_t n) noexcept {
  map(a, b, out, n, [](Vec x, Vec y) { return x + y; });
}

void scale(const float* x, float factor, float* out, size_t n) noexcept {
  map(x, out, n, [f = broadcast(factor)](Vec v) { return v * f; });
}

void axpy(float factor, const float* x, float* acc, size_t n) noexcept {
  map(x, acc, acc, n, [f = broadcast(factor)](Vec v, Vec a) { return fma(f, v, a); });
}

void mul(const float* a, const float* b, float* out, size_t n) noexcept {
  map(a, b, out, n, [](Vec x, Vec y) { return x * y; });
}

void silu_mul(const float* gate, const float* up, float* out, size_t n) noexcept {
  map(gate, up, out, n,
      [](Vec x, Vec u) { return x / (broadcast(1.0F) + exp(broadcast(0.0F) - x)) * u; });
}

// x / 2 * (1 + tanh(y)) = x / (1 + e^-2y), which loses nothing where tanh is near -1.
void gelu_mul(const float* gate, const float* up, float* out, size_t n) noexcept {
  map(gate, up, out, n, [](Vec x, Vec u) {
    const Vec minus_2y =  // -2 sqrt(2 / pi) (x + 0.044715 x^3)
        x * fma(x * x, broadcast(-0.0713548163F), broadcast(-1.59576912F));
    return x / (broadcast(1.0F) + exp(minus_2y)) * u;
  });
}

void softcap(const float* x, float cap, float* out, size_t n) noexcept {
  map(x, out, n, [c = broadcast(cap)](Vec v) { return c * tanh(v / c); });
}

// ---- rope ----

void rope_neox(float* x, const float* cos, const float* sin, size_t n_rot) noexcept {
  const size_t half = n_rot / 2;
  size_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const Vec a = load(x + i), b = load(x + half + i);
    const Vec c = load(cos + i), s = load(sin + i);
    store(x + i, a * c - b * s);
    store(x + half + i, a * s + b * c);
  }
  if (const size_t rest = half - i; rest > 0) {
    const Vec a = load_part(x + i, rest), b = load_part(x + half + i, rest);
    const Vec c = load_part(cos + i, rest), s = load_part(sin + i, rest);
    store_part(x + i, rest, a * c - b * s);
    store_part(x + half + i, rest, a * s + b * c);
  }
}

void rope_norm(float* x, const float* cos, const float* sin, size_t n_rot) noexcept {
  const size_t half = n_rot / 2;
  size_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    Vec a, b;
    load_pairs(x + 2 * i, a, b);
    const Vec c = load(cos + i), s = load(sin + i);
    store_pairs(x + 2 * i, a * c - b * s, a * s + b * c);
  }
  for (; i < half; ++i) {
    const float a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = a * cos[i] - b * sin[i];
    x[2 * i + 1] = a * sin[i] + b * cos[i];
  }
}

// ---- softmax ----

void softmax(float* x, size_t n) noexcept {
  const float lowest = -__builtin_inff();
  Vec max_v = broadcast(lowest);
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) max_v = max(max_v, load(x + i));
  if (i < n) max_v = max(max_v, load_part(x + i, n - i, lowest));
  const Vec top = broadcast(max(max_v));

  Vec sum_v = broadcast(0);
  for (i = 0; i + kLanes <= n; i += kLanes) {
    const Vec e = exp(load(x + i) - top);
    store(x + i, e);
    sum_v = sum_v + e;
  }
  if (i < n) {
    const Vec e = exp(load_part(x + i, n - i, lowest) - top);
    store_part(x + i, n - i, e);
    sum_v = sum_v + e;
  }
  scale(x, 1.0F / sum(sum_v), x, n);
}

// By the bits, as integers: in this order NaN is above infinity, so that neither can hide.
inline uint32_t largest_magnitude(const float* x, size_t n) noexcept {
  constexpr size_t kAtOnce = 4;
  Vec largest[kAtOnce];
  for (Vec& v : largest) v = broadcast(0);
  size_t i = 0;
  for (; i + kAtOnce * kLanes <= n; i += kAtOnce * kLanes) {
    for (size_t j = 0; j < kAtOnce; ++j)
      largest[j] = max_bits(largest[j], abs(load(x + i + j * kLanes)));
  }
  for (; i + kLanes <= n; i += kLanes) largest[0] = max_bits(largest[0], abs(load(x + i)));
  if (i < n) largest[0] = max_bits(largest[0], abs(load_part(x + i, n - i)));
  return max_bits(max_bits(max_bits(largest[0], largest[1]), max_bits(largest[2], largest[3])));
}

float to_half(const float* x, size_t n, uint16_t* out) noexcept {
  const uint32_t largest = largest_magnitude(x, n);
  constexpr uint32_t kInfinity = 0x7f800000;
  if (largest >= kInfinity) {
    __builtin_memset(out, 0, n * sizeof(uint16_t));
    return __builtin_nanf("");
  }
  const int exponent = half_row_exponent(largest);
  const Vec up = broadcast(power_of_two(exponent));
  constexpr size_t kAtOnce = 4;
  size_t i = 0;
  for (; i + kAtOnce * kLanes <= n; i += kAtOnce * kLanes) {
    for (size_t j = 0; j < kAtOnce * kLanes; j += kLanes)
      store_f16(out + i + j, load(x + i + j) * up);
  }
  for (; i + kLanes <= n; i += kLanes) store_f16(out + i, load(x + i) * up);
  if (i < n) {
    uint16_t rest[kLanes];
    store_f16(rest, load_part(x + i, n - i) * up);
    __builtin_memcpy(out + i, rest, (n - i) * sizeof(uint16_t));
  }
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

}  // namespace wattle::kernels::WATTLE_SIMD
