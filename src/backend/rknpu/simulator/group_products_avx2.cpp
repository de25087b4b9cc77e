// SPDX-License-Identifier: Apache-2.0
// Compiled for AVX2, FMA and F16C, alone: includes only intrinsics and a plain struct.
#include <immintrin.h>

#include "backend/rknpu/simulator/group_products.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kRows = 4;  // that share the unpacking of a kernel

struct Block {  // 32 channels as 16-bit integers
  __m256i low;
  __m256i high;
};

struct UnpackI8 {
  static constexpr size_t kBytes = kBlock;
  static Block load(const std::byte* kernel) {
    const auto* at = reinterpret_cast<const __m128i*>(kernel);
    return {_mm256_cvtepi8_epi16(_mm_loadu_si128(at)),
            _mm256_cvtepi8_epi16(_mm_loadu_si128(at + 1))};
  }
};

struct UnpackI4 {
  static constexpr size_t kBytes = kBlock / 2;
  static Block load(const std::byte* kernel) {
    const __m256i bytes =
        _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kernel)));
    return {_mm256_srai_epi16(bytes, 4), _mm256_srai_epi16(_mm256_slli_epi16(bytes, 12), 12)};
  }
};

int32_t sum_of(__m256i v) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

template <class Unpack, size_t kN>
void rows_of_integers(const int16_t* rows, size_t n_k, const std::byte* kernels, size_t n_kernels,
                      int32_t* sums) {
  for (size_t n = 0; n < n_kernels; ++n) {
    __m256i acc[kN] = {};
    for (size_t block = 0; block < n_k / kBlock; ++block) {
      const Block w = Unpack::load(kernels + (block * n_kernels + n) * Unpack::kBytes);
      for (size_t m = 0; m < kN; ++m) {
        const auto* row = reinterpret_cast<const __m256i*>(rows + m * n_k + block * kBlock);
        acc[m] = _mm256_add_epi32(acc[m], _mm256_madd_epi16(_mm256_loadu_si256(row), w.low));
        acc[m] = _mm256_add_epi32(acc[m], _mm256_madd_epi16(_mm256_loadu_si256(row + 1), w.high));
      }
    }
    for (size_t m = 0; m < kN; ++m) sums[m * n_kernels + n] = sum_of(acc[m]);
  }
}

template <class Unpack>
void integers(const int16_t* rows, size_t n_rows, size_t n_k, const std::byte* kernels,
              size_t n_kernels, int32_t* sums) noexcept {
  size_t m = 0;
  for (; m + kRows <= n_rows; m += kRows) {
    rows_of_integers<Unpack, kRows>(rows + m * n_k, n_k, kernels, n_kernels, sums + m * n_kernels);
  }
  for (; m < n_rows; ++m)
    rows_of_integers<Unpack, 1>(rows + m * n_k, n_k, kernels, n_kernels, sums + m * n_kernels);
}

// The upper half of the lanes is added to the lower, five times.
float sum_of(const __m256 (&lanes)[4]) {
  const __m256 eight =
      _mm256_add_ps(_mm256_add_ps(lanes[0], lanes[2]), _mm256_add_ps(lanes[1], lanes[3]));
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

template <size_t kN>
void rows_of_halves(const float* rows, size_t n_k, const std::byte* kernels, size_t n_kernels,
                    float* sums) {
  for (size_t n = 0; n < n_kernels; ++n) {
    __m256 acc[kN][4] = {};
    for (size_t block = 0; block < n_k / kBlock; ++block) {
      const auto* at = reinterpret_cast<const __m128i*>(kernels) + (block * n_kernels + n) * 4;
      for (size_t i = 0; i < 4; ++i) {
        const __m256 w = _mm256_cvtph_ps(_mm_loadu_si128(at + i));
        for (size_t m = 0; m < kN; ++m) {
          const float* row = rows + m * n_k + block * kBlock + 8 * i;
          acc[m][i] = _mm256_fmadd_ps(_mm256_loadu_ps(row), w, acc[m][i]);
        }
      }
    }
    for (size_t m = 0; m < kN; ++m) sums[m * n_kernels + n] = sum_of(acc[m]);
  }
}

void halves(const float* rows, size_t n_rows, size_t n_k, const std::byte* kernels,
            size_t n_kernels, float* sums) noexcept {
  size_t m = 0;
  for (; m + 2 <= n_rows; m += 2)
    rows_of_halves<2>(rows + m * n_k, n_k, kernels, n_kernels, sums + m * n_kernels);
  if (m < n_rows) rows_of_halves<1>(rows + m * n_k, n_k, kernels, n_kernels, sums + m * n_kernels);
}

}  // namespace

const GroupProducts kAvx2GroupProducts = {
    .i8 = integers<UnpackI8>, .i4 = integers<UnpackI4>, .f16 = halves};

}  // namespace wattle::rknpu
