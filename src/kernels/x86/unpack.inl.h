// SPDX-License-Identifier: Apache-2.0
// Each block type as vectors: 32 codes at a time as bytes, and the scales beside them. Needs AVX2
// and F16C. Everything in an unnamed namespace, as in all of x86/*.inl.h: each ISA file gets its
// own copy, compiled for itself, and leaves none to the linker.
//
// A type T says
//   kElems, kGroup   elements of a block, and of a group with its own scale
//   kMin             value = scale * code + min; else value = scale * (code - kOffset)
//   kOffset          0 or a power of two
//   kMaxCode         codes lie in [0, kMaxCode]; kSigned: in [-128, 127], with kOffset = 0
// and where the codes are: either
//   kNibblesAt       16 bytes for each 32 elements, from this byte of a block on
//   values(n)        the codes that nibbles stand for
//   kFifthBitsAt     where a bit more for each element is, if there is one
// or
//   kPlanesAt, kPlanes   runs of 32 bytes, from this byte on
//   codes(plane, sub)    the codes of elements [32 sub, 32 sub + 32); code i is made of the bytes i
//                        of planes only; plane(at): the one that begins at byte `at`
// and for blocks of 32 elements
//   scales(w, g)     of block g of four rows: {scale0, min0, scale1, min1, ...}
// or for blocks of 256
//   scales(b)        SuperScales
// and where a code times the whole number that scales its group fits a byte
//   multiplied(codes, scale)   the products plus kMultipliedOffset; scale: in each 16 bits
//   multiplied_scale(b)        f16, what the products are to be multiplied by
//   whole_scales(b)            of the 16 groups, as bytes; whole_mins(b) where there are mins
// Where there is no min the lanes of the mins hold anything, NaN included.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"

namespace wattle::kernels::x86 {
namespace {

#define WATTLE_INLINE [[gnu::always_inline]] inline
// Loops over registers: only unrolled do their arrays become registers, which -O2 does not see to.
// Not with sanitizers, which would check every step of them and compile for minutes.
#ifdef WATTLE_SANITIZED
#define WATTLE_UNROLL
#else
#define WATTLE_UNROLL _Pragma("GCC unroll 16")
#endif

template <class Value>
WATTLE_INLINE Value load_as(const void* p) {
  Value value;
  __builtin_memcpy(&value, p, sizeof value);
  return value;
}

WATTLE_INLINE __m256i load256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

// Element i from nibble i of a run of 32: the low halves of 16 bytes, then the high halves.
WATTLE_INLINE __m256i nibbles(const uint8_t* qs) {
  const __m256i twice =
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(qs)));
  const __m256i moved = _mm256_srlv_epi64(twice, _mm256_setr_epi64x(0, 0, 4, 4));
  return _mm256_and_si256(moved, _mm256_set1_epi8(15));
}

// codes + 16 in the bytes that share a bit with `mask`, which has one in each byte.
WATTLE_INLINE __m256i add_16_where(__m256i codes, __m256i bytes, __m256i mask) {
  const __m256i sixteen = _mm256_set1_epi8(16);
#if defined(__AVX512BW__) && defined(__AVX512VL__)
  return _mm256_mask_add_epi8(codes, _mm256_test_epi8_mask(bytes, mask), codes, sixteen);
#else
  const __m256i is_set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, mask), mask);
  return _mm256_or_si256(codes, _mm256_and_si256(is_set, sixteen));
#endif
}

// codes + 16 where bit i of `bits` is set (a fifth bit).
WATTLE_INLINE __m256i add_fifth_bits(__m256i codes, uint32_t bits) {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
  return _mm256_mask_add_epi8(codes, bits, codes, _mm256_set1_epi8(16));
#else
  const __m256i byte_of =
      _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i spread = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), byte_of);
  return add_16_where(codes, spread, _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201)));
#endif
}

WATTLE_INLINE __m256i lookup(const int8_t (&table)[16], __m256i nibble_codes) {
  const __m256i values =
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return _mm256_shuffle_epi8(values, nibble_codes);
}

// ---- blocks of 32 ----

