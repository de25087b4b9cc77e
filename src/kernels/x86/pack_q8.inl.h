// SPDX-License-Identifier: Apache-2.0
// A tile of weight rows in the one form that gemm_q8.inl.h multiplies, whatever the block type.
// Per 32 columns of a tile, one after the other:
//   codes   u8 or s8 [8][kRows][4]  four neighbouring columns of a row together: what one 32-bit
//                                   lane of a dot-product instruction takes
//   scales  f32 [32 / kGroup][kRows]
//   mins    f32 [32 / kMinGroup][kRows], where the type has them
// Where Packed::kGroup is 32 for a type with groups of 16, the codes are products of codes and the
// whole numbers that scale their groups (T::multiplied): the sum over 32 columns is still exact.
// Rows past the end of the matrix repeat the last one.
#pragma once

#include "kernels/matmul.h"
#include "kernels/x86/unpack.inl.h"

namespace wattle::kernels::x86 {
namespace {

// What the inner loop has to know of a packed type.
template <int kGroupElems, int kMinElems, int kCodeOffset, int kMaximumCode, bool kSignedCodes>
struct PackedType {
  static constexpr int kGroup = kGroupElems;
  static constexpr int kMinGroup = kMinElems;  // 0: no min
  static constexpr bool kOf16 = kGroup == 16 || kMinGroup == 16;
  static constexpr int kOffset = kCodeOffset;
  static constexpr int kMaxCode = kMaximumCode;
  static constexpr bool kSigned = kSignedCodes;
};

template <class T, class Packed>
constexpr bool kIsMultiplied = Packed::kGroup != T::kGroup;

template <class Packed, int kRows>
struct TileLayout {
  static constexpr size_t kScales = 32 / Packed::kGroup;
  static constexpr size_t kScalesAt = 32 * kRows;
  static constexpr size_t kMins = Packed::kMinGroup == 0 ? 0 : 32 / Packed::kMinGroup;
  static constexpr size_t kMinsAt = kScalesAt + kScales * kRows * sizeof(float);
  static constexpr size_t kBytes = kMinsAt + kMins * kRows * sizeof(float);
};

// Afterwards v[k] holds lane k of each of the eight.
WATTLE_INLINE void transpose(__m256i (&v)[8]) {
  __m256i pairs[8];
  WATTLE_UNROLL
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
  }
  __m256i quads[8];  // lanes k and k + 4 of vectors 0-3, then of vectors 4-7
  WATTLE_UNROLL
  for (int i = 0; i < 8; i += 4) {
    quads[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
    quads[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
    quads[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  WATTLE_UNROLL
  for (int k = 0; k < 4; ++k) {
    v[k] = _mm256_permute2x128_si256(quads[k], quads[k + 4], 0x20);
    v[k + 4] = _mm256_permute2x128_si256(quads[k], quads[k + 4], 0x31);
  }
}

WATTLE_INLINE void store256(std::byte* p, __m256i v) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(p), v);
}

template <class T, class Packed>
WATTLE_INLINE __m256i packed_codes(__m256i codes) {
  if constexpr (T::kSigned && !Packed::kSigned) {
    static_assert(Packed::kOffset == 128);
    return _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
  }
  return codes;
}

// Of 16 bytes of each of eight rows, of_row(i): out[k] has the four from 4 k on of every row.
template <class OfRow>
WATTLE_INLINE void transpose_16_bytes(const OfRow& of_row, __m256i* out) {
  __m256i v[4];  // rows i and 4 + i
  WATTLE_UNROLL
  for (size_t i = 0; i < 4; ++i)
    v[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(of_row(i)), of_row(4 + i), 1);
  const __m256i low_01 = _mm256_unpacklo_epi32(v[0], v[1]);
  const __m256i high_01 = _mm256_unpackhi_epi32(v[0], v[1]);
  const __m256i low_23 = _mm256_unpacklo_epi32(v[2], v[3]);
  const __m256i high_23 = _mm256_unpackhi_epi32(v[2], v[3]);
  out[0] = _mm256_unpacklo_epi64(low_01, low_23);
  out[1] = _mm256_unpackhi_epi64(low_01, low_23);
  out[2] = _mm256_unpacklo_epi64(high_01, high_23);
  out[3] = _mm256_unpackhi_epi64(high_01, high_23);
}

// The same of block b of eight rows, from byte `at` on.
template <class Block>
WATTLE_INLINE void transpose_16_bytes(const Block* const (&w)[8], size_t b, size_t at,
                                      __m256i* out) {
  transpose_16_bytes(
      [&](size_t i) {
        const auto* const block = reinterpret_cast<const std::byte*>(w[i] + b);
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + at));
      },
      out);
}

// Where eight rows of a tile lie, from some columns on.
template <class Packed, int kRows>
struct EightRows {
  using Layout = TileLayout<Packed, kRows>;
  std::byte* at;

