// SPDX-License-Identifier: Apache-2.0
// y = W x for a few activation rows with 512-bit vectors, for types whose blocks are 32 nibbles
// with an offset: 128 weights of a row at a time. What matvec_q8.inl.h says of the loop holds here
// too.
//
// Nibbles come as 16 bytes that hold 32 weights. Masked low halves of four blocks fill one vector,
// high halves another; both go into the same four lanes of a block, so that one conversion and one
// scale serve 128 weights.
#pragma once

#include "kernels/x86/matvec_rows.inl.h"

namespace wattle::kernels::x86 {
namespace {

WATTLE_INLINE __m512i low_nibbles(__m512i v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
WATTLE_INLINE __m512i high_nibbles(__m512i v) { return low_nibbles(_mm512_srli_epi16(v, 4)); }

// The sums of the lanes of four vectors.
WATTLE_INLINE __m128 sums_of_lanes(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 low =
      _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd)));
  const __m512 high =
      _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd)));
  const __m512 fours = _mm512_add_ps(low, high);  // a, b, c, d in each 128 bits
  const __m256 twos =
      _mm256_add_ps(_mm512_castps512_ps256(fours), _mm512_extractf32x8_ps(fours, 1));
  return _mm_add_ps(_mm256_castps256_ps128(twos), _mm256_extractf128_ps(twos, 1));
}

// ---- blocks of 32: four of them at a time ----

// Two vectors that together hold four blocks, the second one ending where they end.
template <class Block>
struct FourBlocks {
  static constexpr size_t kBytes = 4 * sizeof(Block);
  static constexpr size_t kSecondAt = kBytes - 64;
  static_assert(kBytes > 64 && kBytes <= 128 && sizeof(Block) % 2 == 0);
  __m512i first;
  __m512i second;

  WATTLE_INLINE static FourBlocks load(const Block* b) {
    const auto* p = reinterpret_cast<const std::byte*>(b);
    FourBlocks four{_mm512_loadu_si512(p), _mm512_loadu_si512(p + kSecondAt)};
    // Used twice, and a load across cache lines costs as much as two: not to be loaded again.
    asm("" : "+v"(four.first), "+v"(four.second));
    return four;
  }

  // Words of the four blocks in any order.
  WATTLE_INLINE __m512i words(const uint16_t (&index)[32]) const {
    return _mm512_permutex2var_epi16(first, _mm512_load_si512(index), second);
  }
};

// Indices for FourBlocks::words.
template <class Block>
struct WordIndex {
  alignas(64) uint16_t at[32];

  static constexpr uint16_t of_byte(size_t byte) {
    using Four = FourBlocks<Block>;
    return static_cast<uint16_t>(byte < 64 ? byte / 2 : 32 + (byte - Four::kSecondAt) / 2);
  }
  // 16 bytes of each block, from byte `begin` on.
  static constexpr WordIndex bytes_16(size_t begin) {
    WordIndex index{};
    for (size_t i = 0; i < 32; ++i)
      index.at[i] = of_byte(i / 8 * sizeof(Block) + begin + i % 8 * 2);
    return index;
  }
  // One word of each block, four times in turn, in the low half.
  static constexpr WordIndex word(size_t begin) {
    WordIndex index{};
    for (size_t i = 0; i < 16; ++i) index.at[i] = of_byte(i % 4 * sizeof(Block) + begin);
    return index;
  }
};

// Raw: what is taken from four blocks before the next row is loaded; codes(raw, first, second): the
// codes of elements 0 to 15 and of 16 to 31 of each block.
template <class T, size_t kCodesAt>
struct WideBlock32 {
  using Block = typename T::Block;
  using Four = FourBlocks<Block>;
  static constexpr int kOffset = T::kSigned ? 128 : T::kOffset;
  static_assert(kOffset != 0 && !T::kMin);
  static constexpr auto kScales = WordIndex<Block>::word(0);
  static constexpr auto kCodes = WordIndex<Block>::bytes_16(kCodesAt);

  struct Raw {
    __m512i nibbles;
  };
  WATTLE_INLINE static Raw raw(const Four& w) { return {w.words(kCodes.at)}; }
  WATTLE_INLINE static void codes(const Raw& raw, __m512i& first, __m512i& second) {
    first = low_nibbles(raw.nibbles);
    second = high_nibbles(raw.nibbles);
  }
};

template <class T>
struct Wide {};  // of the types without one the 256-bit loop is used

template <>
struct Wide<Q4_0> : WideBlock32<Q4_0, 2> {};

template <>
struct Wide<IQ4_NL> : WideBlock32<IQ4_NL, 2> {
  WATTLE_INLINE static void codes(const Raw& raw, __m512i& first, __m512i& second) {
    const __m512i values =
        _mm512_xor_si512(_mm512_broadcast_i32x4(
                             _mm_loadu_si128(reinterpret_cast<const __m128i*>(quant::kIQ4Values))),
                         _mm512_set1_epi8(-128));
    first = _mm512_shuffle_epi8(values, low_nibbles(raw.nibbles));
    second = _mm512_shuffle_epi8(values, high_nibbles(raw.nibbles));
  }
};

// Nibbles with a fifth bit each: bit i of the 32 in qh belongs to element i.
template <>
struct Wide<Q5_0> : WideBlock32<Q5_0, 6> {
  static constexpr auto kBits = WordIndex<Block>::bytes_16(2);