template <class BlockType>
struct Block32 {
  using Block = BlockType;
  static constexpr int kElems = 32;
  static constexpr int kGroup = 32;
  static constexpr bool kMin = false;
  static constexpr bool kSigned = false;
  static constexpr int kOffset = 0;

  // The first four bytes of a block are f16 d, f16 m where there is a min, or d and then codes.
  WATTLE_INLINE static __m256 scales(const Block* const (&w)[4], size_t g) {
    return _mm256_cvtph_ps(_mm_setr_epi32(load_as<int>(&w[0][g]), load_as<int>(&w[1][g]),
                                          load_as<int>(&w[2][g]), load_as<int>(&w[3][g])));
  }
};

// Codes that are nibbles: element i < 16 the low one of byte i, element 16 + i the high one.
template <class BlockType>
struct Nibbles32 : Block32<BlockType> {
  static constexpr size_t kNibblesAt = offsetof(BlockType, qs);
  WATTLE_INLINE static __m256i values(__m256i n) { return n; }
};

struct Q4_0 : Nibbles32<quant::BlockQ4_0> {
  static constexpr int kOffset = 8;
  static constexpr int kMaxCode = 15;
};

struct Q4_1 : Nibbles32<quant::BlockQ4_1> {
  static constexpr bool kMin = true;
  static constexpr int kMaxCode = 15;
};

// With a fifth bit: bit i of the 32 in qh belongs to element i.
template <class BlockType>
struct FiveBits32 : Nibbles32<BlockType> {
  static constexpr size_t kFifthBitsAt = offsetof(BlockType, qh);
};

struct Q5_0 : FiveBits32<quant::BlockQ5_0> {
  static constexpr int kOffset = 16;
  static constexpr int kMaxCode = 31;
};

struct Q5_1 : FiveBits32<quant::BlockQ5_1> {
  static constexpr bool kMin = true;
  static constexpr int kMaxCode = 31;
};

struct Q8_0 : Block32<quant::BlockQ8_0> {
  static constexpr bool kSigned = true;
  static constexpr int kMaxCode = 128;
  static constexpr size_t kPlanesAt = offsetof(Block, qs);
  static constexpr size_t kPlanes = 1;
  template <class Plane>
  WATTLE_INLINE static __m256i codes(const Plane& plane, int) {
    return plane(kPlanesAt);
  }
};

struct IQ4_NL : Nibbles32<quant::BlockIQ4_NL> {
  static constexpr bool kSigned = true;
  static constexpr int kMaxCode = 128;
  WATTLE_INLINE static __m256i values(__m256i n) { return lookup(quant::kIQ4Values, n); }
};

struct MXFP4 : Nibbles32<quant::BlockMXFP4> {
  static constexpr int kOffset = 16;
  static constexpr int kMaxCode = 31;
  WATTLE_INLINE static __m256i values(__m256i n) {
    return _mm256_add_epi8(lookup(quant::kMXFP4DoubledValues, n), _mm256_set1_epi8(kOffset));
  }
  // 2^(e - 128): codes are doubled. The two smallest are subnormal.
  WATTLE_INLINE static __m256i powers_of_two(__m256i e) {
    const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
    const __m256i small = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
    const __m256i is_small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e);
    return _mm256_blendv_epi8(normal, small, is_small);
  }
  WATTLE_INLINE static __m256 scales(const Block* const (&w)[4], size_t g) {
    // Lanes of mins hold zero: a subnormal there would halve the speed.
    const __m256i e =
        _mm256_cvtepu32_epi64(_mm_setr_epi32(w[0][g].e, w[1][g].e, w[2][g].e, w[3][g].e));
    return _mm256_castsi256_ps(_mm256_blend_epi32(powers_of_two(e), _mm256_setzero_si256(), 0xaa));
  }
};

// ---- blocks of 256 ----

// kGroup 32: s[h] = {scale, min} of groups 4h ... 4h + 3, interleaved.
// kGroup 16: s[h] and m[h] = scale and min of groups 8h ... 8h + 7.
struct SuperScales {
  __m256 s[2];
  __m256 m[2];
};

