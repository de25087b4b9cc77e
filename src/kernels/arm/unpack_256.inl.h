// SPDX-License-Identifier: Apache-2.0
// Blocks of 256 as vectors: the codes as signed bytes, and the scales beside them. Plain NEON. A
// type T says
//   kGroup  elements of a group with its own scale, 32 or 16
//   kMin    value = d * scale * code + neg_dmin * min; else value = d * scale * code
// with groups of 32
//   header(w)               what is beside the codes of a block of four rows, one row per lane
//   times_scale<g>(s, h)    integer sums of four rows times the scales of group g
//   min<g>(h)
//   bytes<p>(b)             what holds the codes of the groups 2 p and 2 p + 1, or most of them
//   codes<g>(b, bytes)      those of group g
// with groups of 16
//   scales(b), mins(b)      the integers of all 16 groups
//   next_factors(at)        d and neg_dmin of a few rows, one row per lane. They are the end of a
//                           block: `at` goes from them to the next block
//   bytes<p>(b)             what holds the codes of elements [128 p, 128 p + 128)
//   raw<p>(bytes, h)        the raw codes of half of them
//   kOffset                 code = raw code - kOffset
//   kMultiplied             -code * scale fits a byte, so a tile of many rows holds those products
//                           (pack_q8.inl.h). Without the minus Q3_K has 128, which does not fit
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/arm/unpack_32.inl.h"
#include "quant/blocks.h"

namespace wattle::kernels::arm {
namespace {

template <class BlockType, int kGroupElems, bool kHasMin>
struct Type256 {
  using Block = BlockType;
  static constexpr int kElems = 256;
  static constexpr int kGroup = kGroupElems;
  static constexpr bool kMin = kHasMin;
};

// ---- groups of 32 ----

// Of four rows. Four groups are the bytes of a lane.
struct FourHeaders {
  uint8x16_t scales[2];
  uint8x16_t mins[2];
  float32x4_t d;
  float32x4_t neg_dmin;
};

// Byte k of each lane.
template <int k>
WATTLE_INLINE uint32x4_t byte_of_lanes(uint8x16_t v) {
  const uint32x4_t lanes = vreinterpretq_u32_u8(v);
  const uint32x4_t mask = vdupq_n_u32(255);
  if constexpr (k == 0) return vandq_u32(lanes, mask);
  if constexpr (k == 3) return vshrq_n_u32(lanes, 24);
  if constexpr (k == 1 || k == 2) return vandq_u32(vshrq_n_u32(lanes, 8 * k), mask);
}

// The same byte left where it is: 2^(8 k) times as much.
template <int k>
WATTLE_INLINE uint32x4_t byte_in_place(uint8x16_t v) {
  return vandq_u32(vreinterpretq_u32_u8(v), vdupq_n_u32(255U << 8 * k));
}

// The codes of a group are the low or high nibbles of 32 bytes.
template <bool kHigh>
WATTLE_INLINE Codes nibbles_of_32(const uint8x16x2_t& bytes) {
  if constexpr (kHigh) return as_codes(vshrq_n_u8(bytes.val[0], 4), vshrq_n_u8(bytes.val[1], 4));
  const uint8x16_t mask = vdupq_n_u8(15);
  return as_codes(vandq_u8(bytes.val[0], mask), vandq_u8(bytes.val[1], mask));
}

template <class BlockType>
struct TypeK45 : Type256<BlockType, 32, true> {
  using Block = BlockType;

