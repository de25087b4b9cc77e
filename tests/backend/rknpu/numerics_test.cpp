// SPDX-License-Identifier: Apache-2.0
// The arithmetic of the NPU's products without an NPU, each piece against plain integers or doubles
// over random and adversarial values.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "backend/rknpu/numerics/arithmetic.h"
#include "backend/rknpu/numerics/hadamard.h"
#include "backend/rknpu/numerics/int4_weights.h"
#include "backend/rknpu/numerics/int8_row.h"
#include "backend/rknpu/numerics/nibble_split.h"
#include "base/half.h"
#include "kernels/act_q8.h"
#include "kernels/matmul.h"
#include "quant/decode.h"
#include "tests/support/random_blocks.h"

namespace wattle::rknpu {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <class T>
std::vector<T> random_integers(std::mt19937& random, size_t n, int low, int high) {
  std::uniform_int_distribution<int> pick(low, high);
  std::vector<T> values(n);
  for (T& v : values) v = static_cast<T>(pick(random));
  return values;
}

// ---- w4a8 ----

TEST(RknpuDigits, MakeEveryInt8) {
  for (int q = -128; q <= 127; ++q) {
    const Digits d = digits_of(static_cast<int8_t>(q));
    EXPECT_EQ(16 * d.high + d.low + 8, q);
    EXPECT_TRUE(d.high >= -8 && d.high <= 7 && d.low >= -8 && d.low <= 7) << q;
  }
}

// The int16 product of the NPU, where nothing saturates.
int32_t digit_product(std::span<const int8_t> q, std::span<const int8_t> b,
                      int8_t Digits::* digit) {
  int32_t sum = 0;
  for (size_t i = 0; i < q.size(); ++i) sum += digits_of(q[i]).*digit * b[i];
  return sum;
}

TEST(RknpuDigits, ProductsEqualExactIntegers) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const size_t n = 32 * (1 + random() % 15);
    auto q = random_integers<int8_t>(random, n, -128, 127);
    auto b = random_integers<int8_t>(random, n, -8, 7);
    if (i % 4 == 1) std::ranges::fill(q, static_cast<int8_t>(i % 8 == 1 ? -128 : 127));
    if (i % 4 == 2) std::ranges::fill(b, static_cast<int8_t>(i % 8 == 2 ? -8 : 7));
    if (i % 4 == 3) {  // every product of the high digits at its extreme
      for (size_t k = 0; k < n; ++k) q[k] = static_cast<int8_t>(b[k] < 0 ? -128 : 127);
    }
    ASSERT_TRUE(digit_sum_bounds(b).fit_int16());
    const int32_t high = digit_product(q, b, &Digits::high);
    const int32_t low = digit_product(q, b, &Digits::low);
    ASSERT_EQ(high, static_cast<int16_t>(high));
    ASSERT_EQ(low, static_cast<int16_t>(low));
    const int32_t exact = std::inner_product(q.begin(), q.end(), b.begin(), 0);
    ASSERT_EQ(join_digits(high, low, std::accumulate(b.begin(), b.end(), 0)), exact);
  }
}

TEST(RknpuDigits, CertificateIsTightAndHoldsForPartialSums) {
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    const size_t n = 1 + random() % 2048;
    const auto b = random_integers<int8_t>(random, n, i % 3 == 0 ? 0 : -8, i % 3 == 1 ? 0 : 7);
    const SumBounds bounds = digit_sum_bounds(b);
    int32_t largest = 0;
    int32_t smallest = 0;
    for (const int8_t w : b) {
      largest += std::max(7 * w, -8 * w);
      smallest += std::min(7 * w, -8 * w);
    }
    EXPECT_EQ(bounds.largest, largest);
    EXPECT_EQ(bounds.smallest, smallest);

    // Some digits, in some order: no sum on the way leaves the bounds.
    const auto digits = random_integers<int8_t>(random, n, -8, 7);
    std::vector<size_t> order(n);
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::shuffle(order, random);
    int32_t sum = 0;
    for (const size_t k : order) {
      sum += digits[k] * b[k];
      ASSERT_TRUE(sum >= bounds.smallest && sum <= bounds.largest);
    }
  }
}