template <class BlockType, int kGroupElems>
struct Block256 {
  using Block = BlockType;
  static constexpr int kElems = 256;
  static constexpr int kGroup = kGroupElems;
  static constexpr bool kMin = false;
  static constexpr bool kSigned = false;
  static constexpr int kOffset = 0;
};

// Each byte moved down by `shift` bits (up to 7), masked.
WATTLE_INLINE __m256i bits(__m256i bytes, int shift, int8_t mask) {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, shift), _mm256_set1_epi8(mask));
}

WATTLE_INLINE __m256 float_of_half(uint16_t h) {
  return _mm256_cvtph_ps(_mm_set1_epi16(static_cast<int16_t>(h)));
}

// {d, -dmin, d, -dmin, ...} from the two f16 that follow each other at p.
WATTLE_INLINE __m256 scale_and_negative_min(const void* p) {
  const __m256 pairs = _mm256_cvtph_ps(_mm_set1_epi32(load_as<int>(p)));
  const __m256 sign = _mm256_castsi256_ps(_mm256_set1_epi64x(INT64_MIN));
  return _mm256_xor_ps(pairs, sign);
}

WATTLE_INLINE __m256 floats_of_bytes(__m128i low_8_unsigned) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(low_8_unsigned));
}

WATTLE_INLINE __m256 floats_of_signed_bytes(__m128i low_8) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(low_8));
}

// d times each of 16 signed bytes.
WATTLE_INLINE SuperScales scales_of_16(__m128i bytes, uint16_t d) {
  const __m256 factor = float_of_half(d);
  SuperScales out{};
  out.s[0] = _mm256_mul_ps(floats_of_signed_bytes(bytes), factor);
  out.s[1] = _mm256_mul_ps(floats_of_signed_bytes(_mm_unpackhi_epi64(bytes, bytes)), factor);
  return out;
}

// 8 six-bit scales and 8 six-bit mins in 12 bytes, four at a time: the first four of each in the
// low bits of a byte; of the others a nibble each in the last bytes, with the two high bits stored
// above the first four.
WATTLE_INLINE SuperScales scales_k45(const uint8_t* scales, const void* d_dmin) {
  const auto a = load_as<uint32_t>(scales);
  const auto b = load_as<uint32_t>(scales + 4);
  const auto c = load_as<uint32_t>(scales + 8);
  const uint32_t scale_high = (c & 0x0f0f0f0fu) | (a >> 2 & 0x30303030u);
  const uint32_t min_high = (c >> 4 & 0x0f0f0f0fu) | (b >> 2 & 0x30303030u);
  const __m128i scale = _mm_cvtsi64_si128(
      static_cast<int64_t>((a & 0x3f3f3f3fu) | static_cast<uint64_t>(scale_high) << 32));
  const __m128i min = _mm_cvtsi64_si128(
      static_cast<int64_t>((b & 0x3f3f3f3fu) | static_cast<uint64_t>(min_high) << 32));
  const __m128i pairs = _mm_unpacklo_epi8(scale, min);
  const __m256 factor = scale_and_negative_min(d_dmin);
  SuperScales out{};
  out.s[0] = _mm256_mul_ps(floats_of_bytes(pairs), factor);
  out.s[1] = _mm256_mul_ps(floats_of_bytes(_mm_unpackhi_epi64(pairs, pairs)), factor);
  return out;
}

struct Q4_K : Block256<quant::BlockQ4_K, 32> {
  static constexpr bool kMin = true;
  static constexpr int kMaxCode = 15;
  static constexpr size_t kPlanesAt = offsetof(Block, qs);
  static constexpr size_t kPlanes = 4;
  template <class Plane>
  WATTLE_INLINE static __m256i codes(const Plane& plane, int sub) {
    return bits(plane(offsetof(Block, qs) + sub / 2 * 32), 4 * (sub % 2), 15);
  }
  WATTLE_INLINE static SuperScales scales(const Block& b) { return scales_k45(b.scales, &b.d); }
};

