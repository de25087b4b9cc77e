// SPDX-License-Identifier: Apache-2.0
// Each block type as vectors: 32 codes at a time as signed bytes, and the scales beside them. Plain
// NEON. Everything in an unnamed namespace, as in all of arm/*.inl.h: each file of an instruction
// set gets its own copy and leaves none to the linker.
//
// A type T says
//   kElems, kGroup   elements of a block, and of a group with its own scale
//   kMin             value = scale * code + min; else value = scale * code
//   codes(b, sub)    the codes of elements [32 sub, 32 sub + 32), offset already taken off
// and for blocks of 32 elements
//   kOffset, raw(b)  the codes with the offset still on, where that is cheaper: code = raw - offset
//   scales(w, g)     of block g of four rows, one row per lane
// or for blocks of 256
//   scales(b)        of the block's groups, four per vector
// Where there is no min the mins are not set.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace wattle::kernels::arm {
namespace {

#define WATTLE_INLINE [[gnu::always_inline]] inline

struct Codes {
  int8x16_t low;   // elements 0 to 15
  int8x16_t high;  // 16 to 31
};

struct RowScales {
  float32x4_t s;
  float32x4_t m;
};

struct SuperScales {
  float32x4_t s[4];  // groups of 32 fill the first two
  float32x4_t m[4];
};

WATTLE_INLINE Codes as_codes(uint8x16_t low, uint8x16_t high) {
  return {vreinterpretq_s8_u8(low), vreinterpretq_s8_u8(high)};
}

// Element i from nibble i of a run of 32: the low halves of 16 bytes, then the high halves.
WATTLE_INLINE uint8x16x2_t nibbles(const uint8_t* qs) {
  const uint8x16_t bytes = vld1q_u8(qs);
  return {{vandq_u8(bytes, vdupq_n_u8(15)), vshrq_n_u8(bytes, 4)}};
}

// Nibbles with a fifth bit: bit i of qh for element i.
WATTLE_INLINE Codes five_bits(const uint8_t* qs, const uint8_t* qh) {
  uint32_t bits;
  __builtin_memcpy(&bits, qh, sizeof bits);
  const uint8x16_t bytes = vreinterpretq_u8_u32(vdupq_n_u32(bits));
  // Which byte holds the bit of element i, and which bit it is.
  const uint8x16_t byte_of =
      vreinterpretq_u8_u64(vcombine_u64(vdup_n_u64(0), vdup_n_u64(0x0101010101010101)));
  const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
  const uint8x16x2_t n = nibbles(qs);
  const auto with_fifth = [&](uint8x16_t nibble, uint8x16_t of) {
    const uint8x16_t is_set = vtstq_u8(vqtbl1q_u8(bytes, of), bit);
    return vbslq_u8(vdupq_n_u8(16), is_set, nibble);
  };
  return as_codes(with_fifth(n.val[0], byte_of),
                  with_fifth(n.val[1], vorrq_u8(byte_of, vdupq_n_u8(2))));
}

WATTLE_INLINE float32x4_t floats(uint16x4_t halves) {
  return vcvt_f32_f16(vreinterpret_f16_u16(halves));
}

// The f16 fields at `at` bytes into block g of four rows.
template <class Block>
WATTLE_INLINE float32x4_t halves(const Block* const (&w)[4], size_t g, size_t at) {
  const auto field = [&](int row) {
    return reinterpret_cast<const uint16_t*>(reinterpret_cast<const uint8_t*>(w[row] + g) + at);
  };
  uint16x4_t bits = vld1_dup_u16(field(0));
  bits = vld1_lane_u16(field(1), bits, 1);
  bits = vld1_lane_u16(field(2), bits, 2);
  bits = vld1_lane_u16(field(3), bits, 3);
  return floats(bits);
}

// The two f16 that block g of four rows begins with.
template <class Block>
WATTLE_INLINE RowScales scales_and_mins(const Block* const (&w)[4], size_t g) {
  const auto pair = [&](int row) { return reinterpret_cast<const uint32_t*>(w[row] + g); };
  uint32x4_t pairs = vld1q_dup_u32(pair(0));
  pairs = vld1q_lane_u32(pair(1), pairs, 1);
  pairs = vld1q_lane_u32(pair(2), pairs, 2);
  pairs = vld1q_lane_u32(pair(3), pairs, 3);
  const uint16x4_t low = vreinterpret_u16_u32(vget_low_u32(pairs));
  const uint16x4_t high = vreinterpret_u16_u32(vget_high_u32(pairs));
  return {floats(vuzp1_u16(low, high)), floats(vuzp2_u16(low, high))};
}

WATTLE_INLINE float half(uint16_t bits) {
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(bits))), 0);
}