  // d, dmin, and 8 six-bit scales and minimums in 12 bytes. The first four of each are whole; the
  // others are a nibble in the last four bytes and two bits above the first ones.
  WATTLE_INLINE static FourHeaders header(const Block* const (&w)[4]) {
    uint32x4_t rows[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) rows[i] = vld1q_u32(reinterpret_cast<const uint32_t*>(w[i]));
    const auto transposed = [](uint32x4_t even, uint32x4_t odd, auto halves) {
      return vreinterpretq_u32_u64(halves(vreinterpretq_u64_u32(even), vreinterpretq_u64_u32(odd)));
    };
    const auto low = [](auto x, auto y) { return vtrn1q_u64(x, y); };
    const auto high = [](auto x, auto y) { return vtrn2q_u64(x, y); };
    const uint32x4_t even[2] = {vtrn1q_u32(rows[0], rows[1]), vtrn1q_u32(rows[2], rows[3])};
    const uint32x4_t odd[2] = {vtrn2q_u32(rows[0], rows[1]), vtrn2q_u32(rows[2], rows[3])};
    const uint32x4_t pairs = transposed(even[0], even[1], low);
    const uint8x16_t first = vreinterpretq_u8_u32(transposed(odd[0], odd[1], low));
    const uint8x16_t second = vreinterpretq_u8_u32(transposed(even[0], even[1], high));
    const uint8x16_t last = vreinterpretq_u8_u32(transposed(odd[0], odd[1], high));

    const uint8x16_t six_bits = vdupq_n_u8(63);
    FourHeaders h;
    h.scales[0] = vandq_u8(first, six_bits);
    h.mins[0] = vandq_u8(second, six_bits);
    h.scales[1] = vsliq_n_u8(last, vshrq_n_u8(first, 6), 4);
    h.mins[1] = vsliq_n_u8(vshrq_n_u8(last, 4), vshrq_n_u8(second, 6), 4);
    h.d = floats(vmovn_u32(pairs));
    h.neg_dmin = vnegq_f32(floats(vshrn_n_u32(pairs, 16)));
    return h;
  }
  // A byte in place spares a shift. Times a sum of 32 codes of five bits, the second of a lane
  // still fits: 31 * 127 * 32 * 63 * 256 < 2^31.
  template <int kGroup>
  WATTLE_INLINE static float32x4_t times_scale(int32x4_t sums, const FourHeaders& h) {
    const uint8x16_t bytes = h.scales[kGroup / 4];
    if constexpr (kGroup % 4 == 1) {
      const uint32x4_t scales = byte_in_place<1>(bytes);
      return vcvtq_n_f32_s32(vmulq_s32(sums, vreinterpretq_s32_u32(scales)), 8);
    } else {
      const uint32x4_t scales = byte_of_lanes<kGroup % 4>(bytes);
      return vcvtq_f32_s32(vmulq_s32(sums, vreinterpretq_s32_u32(scales)));
    }
  }
  template <int kGroup>
  WATTLE_INLINE static float32x4_t min(const FourHeaders& h) {
    const uint8x16_t bytes = h.mins[kGroup / 4];
    if constexpr (kGroup % 4 == 1) return vcvtq_n_f32_u32(byte_in_place<1>(bytes), 8);
    if constexpr (kGroup % 4 == 2) return vcvtq_n_f32_u32(byte_in_place<2>(bytes), 16);
    if constexpr (kGroup % 4 % 3 == 0) return vcvtq_f32_u32(byte_of_lanes<kGroup % 4>(bytes));
  }
};

struct Q4_K : TypeK45<quant::BlockQ4_K> {
  template <int kPair>
  WATTLE_INLINE static uint8x16x2_t bytes(const Block* b) {
    return load_32<offsetof(Block, qs) + 32 * kPair>(b);
  }
  template <int kGroup>
  WATTLE_INLINE static Codes codes(const Block*, const uint8x16x2_t& bytes) {
    constexpr bool kHigh = kGroup % 2 != 0;
    return nibbles_of_32<kHigh>(bytes);
  }
};

struct Q5_K : TypeK45<quant::BlockQ5_K> {
  template <int kPair>
  WATTLE_INLINE static uint8x16x2_t bytes(const Block* b) {
    return load_32<offsetof(Block, qs) + 32 * kPair>(b);
  }
  template <int kGroup>
  WATTLE_INLINE static Codes codes(const Block* b, const uint8x16x2_t& bytes) {
    const uint8x16x2_t qh = load_32<offsetof(Block, qh)>(b);
    return as_codes(with_fifth<kGroup>(bytes.val[0], qh.val[0]),
                    with_fifth<kGroup>(bytes.val[1], qh.val[1]));
  }

 private:
  // The low or high nibbles with bit kGroup of qh above: moved there, and what is beside it
  // cleared.
  template <int kGroup>
  WATTLE_INLINE static uint8x16_t with_fifth(uint8x16_t nibbles, uint8x16_t qh) {
    if constexpr (kGroup == 0) {
      return vsliq_n_u8(nibbles, vandq_u8(qh, vdupq_n_u8(1)), 4);
    } else if constexpr (kGroup % 2 == 0) {
      return vsliq_n_u8(nibbles, vandq_u8(vshrq_n_u8(qh, kGroup), vdupq_n_u8(1)), 4);
    } else {
      const uint8x16_t bit = vandq_u8(moved_to_4<kGroup>(qh), vdupq_n_u8(16));
      return vsriq_n_u8(bit, nibbles, 4);
    }
  }