  EightRows(std::byte* tile, size_t first_row) : at(tile + first_row * 4) {}

  WATTLE_INLINE std::byte* codes(size_t sub, size_t k) const {
    return at + sub * Layout::kBytes + k * kRows * 4;
  }
  WATTLE_INLINE std::byte* scales(size_t group) const {
    return in_sub<Layout::kScales>(group) + Layout::kScalesAt;
  }
  WATTLE_INLINE std::byte* mins(size_t group) const {
    return in_sub<Layout::kMins>(group) + Layout::kMinsAt;
  }

 private:
  template <size_t kGroups>
  WATTLE_INLINE std::byte* in_sub(size_t group) const {
    return at + group / kGroups * Layout::kBytes + group % kGroups * kRows * sizeof(float);
  }
};

// of_row(i): an f16 of each of eight rows.
template <class OfRow>
WATTLE_INLINE __m256 floats_of_halves(const OfRow& of_row) {
  const auto of = [&](size_t i) { return static_cast<int16_t>(of_row(i)); };
  return _mm256_cvtph_ps(_mm_setr_epi16(of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7)));
}

// Scales and mins of block b of 32 elements of eight rows.
template <class T, class Rows>
WATTLE_INLINE void pack_scales32(const typename T::Block* const (&w)[8], size_t b, Rows to) {
  if constexpr (T::kMin) {  // d and m follow each other
    const auto of = [&](size_t i) { return load_as<int>(&w[i][b].d); };
    const __m128i low = _mm_setr_epi32(of(0), of(1), of(2), of(3));
    const __m128i high = _mm_setr_epi32(of(4), of(5), of(6), of(7));
    // Halves of eight rows: those of d, then those of m.
    const __m128i order = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    const __m128i a = _mm_shuffle_epi8(low, order);
    const __m128i c = _mm_shuffle_epi8(high, order);
    store256(to.scales(0), _mm256_castps_si256(_mm256_cvtph_ps(_mm_unpacklo_epi64(a, c))));
    store256(to.mins(0), _mm256_castps_si256(_mm256_cvtph_ps(_mm_unpackhi_epi64(a, c))));
  } else if constexpr (requires { w[0][b].d; }) {
    const __m256 d = floats_of_halves([&](size_t i) { return w[i][b].d; });
    store256(to.scales(0), _mm256_castps_si256(d));
  } else {
    const auto of = [&](size_t i) { return int{w[i][b].e}; };
    store256(to.scales(0), T::powers_of_two(_mm256_setr_epi32(of(0), of(1), of(2), of(3), of(4),
                                                              of(5), of(6), of(7))));
  }
}

// Scales and mins of a block of 256 elements, block b of eight rows.
template <class T, class Rows>
WATTLE_INLINE void pack_scales256(const typename T::Block* const (&w)[8], size_t b, Rows to) {
  SuperScales scales[8];
  WATTLE_UNROLL
  for (int i = 0; i < 8; ++i) scales[i] = T::scales(w[i][b]);
  constexpr size_t kGroups = 256 / T::kGroup;
  WATTLE_UNROLL
  for (size_t h = 0; h < 2; ++h) {
    __m256i lanes[8];
    WATTLE_UNROLL
    for (int i = 0; i < 8; ++i) lanes[i] = _mm256_castps_si256(scales[i].s[h]);
    transpose(lanes);
    const size_t group = kGroups / 2 * h;
    if constexpr (T::kGroup == 32) {  // scale and min in turn
      WATTLE_UNROLL
      for (size_t k = 0; k < 4; ++k) {
        store256(to.scales(group + k), lanes[2 * k]);
        if constexpr (T::kMin) store256(to.mins(group + k), lanes[2 * k + 1]);
      }
    } else {
      WATTLE_UNROLL
      for (size_t k = 0; k < 8; ++k) store256(to.scales(group + k), lanes[k]);
      if constexpr (T::kMin) {
        WATTLE_UNROLL
        for (int i = 0; i < 8; ++i) lanes[i] = _mm256_castps_si256(scales[i].m[h]);
        transpose(lanes);
        WATTLE_UNROLL
        for (size_t k = 0; k < 8; ++k) store256(to.mins(group + k), lanes[k]);
      }
    }
  }
}