// factor times each of 8 or 16 small integers.
WATTLE_INLINE void scaled(float factor, uint8x8_t x, float32x4_t* out) {
  const uint16x8_t wide = vmovl_u8(x);
  out[0] = vmulq_n_f32(vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide))), factor);
  out[1] = vmulq_n_f32(vcvtq_f32_u32(vmovl_u16(vget_high_u16(wide))), factor);
}
WATTLE_INLINE void scaled(float factor, int8x8_t x, float32x4_t* out) {
  const int16x8_t wide = vmovl_s8(x);
  out[0] = vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), factor);
  out[1] = vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide))), factor);
}

// ---- blocks of 32 ----

template <class BlockType, bool kHasMin>
struct Type32 {
  using Block = BlockType;
  static constexpr int kElems = 32;
  static constexpr int kGroup = 32;
  static constexpr bool kMin = kHasMin;
  static constexpr int kOffset = 0;

  WATTLE_INLINE static RowScales scales(const Block* const (&w)[4], size_t g) {
    if constexpr (kMin) return scales_and_mins(w, g);
    return {halves(w, g, 0), vdupq_n_f32(0)};
  }
};

WATTLE_INLINE Codes minus(const Codes& codes, int8_t offset) {
  return {vsubq_s8(codes.low, vdupq_n_s8(offset)), vsubq_s8(codes.high, vdupq_n_s8(offset))};
}

struct Q4_0 : Type32<quant::BlockQ4_0, false> {
  static constexpr int kOffset = 8;
  WATTLE_INLINE static Codes raw(const Block& b) {
    const uint8x16x2_t n = nibbles(b.qs);
    return as_codes(n.val[0], n.val[1]);
  }
  WATTLE_INLINE static Codes codes(const Block& b, int) { return minus(raw(b), kOffset); }
};

struct Q4_1 : Type32<quant::BlockQ4_1, true> {
  WATTLE_INLINE static Codes codes(const Block& b, int) {
    const uint8x16x2_t n = nibbles(b.qs);
    return as_codes(n.val[0], n.val[1]);
  }
};

struct Q5_0 : Type32<quant::BlockQ5_0, false> {
  static constexpr int kOffset = 16;
  WATTLE_INLINE static Codes raw(const Block& b) { return five_bits(b.qs, b.qh); }
  WATTLE_INLINE static Codes codes(const Block& b, int) { return minus(raw(b), kOffset); }
};

struct Q5_1 : Type32<quant::BlockQ5_1, true> {
  WATTLE_INLINE static Codes codes(const Block& b, int) { return five_bits(b.qs, b.qh); }
};

struct Q8_0 : Type32<quant::BlockQ8_0, false> {
  WATTLE_INLINE static Codes codes(const Block& b, int) {
    return {vld1q_s8(b.qs), vld1q_s8(b.qs + 16)};
  }
};

WATTLE_INLINE Codes looked_up(const int8_t (&values)[16], const uint8_t* qs) {
  const int8x16_t table = vld1q_s8(values);
  const uint8x16x2_t n = nibbles(qs);
  return {vqtbl1q_s8(table, n.val[0]), vqtbl1q_s8(table, n.val[1])};
}

struct IQ4_NL : Type32<quant::BlockIQ4_NL, false> {
  WATTLE_INLINE static Codes codes(const Block& b, int) {
    return looked_up(quant::kIQ4Values, b.qs);
  }
};

struct MXFP4 : Type32<quant::BlockMXFP4, false> {
  WATTLE_INLINE static Codes codes(const Block& b, int) {
    return looked_up(quant::kMXFP4DoubledValues, b.qs);
  }

  // 2^(e - 128), half of what the type says, as the codes are doubled. The exponents 0 and 1 are
  // subnormal: 2^21 and 2^22 as bits; from there on e - 1 is the exponent field.
  WATTLE_INLINE static RowScales scales(const Block* const (&w)[4], size_t g) {
    uint32x4_t e = vdupq_n_u32(w[0][g].e);
    e = vsetq_lane_u32(w[1][g].e, e, 1);
    e = vsetq_lane_u32(w[2][g].e, e, 2);
    e = vsetq_lane_u32(w[3][g].e, e, 3);
    const uint32x4_t normal = vshlq_n_u32(vsubq_u32(e, vdupq_n_u32(1)), 23);
    const uint32x4_t subnormal = vshlq_u32(vdupq_n_u32(1U << 21), vreinterpretq_s32_u32(e));
    const uint32x4_t bits = vbslq_u32(vcltq_u32(e, vdupq_n_u32(2)), subnormal, normal);
    return {vreinterpretq_f32_u32(bits), vdupq_n_f32(0)};
  }
};

