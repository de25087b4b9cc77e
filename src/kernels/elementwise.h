// SPDX-License-Identifier: Apache-2.0
// The element-wise kernels of one kernel set: what a model does between its matrix products.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wattle::kernels {

// n counts floats. Unless said otherwise `out` may be one of the inputs, otherwise they must not
// overlap; nothing needs alignment. Arithmetic is IEEE: a NaN in gives a NaN out, infinities follow
// the formula as written (silu(-inf) = -inf * 0 is NaN). Element i of add, scale, axpy and mul
// depends on element i of the inputs only; the sums of rms_norm and softmax have one fixed order
// per kernel set and n. Fast sets agree with scalar within the bounds of
// tests/kernels/elementwise_test.cpp.
struct ElementwiseKernels {
  // out = x / sqrt(mean(x^2) + eps) * w; w may be null (no weight).
  void (*rms_norm)(const float* x, const float* w, float eps, float* out, size_t n) noexcept;
  void (*add)(const float* a, const float* b, float* out, size_t n) noexcept;
  void (*scale)(const float* x, float factor, float* out, size_t n) noexcept;
  // acc += factor * x
  void (*axpy)(float factor, const float* x, float* acc, size_t n) noexcept;
  void (*mul)(const float* a, const float* b, float* out, size_t n) noexcept;
  // out = silu(gate) * up, gelu_tanh(gate) * up, where silu(x) = x / (1 + exp(-x)) and
  // gelu_tanh(x) = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))).
  void (*silu_mul)(const float* gate, const float* up, float* out, size_t n) noexcept;
  void (*gelu_mul)(const float* gate, const float* up, float* out, size_t n) noexcept;
  // out = cap * tanh(x / cap)
  void (*softcap)(const float* x, float cap, float* out, size_t n) noexcept;
  // Rotates the first n_rot elements of one head in place. cos, sin: [n_rot / 2].
  // neox: pairs (i, i + n_rot/2); norm: pairs (2i, 2i + 1).
  void (*rope_neox)(float* x, const float* cos, const float* sin, size_t n_rot) noexcept;
  void (*rope_norm)(float* x, const float* cos, const float* sin, size_t n_rot) noexcept;
  // In place: exp(x - max) / sum. n > 0; entries of -inf become 0, but not all may be -inf.
  void (*softmax)(float* x, size_t n) noexcept;
  // out[i] = x[i] / s as f16, rounded to nearest, for the power of two s that is returned: the one
  // that brings the largest magnitude just below 2^15 (1 where all of x is 0). No digit changes,
  // nothing overflows, and what is 2^28 times smaller than the largest still has all 11 bits; less
  // where the largest is below 2^-98 (half_row.h). Where an element is not finite: zeros, and a
  // NaN. Every set gives the same bits.
  float (*to_half)(const float* x, size_t n, uint16_t* out) noexcept;
};

// f64 inside, one rounding at the end of each element: the oracle, and the `reference` set too.
namespace scalar {
extern const ElementwiseKernels kElementwise;
}
// One source, simd/elementwise.inl.h, compiled for each.
namespace avx2 {
extern const ElementwiseKernels kElementwise;
}
namespace avx512 {
extern const ElementwiseKernels kElementwise;
}
namespace neon {
extern const ElementwiseKernels kElementwise;
}

}  // namespace wattle::kernels
