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

// Two neighbouring elements in a lane, of weights and of activations. Decode is bound by memory:
// with 512 bits one thread read a quarter less.
struct PairsOfBf16 {
  using Element = uint16_t;
  using Act = PairsOfBf16;
  static constexpr size_t kColumns = 16;
  WATTLE_INLINE static __m256 load(const uint16_t* p) { return _mm256_castsi256_ps(load256(p)); }
  WATTLE_INLINE static __m256 add_product(__m256 w, __m256 x, __m256 sum) {
    return _mm256_dpbf16_ps(sum, __builtin_bit_cast(__m256bh, w), __builtin_bit_cast(__m256bh, x));
  }
};

WATTLE_INLINE __m512 dot(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, __builtin_bit_cast(__m512bh, a), __builtin_bit_cast(__m512bh, b));
}

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
                                     .matvec = matvec<MatvecFloats, PairsOfBf16>,
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