TEST(RknpuDigits, NoColumnOf511WeightsNeedsACertificate) {
  for (const int8_t w : {int8_t{-8}, int8_t{7}}) {
    EXPECT_TRUE(digit_sum_bounds(std::vector<int8_t>(511, w)).fit_int16());
  }
  EXPECT_FALSE(digit_sum_bounds(std::vector<int8_t>(512, -8)).fit_int16());
}

TEST(RknpuInt4Weights, AreThoseOfTheFile) {
  test::RandomBlocks random(3);
  for (const DType type : {DType::q4_0, DType::q4_1, DType::q4_k}) {
    constexpr size_t kCols = 1024;
    const auto rows = random.rows(type, 20, kCols);
    for (size_t r = 0; r < 20; ++r) {
      const std::byte* const row = rows.data() + r * row_bytes(type, kCols);
      std::vector<float> exact(kCols);
      quant::dequantize_row(type, row, exact.data(), kCols);
      std::vector<int8_t> code(kCols);
      std::vector<float> scale(kCols / kInt4Group);
      std::vector<float> min(kCols / kInt4Group);
      int4_weights(type, row, kCols, code.data(), scale.data(), min.data());
      const int offset = int4_type(type)->offset;
      for (size_t i = 0; i < kCols; ++i) {
        ASSERT_TRUE(code[i] >= -8 && code[i] <= 7);
        const size_t g = i / kInt4Group;
        ASSERT_EQ(scale[g] * static_cast<float>(code[i] + offset) + min[g], exact[i]);
      }
    }
  }
  EXPECT_FALSE(int4_type(DType::q5_0));
  EXPECT_FALSE(int4_type(DType::iq4_nl));  // 16 values, but no integers in a row
}

// ---- int8 and int4 ----

TEST(RknpuIntegers, AreTheNearestSteps) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 200; ++i) {
    std::vector<float> x(1 + random() % 600);
    const float size = std::ldexp(1.0f, static_cast<int>(random() % 200) - 100);
    for (float& v : x) v = size * normal(random);
    std::vector<int8_t> q(x.size());
    for (const int most : {127, 7}) {
      const float scale = most == 7 ? to_int4(x, q.data()) : to_int8(x, q.data());
      for (size_t k = 0; k < x.size(); ++k) {
        ASSERT_LE(std::abs(q[k]), most);
        ASSERT_LE(std::abs(x[k] - scale * static_cast<float>(q[k])), 0.5001f * scale);
      }
    }
  }
}

// w4a8 rounds activations exactly as the processor does, so that the two can be held to each other.
TEST(RknpuIntegers, EqualTheActivationsOfTheProcessor) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 100; ++i) {
    std::vector<float> x(kernels::kActGroup * 4);
    for (float& v : x) v = std::ldexp(normal(random), static_cast<int>(random() % 220) - 130);
    if (i % 5 == 0) std::ranges::fill(x, 0.0f);
    AlignedBuffer<std::byte> row(kernels::act_row_bytes(kernels::ActFormat::q8, x.size()));
    kernels::scalar::quantize_act(x.data(), x.size(), row.data());
    const kernels::ActQ8 expected = kernels::act_q8(row.data(), x.size());
    for (size_t g = 0; g < 4; ++g) {
      std::vector<int8_t> q(kernels::kActGroup);
      EXPECT_EQ(to_int8(std::span(x).subspan(g * kernels::kActGroup, kernels::kActGroup), q.data()),
                expected.scale[g].scale);
      EXPECT_TRUE(std::ranges::equal(
          q, std::span(expected.q + g * kernels::kActGroup, kernels::kActGroup)));
    }
  }
}