struct Q5_K : Block256<quant::BlockQ5_K, 32> {
  static constexpr bool kMin = true;
  static constexpr int kMaxCode = 31;
  static constexpr size_t kPlanesAt = offsetof(Block, qh);
  static constexpr size_t kPlanes = 5;
  template <class Plane>
  WATTLE_INLINE static __m256i codes(const Plane& plane, int sub) {
    const __m256i low = bits(plane(offsetof(Block, qs) + sub / 2 * 32), 4 * (sub % 2), 15);
    const __m256i high = bits(plane(offsetof(Block, qh)), sub, 1);
    return _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
  }
  WATTLE_INLINE static SuperScales scales(const Block& b) { return scales_k45(b.scales, &b.d); }
};

struct Q6_K : Block256<quant::BlockQ6_K, 16> {
  static constexpr int kOffset = 32;
  static constexpr int kMaxCode = 63;
  static constexpr size_t kPlanesAt = offsetof(Block, ql);
  static constexpr size_t kPlanes = 6;
  template <class Plane>
  WATTLE_INLINE static __m256i codes(const Plane& plane, int sub) {
    const int n = sub / 4;
    const int k = sub % 4;
    const __m256i low = bits(plane(offsetof(Block, ql) + 64 * n + 32 * (k % 2)), 4 * (k / 2), 15);
    const __m256i high = bits(plane(offsetof(Block, qh) + 32 * n), 2 * k, 3);
    return _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
  }
  WATTLE_INLINE static SuperScales scales(const Block& b) {
    return scales_of_16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b.scales)), b.d);
  }
};

struct Q3_K : Block256<quant::BlockQ3_K, 16> {
  static constexpr int kOffset = 4;
  static constexpr int kMaxCode = 7;
  static constexpr size_t kPlanesAt = offsetof(Block, hmask);
  static constexpr size_t kPlanes = 3;
  template <class Plane>
  WATTLE_INLINE static __m256i codes(const Plane& plane, int sub) {
    const __m256i low = bits(plane(offsetof(Block, qs) + 32 * (sub / 4)), 2 * (sub % 4), 3);
    const __m256i high = bits(plane(offsetof(Block, hmask)), sub, 1);
    return _mm256_or_si256(low, _mm256_slli_epi16(high, 2));
  }
  WATTLE_INLINE static SuperScales scales(const Block& b) {
    return scales_of_16(whole_scales(b), b.d);
  }

  WATTLE_INLINE static __m128i whole_scales(const Block& b) {
    const auto low = load_as<uint64_t>(b.scales);
    const auto high = load_as<uint32_t>(b.scales + 8);
    const auto upper_bits = [&](int first) {  // of 8 groups: bits 4 and 5
      const uint64_t four = high >> first & 0x03030303u;
      const uint64_t next = high >> (first + 2) & 0x03030303u;
      return (four | next << 32) << 4;
    };
    const uint64_t nibble = 0x0f0f0f0f0f0f0f0f;
    const __m128i six_bits =
        _mm_set_epi64x(static_cast<int64_t>((low >> 4 & nibble) | upper_bits(4)),
                       static_cast<int64_t>((low & nibble) | upper_bits(0)));
    return _mm_sub_epi8(six_bits, _mm_set1_epi8(32));
  }
  // (4 - code) * scale lies in [-128, 124]. Of (code - 4) * scale the largest is 128, which does
  // not fit, so the sign goes to d. Two bytes are multiplied as one number, 256 c1 + c0: with the
  // offset both products lie in [0, 252], and nothing is carried from one to the other.
  static constexpr int kMultipliedOffset = 128;
  WATTLE_INLINE static __m256i multiplied(__m256i codes, __m256i scale) {
    const __m256i differences = _mm256_sub_epi16(_mm256_set1_epi16(0x0404), codes);
    const __m256i products = _mm256_mullo_epi16(differences, scale);
    return _mm256_add_epi16(products, _mm256_set1_epi16(static_cast<int16_t>(0x8080)));
  }
  WATTLE_INLINE static uint16_t multiplied_scale(const Block& b) {
    return static_cast<uint16_t>(b.d ^ 0x8000u);
  }
};

