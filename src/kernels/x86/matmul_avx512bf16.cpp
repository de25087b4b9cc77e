// SPDX-License-Identifier: Apache-2.0
// Matrix products of BF16 weights with bf16 activations: one instruction multiplies and adds pairs
// in each lane, twice what floats do. Sums are floats; subnormal operands count as zero.
#include "kernels/x86/dense.inl.h"
#include "kernels/x86/simd512.inl.h"

namespace wattle::kernels {
namespace x86 {
namespace {

struct Simd512Bf16 : Simd512 {
  static constexpr int kVecs = 2;
  static constexpr int kRows = 16 * kVecs;
  static constexpr int kActs = 8;
};

// Two neighbouring elements in a lane.
struct PairsOfBf16 {
  using Element = uint16_t;
  static constexpr size_t kColumns = 16;
  WATTLE_INLINE static __m256 load(const uint16_t* p) { return _mm256_castsi256_ps(load256(p)); }
};

WATTLE_INLINE __m512 dot(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, __builtin_bit_cast(__m512bh, a), __builtin_bit_cast(__m512bh, b));
}

WATTLE_INLINE __m256 dot(__m256 sum, __m256i a, __m256i b) {
  return _mm256_dpbf16_ps(sum, __builtin_bit_cast(__m256bh, a), __builtin_bit_cast(__m256bh, b));
}

// Bound by memory (docs/perf/matmul.md): with 512 bits one thread read a quarter less, and with one
// fetch for 32 bytes, a fetch for 16 being the same line again, a sixth.
template <int kActs>
void four_rows_of_bf16(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const FourRows<uint16_t> rows(args, row, end);
  const uint16_t* x[kActs];
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a)
    x[a] = reinterpret_cast<const uint16_t*>(args.act[act + static_cast<size_t>(a)]);

  __m256 acc[kRowsInFlight][kActs] = {};
  size_t i = 0;
  const auto add = [&](const auto& weights) {
    WATTLE_UNROLL
    for (int r = 0; r < kRowsInFlight; ++r) {
      rows.fetch(rows.w[r] + i);
      rows.fetch(rows.w[r] + i + 8);
      const __m256i w = weights(rows.w[r] + i);
      WATTLE_UNROLL
      for (int a = 0; a < kActs; ++a) acc[r][a] = dot(acc[r][a], w, load256(x[a] + i));
    }
  };
  for (; i + 16 <= args.n_cols; i += 16) add([](const uint16_t* p) { return load256(p); });
  if (const size_t n = args.n_cols - i; n != 0) {
    const auto columns = static_cast<__mmask16>((1u << n) - 1);
    add([&](const uint16_t* p) { return _mm256_maskz_loadu_epi16(columns, p); });
  }
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a) {
    store_rows(args.y[act + static_cast<size_t>(a)] + row,
               sums_of_lanes(acc[0][a], acc[1][a], acc[2][a], acc[3][a]), end - row);
  }
}

struct MatvecBf16 {
  template <class T, int kActs>
  static void four_rows(const MatmulArgs& args, size_t act, size_t row, size_t end) {
    four_rows_of_bf16<kActs>(args, act, row, end);
  }
};

struct Bf16Blocks {
  template <int kActs>
  void block(const MatmulArgs& args, size_t act, size_t row, size_t end) const {
    constexpr size_t kVecs = Simd512Bf16::kVecs;
    const std::byte* x[kActs];
    WATTLE_UNROLL
    for (size_t a = 0; a < kActs; ++a) x[a] = args.act[act + a];
    __m512 acc[kVecs][kActs] = {};
    for (size_t pair = 0; pair < (args.n_cols + 1) / 2; ++pair) {
      __m512i w[kVecs];
      WATTLE_UNROLL
      for (size_t v = 0; v < kVecs; ++v)
        w[v] = Simd512::codes(args.scratch + (pair * kVecs + v) * sizeof(__m512i));
      WATTLE_UNROLL
      for (size_t a = 0; a < kActs; ++a) {
        const __m512i both = Simd512::broadcast_4(x[a] + pair * 4);
        WATTLE_UNROLL
        for (size_t v = 0; v < kVecs; ++v) acc[v][a] = dot(acc[v][a], w[v], both);
      }
    }
    WATTLE_UNROLL
    for (size_t a = 0; a < kActs; ++a) store_block<Simd512Bf16>(args.y[act + a], row, end, acc, a);
  }
};

void matmul_bf16(const MatmulArgs& args, RowRange rows) noexcept {
  for (size_t row = rows.begin; row < rows.end; row += Simd512Bf16::kRows) {
    pack_floats<PairsOfBf16, Simd512Bf16::kRows>(args, row, rows.end, args.scratch);
    all_acts<Simd512Bf16::kActs>(Bf16Blocks{}, args, row, rows.end);
  }
}

size_t scratch_bytes_bf16(size_t n_cols) noexcept {
  return (n_cols + 15) / 16 * 16 * Simd512Bf16::kRows * sizeof(uint16_t);
}

constexpr MatmulRow kBf16Rows[] = {{DType::bf16,
                                    {.name = {},
                                     .act = ActFormat::bf16,
                                     .matvec = matvec<MatvecBf16, PairsOfBf16>,
                                     .matmul = matmul_bf16,
                                     .matmul_from = 16,
                                     .tile_rows = Simd512Bf16::kRows,
                                     .scratch_bytes = scratch_bytes_bf16}}};

}  // namespace
}  // namespace x86

const MatmulSet avx512bf16::kMatmul{x86::kBf16Rows, 1};

// In integers: the instruction that converts would make zeros of subnormals.
void avx512bf16::round_act(const float* x, size_t n_cols, std::byte* out) noexcept {
  for (size_t i = 0; i < (n_cols + 31) / 32 * 32; i += 16) {
    const size_t n = i < n_cols ? n_cols - i : 0;
    const auto lanes = static_cast<__mmask16>(n < 16 ? (1u << n) - 1 : 0xffffu);
    const __m512i bits = _mm512_maskz_loadu_epi32(lanes, x + i);
    const __m512i upper = _mm512_srli_epi32(bits, 16);
    const __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    const __m512i half = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
    const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, half), 16);
    const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
    const __mmask16 nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7f800000));
    const __m512i quiet = _mm512_or_si512(upper, _mm512_set1_epi32(0x40));
    const __m512i result = _mm512_mask_mov_epi32(rounded, nan, quiet);
    _mm256_store_si256(reinterpret_cast<__m256i*>(out + 2 * i), _mm512_cvtepi32_epi16(result));
  }
}

}  // namespace wattle::kernels