TEST(RknpuRows, NothingThatIsNotFiniteHides) {
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    std::vector<float> x(64, 1.0f);
    x[17] = bad;
    std::vector<int8_t> q(64, 1);
    EXPECT_TRUE(std::isnan(to_int8(x, q.data())));
    EXPECT_EQ(std::ranges::count(q, 0), 64);
  }
}

TEST(RknpuRows, ExtremesOfFloats) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
  for (const float v : {0.0f, kSmallest, 0x1p-126f, 0x1p-119f, kLargest}) {
    const std::vector<float> x{v, -v};
    int8_t q[2];
    const float int8_scale = to_int8(x, q);
    EXPECT_EQ(q[0], v < 0x1p-119f ? 0 : 127) << v;
    EXPECT_EQ(q[1], -q[0]);
    EXPECT_TRUE(std::isfinite(int8_scale));
  }
}

// ---- Hadamard ----

TEST(RknpuHadamard, IsItsDefinition) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (const size_t block : {1, 2, 32, 64, 512}) {
    std::vector<float> x(3 * block);
    for (float& v : x) v = normal(random);
    std::vector<float> y = x;
    hadamard(y, block);
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t begin = i / block * block;
      double sum = 0;
      for (size_t j = 0; j < block; ++j)
        sum += (std::popcount((i - begin) & j) % 2 == 0 ? 1.0 : -1.0) * x[begin + j];
      ASSERT_NEAR(y[i], sum / std::sqrt(static_cast<double>(block)), 1e-5);
    }
  }
}

TEST(RknpuHadamard, KeepsProductsAndSpreadsOutliers) {
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  const auto product = [](const std::vector<float>& a, const std::vector<float>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  for (const size_t n : {576, 640, 288, 1536, 96, 33}) {
    std::vector<float> x(n);
    std::vector<float> w(n);
    for (float& v : x) v = normal(random);
    for (float& v : w) v = normal(random);
    x[n / 3] = 1000;
    const size_t block = hadamard_block(n);
    ASSERT_EQ(n % block, 0U);
    ASSERT_TRUE(std::has_single_bit(block));
    ASSERT_NE(n / block % 2, 0U) << "a larger one divides it";
    const double exact = product(x, w);
    hadamard(x, block);
    hadamard(w, block);
    EXPECT_NEAR(product(x, w), exact, 1e-3 * 1000);
    const float largest =
        std::abs(*std::ranges::max_element(x, {}, [](float v) { return std::abs(v); }));
    EXPECT_LT(largest, 1000 / std::sqrt(static_cast<float>(block)) + 5);
  }
}

// ---- tiles ----

TEST(RknpuTiles, CoverEveryColumnInWholeRunsOf32) {
  for (size_t n_in = 1; n_in <= 40000; n_in += n_in < 600 ? 1 : 997) {
    for (size_t i = 0; i < 2 * kArithmetics.size(); ++i) {
      const Arithmetic arithmetic = kArithmetics[i / 2];
      const Form form = i % 2 == 0 ? Form::vendor : Form::rocket;
      const KTiles tiles = tiles_of(arithmetic, form, n_in);
      EXPECT_EQ(tiles.size % 32, 0U);
      EXPECT_LE(tiles.size, largest_tile(arithmetic, form));
      EXPECT_GE(tiles.n_k(), n_in);
      EXPECT_LT(tiles.n_k() - n_in, 32 * tiles.n);
      if (arithmetic == Arithmetic::w4a8) {
        EXPECT_EQ(tiles.size, kInt4Group);
      } else if (matmul_type_of(arithmetic) == MatmulType::i4_i4_i16) {
        EXPECT_LE(tiles.size * 7 * 7, static_cast<size_t>(INT16_MAX));
      }
    }
  }
}

}  // namespace
}  // namespace wattle::rknpu