  struct Raw {
    __m512i nibbles;
    __m512i bits;  // in the first four bytes of 16; the others are not used
  };
  WATTLE_INLINE static Raw raw(const Four& w) { return {w.words(kCodes.at), w.words(kBits.at)}; }
  WATTLE_INLINE static void codes(const Raw& raw, __m512i& first, __m512i& second) {
    // The byte that holds the bit of element i: of elements 0 to 15, of 16 to 31.
    const __m512i low = _mm512_set4_epi32(0x01010101, 0x01010101, 0, 0);
    const __m512i high = _mm512_add_epi8(low, _mm512_set1_epi8(2));
    const __m512i bit = _mm512_set1_epi64(static_cast<int64_t>(0x8040201008040201));
    const auto add_bits = [&](__m512i nibbles, __m512i byte_of) {
      const __mmask64 set = _mm512_test_epi8_mask(_mm512_shuffle_epi8(raw.bits, byte_of), bit);
      return _mm512_mask_add_epi8(nibbles, set, nibbles, _mm512_set1_epi8(16));
    };
    first = add_bits(low_nibbles(raw.nibbles), low);
    second = add_bits(high_nibbles(raw.nibbles), high);
  }
};

// Four groups of an activation row, codes and start arranged as codes of weights are: lane 4 i and
// its three neighbours belong to group i.
struct FourGroups {
  __m512i first;
  __m512i second;
  __m512i start;  // -offset * sum in lane 4 i, 0 in the others
  __m512 scale;   // of groups 0 to 3, four times in turn

  WATTLE_INLINE static FourGroups load(const ActQ8& x, size_t g, int offset) {
    const __m512i low = _mm512_loadu_si512(x.q + 32 * g);
    const __m512i high = _mm512_loadu_si512(x.q + 32 * g + 64);
    const __m256 pairs = _mm256_loadu_ps(&x.scale[g].scale);
    const __m128i neg_sums = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x.neg_sum32 + g));
    const __m512i of_group = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512 wide = _mm512_castps256_ps512(pairs);
    constexpr __mmask16 kFirstOfFour = 0x1111;
    const __m512i sums =
        _mm512_maskz_permutexvar_epi32(kFirstOfFour, of_group, _mm512_castsi128_si512(neg_sums));
    return {_mm512_shuffle_i64x2(low, high, 0x88), _mm512_shuffle_i64x2(low, high, 0xdd),
            _mm512_slli_epi32(sums, static_cast<unsigned>(__builtin_ctz(offset))),
            _mm512_permutexvar_ps(_mm512_set4_epi32(6, 4, 2, 0), wide)};
  }
};

template <class T, int kActs>
WATTLE_INLINE void four_blocks_of_four_rows(const FourRows<typename T::Block>& rows,
                                            const ActQ8 (&x)[kActs], size_t g,
                                            __m512 (&acc)[kRowsInFlight][kActs]) {
  using W = Wide<T>;
  FourGroups groups[kActs];
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a) groups[a] = FourGroups::load(x[a], g, W::kOffset);
  typename W::Raw raw[kRowsInFlight];
  __m512i halves = _mm512_setzero_si512();  // lane 4 i + j: the scale of block j of row i
  WATTLE_UNROLL
  for (int i = 0; i < kRowsInFlight; ++i) {
    const auto* at = rows.w[i] + g;
    rows.fetch(at);
    rows.fetch(reinterpret_cast<const std::byte*>(at) + 64);
    const auto w = W::Four::load(at);
    raw[i] = W::raw(w);
    halves = _mm512_mask_mov_epi16(halves, 0xfU << (4 * i), w.words(W::kScales.at));
  }
  const __m512 scales = _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
  __m512 products[kActs];
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a) products[a] = _mm512_mul_ps(scales, groups[a].scale);
  WATTLE_UNROLL
  for (int i = 0; i < kRowsInFlight; ++i) {
    __m512i first;
    __m512i second;
    W::codes(raw[i], first, second);
    const __m512i of_row = _mm512_setr_epi32(4 * i, 4 * i, 4 * i, 4 * i, 4 * i + 1, 4 * i + 1,
                                             4 * i + 1, 4 * i + 1, 4 * i + 2, 4 * i + 2, 4 * i + 2,
                                             4 * i + 2, 4 * i + 3, 4 * i + 3, 4 * i + 3, 4 * i + 3);
    WATTLE_UNROLL
    for (int a = 0; a < kActs; ++a) {
      const __m512i low = _mm512_dpbusd_epi32(groups[a].start, first, groups[a].first);
      const __m512i sums = _mm512_dpbusd_epi32(low, second, groups[a].second);
      acc[i][a] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums),
                                  _mm512_permutexvar_ps(of_row, products[a]), acc[i][a]);
    }
  }
}

// n_cols is a multiple of 128.
template <class T, int kActs>
void four_rows_of_wide_blocks32(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const FourRows<typename T::Block> rows(args, row, end);
  ActQ8 x[kActs];
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a)
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);
  __m512 acc[kRowsInFlight][kActs] = {};
  for (size_t g = 0; g < args.n_cols / 32; g += 4)
    four_blocks_of_four_rows<T, kActs>(rows, x, g, acc);
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a) {
    store_rows(args.y[act + static_cast<size_t>(a)] + row,
               sums_of_lanes(acc[0][a], acc[1][a], acc[2][a], acc[3][a]), end - row);
  }
}

}  // namespace
}  // namespace wattle::kernels::x86