// The same where codes are multiplied by the whole numbers that scale their groups.
template <class T, class Rows>
WATTLE_INLINE void pack_multiplied_scales(const typename T::Block* const (&w)[8], size_t b,
                                          Rows to) {
  const __m256 d = floats_of_halves([&](size_t i) { return T::multiplied_scale(w[i][b]); });
  WATTLE_UNROLL
  for (size_t sub = 0; sub < 8; ++sub) store256(to.scales(sub), _mm256_castps_si256(d));
  if constexpr (T::kMin) {
    const __m256 dmin = floats_of_halves([&](size_t i) { return w[i][b].dmin; });
    const __m256 factor = _mm256_sub_ps(_mm256_setzero_ps(), dmin);
    __m256i mins[4];
    transpose_16_bytes([&](size_t i) { return T::whole_mins(w[i][b]); }, mins);
    WATTLE_UNROLL
    for (size_t g = 0; g < 16; ++g) {
      const __m256i byte =
          _mm256_and_si256(_mm256_srli_epi32(mins[g / 4], g % 4 * 8), _mm256_set1_epi32(255));
      store256(to.mins(g), _mm256_castps_si256(_mm256_mul_ps(_mm256_cvtepi32_ps(byte), factor)));
    }
  }
}

// Of eight rows, whose whole scales transpose_16_bytes has made quads of: that of group g in each
// 16 bits of a row's lane.
WATTLE_INLINE __m256i whole_scale(const __m256i (&quads)[4], size_t g) {
  const int upper_bytes = static_cast<int>(0x00800080u | (g % 4) << 24 | (g % 4) << 8);
  const __m256i order = _mm256_add_epi32(_mm256_set1_epi32(upper_bytes),
                                         _mm256_setr_epi32(0, 0x04000400, 0x08000800, 0x0c000c00, 0,
                                                           0x04000400, 0x08000800, 0x0c000c00));
  return _mm256_srai_epi16(_mm256_shuffle_epi8(quads[g / 4], order), 8);
}

// Codes of columns 4 k to 4 k + 3 of eight rows, plus 16 where a fifth bit is set: bit i of a row's
// 32 belongs to column i.
WATTLE_INLINE __m256i add_fifth_bits(__m256i codes, __m256i of_rows, int k) {
  const __m256i byte_of = _mm256_add_epi8(_mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c,
                                                            0, 0x04040404, 0x08080808, 0x0c0c0c0c),
                                          _mm256_set1_epi8(static_cast<char>(k / 2)));
  const __m256i mask = _mm256_set1_epi32(0x08040201 << k % 2 * 4);
  return add_16_where(codes, _mm256_shuffle_epi8(of_rows, byte_of), mask);
}

// The codes of block b of eight rows. Bytes change places before codes are made of them, because a
// byte holds several.
template <class T, class Packed, class Rows>
WATTLE_INLINE void pack_codes(const typename T::Block* const (&w)[8], size_t b, Rows to) {
  constexpr size_t kSubs = T::kElems / 32;
  if constexpr (requires { T::kNibblesAt; }) {
    __m256i fifth;
    if constexpr (requires { T::kFifthBitsAt; }) {
      const auto of = [&](size_t i) {
        return load_as<int>(reinterpret_cast<const std::byte*>(w[i] + b) + T::kFifthBitsAt);
      };
      fifth = _mm256_setr_epi32(of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7));
    }
    WATTLE_UNROLL
    for (size_t s = 0; s < kSubs; ++s) {
      __m256i n[4];
      transpose_16_bytes(w, b, T::kNibblesAt + 16 * s, n);
      WATTLE_UNROLL
      for (size_t k = 0; k < 8; ++k) {
        __m256i codes = T::values(bits(n[k % 4], k < 4 ? 0 : 4, 15));
        if constexpr (requires { T::kFifthBitsAt; })
          codes = add_fifth_bits(codes, fifth, static_cast<int>(k));
        store256(to.codes(s, k), packed_codes<T, Packed>(codes));
      }
    }
  } else {
    __m256i planes[T::kPlanes][8];
    WATTLE_UNROLL
    for (size_t p = 0; p < T::kPlanes; ++p) {
      transpose_16_bytes(w, b, T::kPlanesAt + 32 * p, planes[p]);
      transpose_16_bytes(w, b, T::kPlanesAt + 32 * p + 16, planes[p] + 4);
    }
    __m256i whole[4];
    if constexpr (kIsMultiplied<T, Packed>)
      transpose_16_bytes([&](size_t i) { return T::whole_scales(w[i][b]); }, whole);
    WATTLE_UNROLL
    for (size_t s = 0; s < kSubs; ++s) {
      WATTLE_UNROLL
      for (size_t k = 0; k < 8; ++k) {
        const auto plane = [&](size_t at) { return planes[(at - T::kPlanesAt) / 32][k]; };
        __m256i codes = T::codes(plane, static_cast<int>(s));
        if constexpr (kIsMultiplied<T, Packed>)
          codes = T::multiplied(codes, whole_scale(whole, 2 * s + k / 4));
        store256(to.codes(s, k), packed_codes<T, Packed>(codes));
      }
    }
  }
}

