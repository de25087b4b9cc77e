// SPDX-License-Identifier: Apache-2.0
// Blocks of 32 as vectors: the codes as signed bytes, and the scales beside them. Plain NEON.
// Everything in an unnamed namespace, as in all of arm/*.inl.h: each file of an instruction set
// gets its own copy and leaves none to the linker.
//
// A row is read from its begin: first the scales of a block, then its codes. A type T says
//   kMin             value = scale * code + min; else value = scale * code
//   kOffset          code = raw code - kOffset
//   kBytes           of a block
//   next_scales(at)  of the next block of four rows, one row per lane
//   next_raw(at)     the raw codes of that block of one row
// Where there is no min the mins are not set.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/arm/loads.inl.h"
#include "quant/blocks.h"

namespace wattle::kernels::arm {
namespace {

struct Codes {
  int8x16_t low;   // elements 0 to 15
  int8x16_t high;  // 16 to 31
};

struct RowScales {
  float32x4_t s;
  float32x4_t m;
};

WATTLE_INLINE Codes as_codes(uint8x16_t low, uint8x16_t high) {
  return {vreinterpretq_s8_u8(low), vreinterpretq_s8_u8(high)};
}

WATTLE_INLINE Codes minus(const Codes& codes, int8_t offset) {
  return {vsubq_s8(codes.low, vdupq_n_s8(offset)), vsubq_s8(codes.high, vdupq_n_s8(offset))};
}

// Element i from nibble i of a run of 32: the low halves of 16 bytes, then the high halves.
WATTLE_INLINE uint8x16x2_t nibbles(uint8x16_t bytes) {
  return {{vandq_u8(bytes, vdupq_n_u8(15)), vshrq_n_u8(bytes, 4)}};
}

// Nibbles and a fifth bit, bit i of the 4 bytes before them for element i: the code - 16.
WATTLE_INLINE Codes next_five_bits_minus_16(Bytes& at) {
  const uint8x16_t clear = vmvnq_u8(vreinterpretq_u8_u32(next_4(at)));
  const uint8x16_t bytes = next_16(at);
  // Which byte holds the bit of element i, and which bit it is.
  const uint8x16_t byte_of =
      vreinterpretq_u8_u64(vcombine_u64(vdup_n_u64(0), vdup_n_u64(0x0101010101010101)));
  const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
  // All ones where the bit is clear: above a nibble that is -16.
  const uint8x16_t low = vtstq_u8(vqtbl1q_u8(clear, byte_of), bit);
  const uint8x16_t high = vtstq_u8(vqtbl1q_u8(clear, vorrq_u8(byte_of, vdupq_n_u8(2))), bit);
  return as_codes(vsliq_n_u8(bytes, low, 4), vsriq_n_u8(high, bytes, 4));
}

WATTLE_INLINE Codes looked_up(const int8_t (&values)[16], uint8x16_t bytes) {
  const int8x16_t table = vld1q_s8(values);
  const uint8x16x2_t n = nibbles(bytes);
  return {vqtbl1q_s8(table, n.val[0]), vqtbl1q_s8(table, n.val[1])};
}

WATTLE_INLINE float32x4_t floats(uint16x4_t halves) {
  return vcvt_f32_f16(vreinterpret_f16_u16(halves));
}

WATTLE_INLINE float half(uint16_t bits) { return vgetq_lane_f32(floats(vdup_n_u16(bits)), 0); }

// The f16 that is next in two or four rows.
template <int kRows>
WATTLE_INLINE float32x4_t next_halves(Bytes (&at)[kRows]) {
  uint16x8_t bits = next_2(at[0]);
  bits = next_lane<1>(at[1], bits);
  if constexpr (kRows == 4) {
    bits = next_lane<2>(at[2], bits);
    bits = next_lane<3>(at[3], bits);
  }
  return floats(vget_low_u16(bits));
}

// The two f16.
template <int kRows>
WATTLE_INLINE RowScales next_pairs_of_halves(Bytes (&at)[kRows]) {
  uint32x4_t pairs = next_4(at[0]);
  pairs = next_lane<1>(at[1], pairs);
  if constexpr (kRows == 4) {
    pairs = next_lane<2>(at[2], pairs);
    pairs = next_lane<3>(at[3], pairs);
  }
  return {floats(vmovn_u32(pairs)), floats(vshrn_n_u32(pairs, 16))};
}

template <class BlockType>
struct Type32 {
  using Block = uint8_t;  // read byte by byte
  static constexpr size_t kBytes = sizeof(BlockType);
  static constexpr int kElems = 32;
  static constexpr int kGroup = 32;
  static constexpr bool kMin = false;
  static constexpr int kOffset = 0;