// ---- blocks of 256 ----

template <class BlockType, int kGroupElems, bool kHasMin>
struct Type256 {
  using Block = BlockType;
  static constexpr int kElems = 256;
  static constexpr int kGroup = kGroupElems;
  static constexpr bool kMin = kHasMin;
};

// Half `upper` of 32 bytes that hold two runs of 32 nibbles.
WATTLE_INLINE uint8x16x2_t nibbles_of_32(const uint8_t* qs, bool upper) {
  const uint8x16x2_t bytes = {{vld1q_u8(qs), vld1q_u8(qs + 16)}};
  if (upper) return {{vshrq_n_u8(bytes.val[0], 4), vshrq_n_u8(bytes.val[1], 4)}};
  const uint8x16_t mask = vdupq_n_u8(15);
  return {{vandq_u8(bytes.val[0], mask), vandq_u8(bytes.val[1], mask)}};
}

// Quarter `k` of 32 bytes that hold four runs of 32 two-bit values.
WATTLE_INLINE uint8x16x2_t pairs_of_32(const uint8_t* qs, int k) {
  const int8x16_t right = vdupq_n_s8(static_cast<int8_t>(-2 * k));
  const uint8x16_t mask = vdupq_n_u8(3);
  return {{vandq_u8(vshlq_u8(vld1q_u8(qs), right), mask),
           vandq_u8(vshlq_u8(vld1q_u8(qs + 16), right), mask)}};
}

// Q4_K and Q5_K: 8 six-bit scales and minimums in 12 bytes. The first four of each are whole; the
// others are a nibble in the last four bytes and two bits above the first ones.
template <class Block>
WATTLE_INLINE SuperScales scales_k45(const Block& b) {
  uint32_t first, second, last;
  __builtin_memcpy(&first, b.scales, 4);
  __builtin_memcpy(&second, b.scales + 4, 4);
  __builtin_memcpy(&last, b.scales + 8, 4);
  const uint32_t scale[2] = {first & 0x3f3f3f3f, (last & 0x0f0f0f0f) | (first >> 2 & 0x30303030)};
  const uint32_t min[2] = {second & 0x3f3f3f3f,
                           (last >> 4 & 0x0f0f0f0f) | (second >> 2 & 0x30303030)};
  SuperScales out;
  scaled(half(b.d), vreinterpret_u8_u32(vld1_u32(scale)), out.s);
  scaled(-half(b.dmin), vreinterpret_u8_u32(vld1_u32(min)), out.m);
  return out;
}

struct Q4_K : Type256<quant::BlockQ4_K, 32, true> {
  WATTLE_INLINE static Codes codes(const Block& b, int sub) {
    const uint8x16x2_t n = nibbles_of_32(b.qs + 32 * (sub / 2), sub % 2 != 0);
    return as_codes(n.val[0], n.val[1]);
  }
  WATTLE_INLINE static SuperScales scales(const Block& b) { return scales_k45(b); }
};

struct Q5_K : Type256<quant::BlockQ5_K, 32, true> {
  WATTLE_INLINE static Codes codes(const Block& b, int sub) {
    const uint8x16x2_t n = nibbles_of_32(b.qs + 32 * (sub / 2), sub % 2 != 0);
    const uint8x16_t bit = vdupq_n_u8(static_cast<uint8_t>(1U << sub));
    const uint8x16_t fifth = vdupq_n_u8(16);
    return as_codes(vorrq_u8(n.val[0], vandq_u8(fifth, vtstq_u8(vld1q_u8(b.qh), bit))),
                    vorrq_u8(n.val[1], vandq_u8(fifth, vtstq_u8(vld1q_u8(b.qh + 16), bit))));
  }
  WATTLE_INLINE static SuperScales scales(const Block& b) { return scales_k45(b); }
};

struct Q6_K : Type256<quant::BlockQ6_K, 16, false> {
  WATTLE_INLINE static Codes codes(const Block& b, int sub) {
    const int part = sub / 4;
    const int k = sub % 4;
    const uint8x16x2_t n = nibbles_of_32(b.ql + 64 * part + 32 * (k % 2), k >= 2);
    const uint8_t* qh = b.qh + 32 * part;
    const int8x16_t to_bit_4 = vdupq_n_s8(static_cast<int8_t>(4 - 2 * k));
    const uint8x16_t mask = vdupq_n_u8(0x30);
    const uint8x16_t offset = vdupq_n_u8(32);
    const uint8x16_t low = vorrq_u8(n.val[0], vandq_u8(vshlq_u8(vld1q_u8(qh), to_bit_4), mask));
    const uint8x16_t high =
        vorrq_u8(n.val[1], vandq_u8(vshlq_u8(vld1q_u8(qh + 16), to_bit_4), mask));
    return as_codes(vsubq_u8(low, offset), vsubq_u8(high, offset));
  }
  WATTLE_INLINE static SuperScales scales(const Block& b) {
    const int8x16_t scales = vld1q_s8(b.scales);
    const float d = half(b.d);
    SuperScales out;
    scaled(d, vget_low_s8(scales), out.s);
    scaled(d, vget_high_s8(scales), out.s + 2);
    return out;
  }
};

