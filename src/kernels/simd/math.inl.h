// SPDX-License-Identifier: Apache-2.0
// exp and tanh over a Vec. Included once per instruction set, after its vec_*.h, with WATTLE_SIMD
// defined as its namespace.
#pragma once

namespace wattle::kernels::WATTLE_SIMD {
namespace {

// e^x = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2. The polynomial for e^r is minimax of degree
// 6 (relative error 3e-9), so that rounding decides: 1 ulp or so. Below -87.7 the result is 0,
// above 88.4 infinite; a NaN stays.
inline Vec exp(Vec x) {
  const Vec shift = broadcast(0x1.8p23F);  // adding it rounds to an integer, left in the low bits
  const Vec clamped = min(broadcast(89.0F), max(broadcast(-88.1F), x));
  const Vec shifted = fma(clamped, broadcast(0x1.715476p0F), shift);
  const Vec n = shifted - shift;
  // ln 2 in two parts: n times the first, of 15 bits, is exact.
  Vec r = fma(n, broadcast(-0x1.62e4p-1F), clamped);
  r = fma(n, broadcast(-0x1.7f7d1cp-20F), r);
  Vec p = broadcast(0.00138145986F);
  p = fma(p, r, broadcast(0.00836871688F));
  p = fma(p, r, broadcast(0.0416683880F));
  p = fma(p, r, broadcast(0.166665206F));
  p = fma(p, r, broadcast(0.499999934F));
  p = fma(p * r, r, r) + broadcast(1.0F);
  return p * pow2_of_low_bits(shifted);
}

// Odd minimax polynomial (relative error 5e-9) up to 0.625, 1 - 2 / (e^2x + 1) beyond.
inline Vec tanh(Vec x) {
  const Vec one = broadcast(1.0F);
  const Vec z = x * x;
  Vec p = broadcast(-0.00570498699F);
  p = fma(p, z, broadcast(0.0206390872F));
  p = fma(p, z, broadcast(-0.0537397151F));
  p = fma(p, z, broadcast(0.133314422F));
  p = fma(p, z, broadcast(-0.333332819F));
  const Vec small = fma(p * z, x, x);
  const Vec large = one - broadcast(2.0F) / (exp(x + x) + one);
  return select_less(abs(x), broadcast(0.625F), small, large);
}

}  // namespace
}  // namespace wattle::kernels::WATTLE_SIMD
