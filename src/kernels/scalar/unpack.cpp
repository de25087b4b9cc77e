// SPDX-License-Identifier: Apache-2.0
#include "kernels/scalar/unpack.h"

#include <cmath>

#include "base/half.h"

namespace wattle::kernels::scalar {
namespace {

using namespace quant;

// Nibble i of a run of 32: byte i % 16, low half first.
int nibble(const uint8_t* qs, int i) noexcept { return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4; }

int bit(const uint8_t* bytes, int i) noexcept { return bytes[i / 8] >> (i % 8) & 1; }

// Code(i) gives q of element i, in [-128, 127].
template <class Code>
void codes(int n, Unpacked& out, Code code) noexcept {
  for (int i = 0; i < n; ++i) out.q[i] = static_cast<int8_t>(code(i));
}

void one_group(Unpacked& out, float scale, float min) noexcept {
  out.scale[0] = scale;
  out.min[0] = min;
}

// 6-bit scales and minimums of the 8 groups of Q4_K and Q5_K: the first four in the low bits of a
// byte each, the others as a nibble with its two high bits stored above those of the first four.
void scales_k45(const uint8_t* s, float d, float dmin, Unpacked& out) noexcept {
  for (int g = 0; g < 8; ++g) {
    const int scale = g < 4 ? s[g] & 63 : (s[g + 4] & 15) | (s[g - 4] >> 6) << 4;
    const int min = g < 4 ? s[g + 4] & 63 : s[g + 4] >> 4 | (s[g] >> 6) << 4;
    out.scale[g] = d * static_cast<float>(scale);
    out.min[g] = -dmin * static_cast<float>(min);
  }
}

}  // namespace

void unpack(const BlockQ4_0& b, Unpacked& out) noexcept {
  codes(32, out, [&](int i) { return nibble(b.qs, i) - 8; });
  one_group(out, f16_to_f32(b.d), 0);
}

void unpack(const BlockQ4_1& b, Unpacked& out) noexcept {
  codes(32, out, [&](int i) { return nibble(b.qs, i); });
  one_group(out, f16_to_f32(b.d), f16_to_f32(b.m));
}

void unpack(const BlockQ5_0& b, Unpacked& out) noexcept {
  codes(32, out, [&](int i) { return (nibble(b.qs, i) | bit(b.qh, i) << 4) - 16; });
  one_group(out, f16_to_f32(b.d), 0);
}

void unpack(const BlockQ5_1& b, Unpacked& out) noexcept {
  codes(32, out, [&](int i) { return nibble(b.qs, i) | bit(b.qh, i) << 4; });
  one_group(out, f16_to_f32(b.d), f16_to_f32(b.m));
}

void unpack(const BlockQ8_0& b, Unpacked& out) noexcept {
  codes(32, out, [&](int i) { return b.qs[i]; });
  one_group(out, f16_to_f32(b.d), 0);
}

void unpack(const BlockIQ4_NL& b, Unpacked& out) noexcept {
  codes(32, out, [&](int i) { return kIQ4Values[nibble(b.qs, i)]; });
  one_group(out, f16_to_f32(b.d), 0);
}

void unpack(const BlockMXFP4& b, Unpacked& out) noexcept {
  codes(32, out, [&](int i) { return kMXFP4DoubledValues[nibble(b.qs, i)]; });
  one_group(out, std::ldexp(1.0f, b.e - 128), 0);
}

void unpack(const BlockQ2_K& b, Unpacked& out) noexcept {
  codes(256, out, [&](int i) { return b.qs[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3; });
  for (int g = 0; g < 16; ++g) {
    out.scale[g] = f16_to_f32(b.d) * static_cast<float>(b.scales[g] & 15);
    out.min[g] = -f16_to_f32(b.dmin) * static_cast<float>(b.scales[g] >> 4);
  }
}

void unpack(const BlockQ3_K& b, Unpacked& out) noexcept {
  codes(256, out, [&](int i) {
    const int low = b.qs[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3;
    return low - 4 * (1 - (b.hmask[i % 32] >> (i / 32) & 1));
  });
  for (int g = 0; g < 16; ++g) {
    const int low = b.scales[g % 8] >> (4 * (g / 8)) & 15;
    const int high = b.scales[8 + g % 4] >> (2 * (g / 4)) & 3;
    out.scale[g] = f16_to_f32(b.d) * static_cast<float>((low | high << 4) - 32);
    out.min[g] = 0;
  }
}

void unpack(const BlockQ4_K& b, Unpacked& out) noexcept {
  codes(256, out, [&](int i) { return b.qs[32 * (i / 64) + i % 32] >> (4 * (i / 32 % 2)) & 15; });
  scales_k45(b.scales, f16_to_f32(b.d), f16_to_f32(b.dmin), out);
}

void unpack(const BlockQ5_K& b, Unpacked& out) noexcept {
  codes(256, out, [&](int i) {
    const int low = b.qs[32 * (i / 64) + i % 32] >> (4 * (i / 32 % 2)) & 15;
    return low | (b.qh[i % 32] >> (i / 32) & 1) << 4;
  });
  scales_k45(b.scales, f16_to_f32(b.d), f16_to_f32(b.dmin), out);
}

void unpack(const BlockQ6_K& b, Unpacked& out) noexcept {
  codes(256, out, [&](int i) {
    const int n = i / 128;
    const int k = i % 128 / 32;
    const int low = b.ql[64 * n + 32 * (k % 2) + i % 32] >> (4 * (k / 2)) & 15;
    const int high = b.qh[32 * n + i % 32] >> (2 * k) & 3;
    return (low | high << 4) - 32;
  });
  for (int g = 0; g < 16; ++g) {
    out.scale[g] = f16_to_f32(b.d) * static_cast<float>(b.scales[g]);
    out.min[g] = 0;
  }
}

void unpack(const BlockIQ4_XS& b, Unpacked& out) noexcept {
  codes(256, out, [&](int i) { return kIQ4Values[nibble(b.qs + 16 * (i / 32), i % 32)]; });
  for (int g = 0; g < 8; ++g) {
    const int low = b.scales_l[g / 2] >> (4 * (g % 2)) & 15;
    const int high = b.scales_h >> (2 * g) & 3;
    out.scale[g] = f16_to_f32(b.d) * static_cast<float>((low | high << 4) - 32);
    out.min[g] = 0;
  }
}

}  // namespace wattle::kernels::scalar