struct Q2_K : Block256<quant::BlockQ2_K, 16> {
  static constexpr bool kMin = true;
  static constexpr int kMaxCode = 3;
  static constexpr size_t kPlanesAt = offsetof(Block, qs);
  static constexpr size_t kPlanes = 2;
  template <class Plane>
  WATTLE_INLINE static __m256i codes(const Plane& plane, int sub) {
    return bits(plane(offsetof(Block, qs) + 32 * (sub / 4)), 2 * (sub % 4), 3);
  }
  WATTLE_INLINE static SuperScales scales(const Block& b) {
    const __m128i low = whole_scales(b);
    const __m128i high = whole_mins(b);
    const __m256 d = float_of_half(b.d);
    const __m256 dmin = _mm256_sub_ps(_mm256_setzero_ps(), float_of_half(b.dmin));
    return {{_mm256_mul_ps(floats_of_bytes(low), d),
             _mm256_mul_ps(floats_of_bytes(_mm_unpackhi_epi64(low, low)), d)},
            {_mm256_mul_ps(floats_of_bytes(high), dmin),
             _mm256_mul_ps(floats_of_bytes(_mm_unpackhi_epi64(high, high)), dmin)}};
  }

  WATTLE_INLINE static __m128i whole_scales(const Block& b) { return nibbles_of_scales(b, 0); }
  WATTLE_INLINE static __m128i whole_mins(const Block& b) { return nibbles_of_scales(b, 4); }
  // At most 45, so that two bytes are multiplied as one number.
  static constexpr int kMultipliedOffset = 0;
  WATTLE_INLINE static __m256i multiplied(__m256i codes, __m256i scale) {
    return _mm256_mullo_epi16(codes, scale);
  }
  WATTLE_INLINE static uint16_t multiplied_scale(const Block& b) { return b.d; }

 private:
  WATTLE_INLINE static __m128i nibbles_of_scales(const Block& b, int shift) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b.scales));
    return _mm_and_si128(_mm_srli_epi16(bytes, shift), _mm_set1_epi8(15));
  }
};

struct IQ4_XS : Block256<quant::BlockIQ4_XS, 32> {
  static constexpr bool kSigned = true;
  static constexpr int kMaxCode = 128;
  static constexpr size_t kNibblesAt = offsetof(Block, qs);
  WATTLE_INLINE static __m256i values(__m256i n) { return lookup(quant::kIQ4Values, n); }
  WATTLE_INLINE static SuperScales scales(const Block& b) {
    const __m256i low = _mm256_srlv_epi32(_mm256_set1_epi32(load_as<int>(b.scales_l)),
                                          _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28));
    const __m256i high = _mm256_srlv_epi32(_mm256_set1_epi32(b.scales_h),
                                           _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14));
    const __m256i six_bits =
        _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi32(15)),
                        _mm256_slli_epi32(_mm256_and_si256(high, _mm256_set1_epi32(3)), 4));
    const __m256 whole = _mm256_cvtepi32_ps(_mm256_sub_epi32(six_bits, _mm256_set1_epi32(32)));
    const __m256 scale = _mm256_mul_ps(whole, float_of_half(b.d));
    SuperScales out{};
    out.s[0] = _mm256_permutevar8x32_ps(scale, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
    out.s[1] = _mm256_permutevar8x32_ps(scale, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7));
    return out;
  }
};

// The codes of elements [32 sub, 32 sub + 32) of a block.
template <class T>
WATTLE_INLINE __m256i codes_of_block(const typename T::Block& b, int sub) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&b);
  if constexpr (requires { T::kNibblesAt; }) {
    const __m256i codes = T::values(nibbles(bytes + T::kNibblesAt + 16 * sub));
    if constexpr (requires { T::kFifthBitsAt; })
      return add_fifth_bits(codes, load_as<uint32_t>(bytes + T::kFifthBitsAt));
    return codes;
  } else {
    return T::codes([&](size_t at) { return load256(bytes + at); }, sub);
  }
}

}  // namespace
}  // namespace wattle::kernels::x86