  template <int kBit>
  WATTLE_INLINE static uint8x16_t moved_to_4(uint8x16_t bytes) {
    if constexpr (kBit < 4) {
      return vshlq_n_u8(bytes, 4 - kBit);
    } else {
      return vshrq_n_u8(bytes, kBit - 4);
    }
  }
};

struct IQ4_XS : Type256<quant::BlockIQ4_XS, 32, false> {
  template <int kPair>
  WATTLE_INLINE static uint8x16x2_t bytes(const Block* b) {
    return load_32<32 * kPair>(b->qs);
  }
  template <int kGroup>
  WATTLE_INLINE static Codes codes(const Block*, const uint8x16x2_t& bytes) {
    return looked_up(quant::kIQ4Values, bytes.val[kGroup % 2]);
  }

  // 8 six-bit scales with an offset of 32: a nibble each in four bytes, two bits each in the two
  // bytes before them. Even groups first.
  WATTLE_INLINE static FourHeaders header(const Block* const (&w)[4]) {
    uint64x2_t rows[2];
    for (int i = 0; i < 2; ++i) {
      rows[i] = vld1q_dup_u64(reinterpret_cast<const uint64_t*>(w[2 * i]));
      rows[i] = vld1q_lane_u64(reinterpret_cast<const uint64_t*>(w[2 * i + 1]), rows[i], 1);
    }
    const uint32x4_t words[2] = {
        vuzp1q_u32(vreinterpretq_u32_u64(rows[0]), vreinterpretq_u32_u64(rows[1])),
        vuzp2q_u32(vreinterpretq_u32_u64(rows[0]), vreinterpretq_u32_u64(rows[1]))};
    const uint8x16_t nibbles = vreinterpretq_u8_u32(words[1]);
    const uint8x16_t byte_of =
        vreinterpretq_u8_u32(uint32x4_t{0x03030202, 0x07070606, 0x0b0b0a0a, 0x0f0f0e0e});
    const int8x16_t right = vreinterpretq_s8_u32(vdupq_n_u32(0xfc00fc00));  // 0 and -4 in bytes
    const uint8x16_t bits = vshlq_u8(vqtbl1q_u8(vreinterpretq_u8_u32(words[0]), byte_of), right);
    FourHeaders h;
    h.scales[0] = vsliq_n_u8(nibbles, vandq_u8(bits, vdupq_n_u8(3)), 4);
    h.scales[1] = vsriq_n_u8(vandq_u8(vshlq_n_u8(bits, 2), vdupq_n_u8(0x30)), nibbles, 4);
    h.d = floats(vmovn_u32(words[0]));
    return h;
  }
  template <int kGroup>
  WATTLE_INLINE static float32x4_t times_scale(int32x4_t sums, const FourHeaders& h) {
    const uint32x4_t six_bits = byte_of_lanes<kGroup / 2>(h.scales[kGroup % 2]);
    const int32x4_t scales = vsubq_s32(vreinterpretq_s32_u32(six_bits), vdupq_n_s32(32));
    return vcvtq_f32_s32(vmulq_s32(sums, scales));
  }
};

// ---- groups of 16 ----

// run[k]: elements 32 k + 16 h + [0, 16) of a part, which is half a block.
struct FourRuns {
  int8x16_t run[4];
};

template <class BlockType, bool kHasMin>
struct TypeOfGroups16 : Type256<BlockType, 16, kHasMin> {
  // Without a min.
  template <int kRows>
  WATTLE_INLINE static RowScales next_factors(Bytes (&at)[kRows]) {
    return {next_halves(at), vdupq_n_f32(0)};
  }
};

struct Q6_K : TypeOfGroups16<quant::BlockQ6_K, false> {
  static constexpr int kOffset = 32;
  static constexpr bool kMultiplied = false;

  struct Part {
    uint8x16x2_t first;
    uint8x16x2_t second;
    uint8x16x2_t qh;
  };
  template <int kPart>
  WATTLE_INLINE static Part bytes(const Block* b) {
    return {load_32<offsetof(Block, ql) + 64 * kPart>(b),
            load_32<offsetof(Block, ql) + 64 * kPart + 32>(b),
            load_32<offsetof(Block, qh) + 32 * kPart>(b)};
  }
  // Two bits of qh above each nibble. Where a nibble is inserted decides what need be cleared.
  template <int kPart>
  WATTLE_INLINE static FourRuns raw(const Part& part, int h) {
    const uint8x16_t two_bits = vdupq_n_u8(3);
    const uint8x16_t first = part.first.val[h];
    const uint8x16_t second = part.second.val[h];
    const uint8x16_t qh = part.qh.val[h];
    const uint8x16_t k2 = vsriq_n_u8(vandq_u8(qh, vdupq_n_u8(63)), first, 4);
    const uint8x16_t k0 = vsliq_n_u8(first, vandq_u8(qh, two_bits), 4);
    const uint8x16_t upper = vshrq_n_u8(qh, 2);
    const uint8x16_t of_second = vandq_u8(upper, two_bits);
    const uint8x16_t k3 = vsriq_n_u8(upper, second, 4);
    const uint8x16_t k1 = vsliq_n_u8(second, of_second, 4);
    return {{vreinterpretq_s8_u8(k0), vreinterpretq_s8_u8(k1), vreinterpretq_s8_u8(k2),
             vreinterpretq_s8_u8(k3)}};
  }
  WATTLE_INLINE static int8x16_t scales(const Block* b) { return vld1q_s8(b->scales); }
};

struct Q2_K : TypeOfGroups16<quant::BlockQ2_K, true> {
  static constexpr int kOffset = 0;
  static constexpr bool kMultiplied = true;