struct Q2_K : Type256<quant::BlockQ2_K, 16, true> {
  WATTLE_INLINE static Codes codes(const Block& b, int sub) {
    const uint8x16x2_t q = pairs_of_32(b.qs + 32 * (sub / 4), sub % 4);
    return as_codes(q.val[0], q.val[1]);
  }
  WATTLE_INLINE static SuperScales scales(const Block& b) {
    const uint8x16x2_t n = nibbles(b.scales);
    const float d = half(b.d);
    const float dmin = -half(b.dmin);
    SuperScales out;
    scaled(d, vget_low_u8(n.val[0]), out.s);
    scaled(d, vget_high_u8(n.val[0]), out.s + 2);
    scaled(dmin, vget_low_u8(n.val[1]), out.m);
    scaled(dmin, vget_high_u8(n.val[1]), out.m + 2);
    return out;
  }
};

struct Q3_K : Type256<quant::BlockQ3_K, 16, false> {
  WATTLE_INLINE static Codes codes(const Block& b, int sub) {
    const uint8x16x2_t q = pairs_of_32(b.qs + 32 * (sub / 4), sub % 4);
    // Without its third bit a code is q - 4, and that is q with the upper six bits set.
    const uint8x16_t minus_4 = vdupq_n_u8(0xfc);
    const uint8x16_t bit = vdupq_n_u8(static_cast<uint8_t>(1U << sub));
    return as_codes(vorrq_u8(q.val[0], vbicq_u8(minus_4, vtstq_u8(vld1q_u8(b.hmask), bit))),
                    vorrq_u8(q.val[1], vbicq_u8(minus_4, vtstq_u8(vld1q_u8(b.hmask + 16), bit))));
  }

  // 16 six-bit scales with an offset of 32: nibbles in the first eight bytes, two bits each in the
  // last four.
  WATTLE_INLINE static SuperScales scales(const Block& b) {
    const uint8x8_t first = vld1_u8(b.scales);
    const uint8x16_t low = vcombine_u8(vand_u8(first, vdup_n_u8(15)), vshr_n_u8(first, 4));
    uint32_t last;
    __builtin_memcpy(&last, b.scales + 8, 4);
    const uint32_t right[4] = {0, 0xfefefefe, 0xfcfcfcfc, 0xfafafafa};  // 0, -2, -4, -6 in bytes
    const int8x16_t shift = vreinterpretq_s8_u32(vld1q_u32(right));
    const uint8x16_t two_bits =
        vandq_u8(vshlq_u8(vreinterpretq_u8_u32(vdupq_n_u32(last)), shift), vdupq_n_u8(3));
    const uint8x16_t six_bits = vorrq_u8(low, vshlq_n_u8(two_bits, 4));
    const int8x16_t scales = vreinterpretq_s8_u8(vsubq_u8(six_bits, vdupq_n_u8(32)));
    const float d = half(b.d);
    SuperScales out;
    scaled(d, vget_low_s8(scales), out.s);
    scaled(d, vget_high_s8(scales), out.s + 2);
    return out;
  }
};

struct IQ4_XS : Type256<quant::BlockIQ4_XS, 32, false> {
  WATTLE_INLINE static Codes codes(const Block& b, int sub) {
    return looked_up(quant::kIQ4Values, b.qs + 16 * sub);
  }

  // 8 six-bit scales with an offset of 32: a nibble and two bits each.
  WATTLE_INLINE static SuperScales scales(const Block& b) {
    int8_t scales[8];
    for (int g = 0; g < 8; ++g) {
      const int low = b.scales_l[g / 2] >> (4 * (g % 2)) & 15;
      const int high = b.scales_h >> (2 * g) & 3;
      scales[g] = static_cast<int8_t>((low | high << 4) - 32);
    }
    SuperScales out;
    scaled(half(b.d), vld1_s8(scales), out.s);
    return out;
  }
};

}  // namespace
}  // namespace wattle::kernels::arm