  WATTLE_INLINE static RowScales next_scales(Bytes (&at)[4]) {
    return {next_halves(at), vdupq_n_f32(0)};
  }
};

template <class BlockType>
struct Type32WithMin : Type32<BlockType> {
  static constexpr bool kMin = true;

  WATTLE_INLINE static RowScales next_scales(Bytes (&at)[4]) { return next_pairs_of_halves(at); }
};

WATTLE_INLINE Codes next_nibbles(Bytes& at) {
  const uint8x16x2_t n = nibbles(next_16(at));
  return as_codes(n.val[0], n.val[1]);
}

struct Q4_0 : Type32<quant::BlockQ4_0> {
  static constexpr int kOffset = 8;
  WATTLE_INLINE static Codes next_raw(Bytes& at) { return next_nibbles(at); }
};

struct Q4_1 : Type32WithMin<quant::BlockQ4_1> {
  WATTLE_INLINE static Codes next_raw(Bytes& at) { return next_nibbles(at); }
};

struct Q5_0 : Type32<quant::BlockQ5_0> {
  WATTLE_INLINE static Codes next_raw(Bytes& at) { return next_five_bits_minus_16(at); }
};

struct Q5_1 : Type32WithMin<quant::BlockQ5_1> {
  static constexpr int kOffset = -16;
  WATTLE_INLINE static Codes next_raw(Bytes& at) { return next_five_bits_minus_16(at); }
};

struct Q8_0 : Type32<quant::BlockQ8_0> {
  WATTLE_INLINE static Codes next_raw(Bytes& at) {
    const uint8x16x2_t bytes = next_32(at);
    return as_codes(bytes.val[0], bytes.val[1]);
  }
};

struct IQ4_NL : Type32<quant::BlockIQ4_NL> {
  WATTLE_INLINE static Codes next_raw(Bytes& at) {
    return looked_up(quant::kIQ4Values, next_16(at));
  }
};

struct MXFP4 : Type32<quant::BlockMXFP4> {
  WATTLE_INLINE static Codes next_raw(Bytes& at) {
    return looked_up(quant::kMXFP4DoubledValues, next_16(at));
  }

  // 2^(e - 128), half of what the type says, as the codes are doubled. The exponents 0 and 1 are
  // subnormal: 2^21 and 2^22 as bits; from there on e - 1 is the exponent field.
  WATTLE_INLINE static RowScales next_scales(Bytes (&at)[4]) {
    uint8x16_t bytes = next_1(at[0]);
    bytes = next_lane<4>(at[1], bytes);
    bytes = next_lane<8>(at[2], bytes);
    bytes = next_lane<12>(at[3], bytes);
    const uint32x4_t e = vreinterpretq_u32_u8(bytes);
    const uint32x4_t normal = vshlq_n_u32(vsubq_u32(e, vdupq_n_u32(1)), 23);
    const uint32x4_t subnormal = vshlq_u32(vdupq_n_u32(1U << 21), vreinterpretq_s32_u32(e));
    const uint32x4_t bits = vbslq_u32(vcltq_u32(e, vdupq_n_u32(2)), subnormal, normal);
    return {vreinterpretq_f32_u32(bits), vdupq_n_f32(0)};
  }
};

}  // namespace
}  // namespace wattle::kernels::arm