  template <int kPart>
  WATTLE_INLINE static uint8x16x2_t bytes(const Block* b) {
    return load_32<offsetof(Block, qs) + 32 * kPart>(b);
  }
  template <int kPart>
  WATTLE_INLINE static FourRuns raw(const uint8x16x2_t& bytes, int h) {
    const uint8x16_t four = bytes.val[h];
    const uint8x16_t mask = vdupq_n_u8(3);
    return {{vreinterpretq_s8_u8(vandq_u8(four, mask)),
             vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(four, 2), mask)),
             vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(four, 4), mask)),
             vreinterpretq_s8_u8(vshrq_n_u8(four, 6))}};
  }
  // Scales in the low nibbles, minimums in the high ones.
  WATTLE_INLINE static int8x16_t scales(const Block* b) {
    return vreinterpretq_s8_u8(vandq_u8(vld1q_u8(b->scales), vdupq_n_u8(15)));
  }
  WATTLE_INLINE static int8x16_t mins(const Block* b) {
    return vreinterpretq_s8_u8(vshrq_n_u8(vld1q_u8(b->scales), 4));
  }
  template <int kRows>
  WATTLE_INLINE static RowScales next_factors(Bytes (&at)[kRows]) {
    const RowScales factors = next_pairs_of_halves(at);
    return {factors.s, vnegq_f32(factors.m)};
  }
};

struct Q3_K : TypeOfGroups16<quant::BlockQ3_K, false> {
  static constexpr int kOffset = 0;
  static constexpr bool kMultiplied = true;

  struct Part {
    uint8x16x2_t qs;
    uint8x16x2_t hmask;
  };
  template <int kPart>
  WATTLE_INLINE static Part bytes(const Block* b) {
    return {load_32<offsetof(Block, qs) + 32 * kPart>(b), load_32<offsetof(Block, hmask)>(b)};
  }
  template <int kPart>
  WATTLE_INLINE static FourRuns raw(const Part& part, int h) {
    const uint8x16_t qs = part.qs.val[h];
    const uint8x16_t clear = vmvnq_u8(part.hmask.val[h]);
    return {{with_third<4 * kPart>(qs, clear), with_third<4 * kPart + 1>(vshrq_n_u8(qs, 2), clear),
             with_third<4 * kPart + 2>(vshrq_n_u8(qs, 4), clear),
             with_third<4 * kPart + 3>(vshrq_n_u8(qs, 6), clear)}};
  }

  // 16 six-bit scales with an offset of 32: nibbles in the first eight bytes, two bits each in the
  // last four.
  WATTLE_INLINE static int8x16_t scales(const Block* b) {
    const uint8x8_t first = vld1_u8(b->scales);
    const uint8x16_t low = vcombine_u8(first, vshr_n_u8(first, 4));
    const uint8x16_t last =
        vreinterpretq_u8_u32(vld1q_dup_u32(reinterpret_cast<const uint32_t*>(b->scales + 8)));
    const int8x16_t right =  // 0, -2, -4, -6 in bytes
        vreinterpretq_s8_u32(uint32x4_t{0, 0xfefefefe, 0xfcfcfcfc, 0xfafafafa});
    const uint8x16_t two_bits = vandq_u8(vshlq_u8(last, right), vdupq_n_u8(3));
    const uint8x16_t six_bits = vsliq_n_u8(low, two_bits, 4);
    return vreinterpretq_s8_u8(vsubq_u8(six_bits, vdupq_n_u8(32)));
  }

 private:
  // The two low bits, and where bit kBit is clear all ones above them: that is -4.
  template <int kBit>
  WATTLE_INLINE static int8x16_t with_third(uint8x16_t two_bits, uint8x16_t clear) {
    const uint8x16_t bit = vdupq_n_u8(static_cast<uint8_t>(1U << kBit));
    return vreinterpretq_s8_u8(vsliq_n_u8(two_bits, vtstq_u8(clear, bit), 2));
  }
};

}  // namespace
}  // namespace wattle::kernels::arm