// Into the second-level cache. A fetch never faults, wherever it points.
WATTLE_INLINE void fetch_bytes(const std::byte* p, size_t n) {
  for (size_t i = 0; i < n; i += 64)
    _mm_prefetch(reinterpret_cast<const char*>(p + i), _MM_HINT_T1);
}

// n blocks of eight rows, from block `begin` on; `next` is fetched meanwhile, as many bytes.
template <class T, class Packed, class Rows>
[[gnu::noinline]] void pack_run(const typename T::Block* const (&rows)[8], size_t begin, size_t n,
                                Rows to, const std::byte* next) {
  using Block = typename T::Block;
  constexpr size_t kBytes = 8 * sizeof(Block);
  const Block* const w[8] = {rows[0] + begin, rows[1] + begin, rows[2] + begin, rows[3] + begin,
                             rows[4] + begin, rows[5] + begin, rows[6] + begin, rows[7] + begin};
  for (size_t b = 0; b < n; ++b, next += kBytes, to.at = to.codes(T::kElems / 32, 0)) {
    fetch_bytes(next, kBytes);
    if constexpr (T::kElems == 32) {
      pack_scales32<T>(w, b, to);
    } else if constexpr (kIsMultiplied<T, Packed>) {
      pack_multiplied_scales<T>(w, b, to);
    } else {
      pack_scales256<T>(w, b, to);
    }
    pack_codes<T, Packed>(w, b, to);
  }
}

// Columns of a run: what eight rows are packed of before the next eight, because more pointers than
// theirs do not fit the registers. Then what was written is still in the first-level cache.
constexpr size_t kRunCols = 256;

// The rows of a tile, whose row 0 is `row` of the matrix.
//
// So many rows at once are more streams than a processor follows by itself, and with few activation
// rows packing is most of the work: the bytes of the next tile are fetched meanwhile, in order,
// also where the rows of the call end. Another call often goes on there, and without it packing
// took twice the time: docs/perf/batched-decode.md.
template <class T, int kRows>
struct TileRows {
  using Block = typename T::Block;
  const Block* w[kRows / 8][8];
  const std::byte* next;

  TileRows(const MatmulArgs& args, size_t row, size_t end)
      : next(args.w + (row + kRows) * args.w_row_bytes) {
    for (size_t i = 0; i < kRows; ++i) {
      const size_t r = row + i < end ? row + i : end - 1;
      w[i / 8][i % 8] = reinterpret_cast<const Block*>(args.w + r * args.w_row_bytes);
    }
  }

  // Packs blocks [begin, end) of all rows.
  template <class Packed>
  void pack(size_t begin, size_t end, std::byte* tile) const {
    constexpr size_t kRun = kRunCols / T::kElems;
    constexpr size_t kRunBytes = kRunCols / 32 * TileLayout<Packed, kRows>::kBytes;
    const std::byte* fetched = next + begin * kRows * sizeof(Block);
    for (; begin < end; begin += kRun, tile += kRunBytes) {
      const size_t n = end - begin < kRun ? end - begin : kRun;
      for (size_t eight = 0; eight < kRows / 8; ++eight, fetched += n * 8 * sizeof(Block))
        pack_run<T, Packed>(w[eight], begin, n, EightRows<Packed, kRows>(tile, 8 * eight), fetched);
    }
  }
};

}  // namespace
}  // namespace wattle::kernels::x86
