// SPDX-License-Identifier: Apache-2.0
// Every set against the f64 formulas of kernels/scalar/elementwise.cpp. Bounds are in units of
// u = 2^-24, the relative error of one f32 rounding: where each element is off by at most k u of
// itself, NMSE <= (k u)^2.
#include "kernels/elementwise.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <numbers>

#include "tests/kernels/isa_tables.h"

namespace wattle {
namespace {

using kernels::KernelTable;
using test::nmse;
using test::random_floats;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Below, at and above one vector of each set, odd tails, and sizes of real models.
constexpr size_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 576, 1003, 2304};

double bound(double k) { return k * 0x1p-24 * k * 0x1p-24; }

// One op on inputs a and b, as the whole output.
using Op = std::function<std::vector<float>(const KernelTable&, std::vector<float> a,
                                            const std::vector<float>& b)>;

void expect_all_sets_near_scalar(const Op& op, double k, float sigma = 1.0F) {
  const KernelTable scalar = test::kernel_table(Isa::scalar);
  for (const Isa isa : test::isas_that_have("elementwise")) {
    const KernelTable table = test::kernel_table(isa);
    for (const size_t n : kSizes) {
      const auto a = random_floats(n, 1, sigma);
      const auto b = random_floats(n, 2);
      EXPECT_LE(nmse(op(table, a, b), op(scalar, a, b)), bound(k))
          << isa_name(isa) << ", n = " << n;
    }
  }
}

// ---- the oracle itself, against numbers anybody can check ----

TEST(ElementwiseScalar, ComputesTheFormulas) {
  const KernelTable t = test::kernel_table(Isa::scalar);
  const float x[2] = {3, 4};
  const float w[2] = {1, 10};
  float y[2];
  t.rms_norm(x, nullptr, 0, y, 2);  // rms = sqrt(25 / 2)
  EXPECT_FLOAT_EQ(y[0], 3 / std::sqrt(12.5F));
  t.rms_norm(x, w, 3.5F, y, 2);  // 12.5 + 3.5 = 16
  EXPECT_FLOAT_EQ(y[0], 0.75F);
  EXPECT_FLOAT_EQ(y[1], 10);

  const float gate[2] = {1, -2};
  const float up[2] = {2, 3};
  t.silu_mul(gate, up, y, 2);
  EXPECT_FLOAT_EQ(y[0], 2 / (1 + std::exp(-1.0F)));
  EXPECT_FLOAT_EQ(y[1], -6 / (1 + std::exp(2.0F)));
  t.gelu_mul(gate, up, y, 2);
  EXPECT_NEAR(y[0], 2 * 0.841192, 1e-6);   // gelu_tanh(1), from PyTorch
  EXPECT_NEAR(y[1], 3 * -0.045402, 2e-6);  // gelu_tanh(-2)
  t.softcap(gate, 2, y, 2);
  EXPECT_FLOAT_EQ(y[1], 2 * std::tanh(-1.0F));

  float neox[4] = {1, 2, 3, 4};
  const float cos[2] = {0, 1};  // the first pair turns by 90 degrees, the second by none
  const float sin[2] = {1, 0};
  t.rope_neox(neox, cos, sin, 4);
  EXPECT_EQ(std::vector<float>(neox, neox + 4), (std::vector<float>{-3, 2, 1, 4}));
  float norm[4] = {1, 2, 3, 4};
  t.rope_norm(norm, cos, sin, 4);
  EXPECT_EQ(std::vector<float>(norm, norm + 4), (std::vector<float>{-2, 1, 3, 4}));

  float logits[3] = {0, std::numbers::ln2_v<float>, -kInf};
  t.softmax(logits, 3);
  EXPECT_FLOAT_EQ(logits[0], 1.0F / 3);
  EXPECT_FLOAT_EQ(logits[1], 2.0F / 3);
  EXPECT_EQ(logits[2], 0);
}

// ---- every set against the oracle ----

TEST(Elementwise, AddScaleMulAreExact) {
  for (const float sigma : {1.0F, 1e-20F, 1e20F}) {
    expect_all_sets_near_scalar(
        [](const KernelTable& t, std::vector<float> a, const std::vector<float>& b) {
          t.add(a.data(), b.data(), a.data(), a.size());
          t.mul(a.data(), b.data(), a.data(), a.size());
          t.scale(a.data(), 0.3F, a.data(), a.size());
          return a;
        },
        0, sigma);
  }
}

TEST(Elementwise, AxpyRoundsOnce) {
  // Fused here, f64 rounded to f32 there: the two differ in rare ties only.
  expect_all_sets_near_scalar(
      [](const KernelTable& t, std::vector<float> a, const std::vector<float>& b) {
        t.axpy(-1.7F, b.data(), a.data(), a.size());
        return a;
      },
      1);
}

TEST(Elementwise, RmsNorm) {
  // The sum of squares runs in 4 * lanes chains, of at most n / 16 + 4 = 148 positive terms; each
  // addition is off by u, half of which is left by the square root; then five roundings.
  const Op plain = [](const KernelTable& t, std::vector<float> a, const std::vector<float>&) {
    t.rms_norm(a.data(), nullptr, 1e-6F, a.data(), a.size());
    return a;
  };
  const Op weighted = [](const KernelTable& t, std::vector<float> a, const std::vector<float>& b) {
    std::vector<float> out(a.size());
    t.rms_norm(a.data(), b.data(), 1e-6F, out.data(), a.size());
    return out;
  };
  for (const float sigma : {1.0F, 1e-3F, 1e6F}) {
    expect_all_sets_near_scalar(plain, 79, sigma);
    expect_all_sets_near_scalar(weighted, 79, sigma);
  }
}

// exp(x) is off by 2 u for the polynomial and its roundings and by |x| u / 2 where x itself was
// rounded. In silu and gelu a small result of a large |x| is off by more u of itself, but not of
// the norm: for inputs of sigma 4, |gate| <= 4 * 4 and 2 + 16 / 2 + 4 more roundings is a bound.
TEST(Elementwise, SiluMul) {
  const Op op = [](const KernelTable& t, std::vector<float> a, const std::vector<float>& b) {
    t.silu_mul(a.data(), b.data(), a.data(), a.size());
    return a;
  };
  expect_all_sets_near_scalar(op, 14, 4.0F);
  expect_all_sets_near_scalar(op, 14, 0.01F);
}

TEST(Elementwise, GeluMul) {
  const Op op = [](const KernelTable& t, std::vector<float> a, const std::vector<float>& b) {
    t.gelu_mul(a.data(), b.data(), a.data(), a.size());
    return a;
  };
  // n = 1 may draw a lone negative gate, whose error is that of the exponent: |2 y| <= 8 here.
  expect_all_sets_near_scalar(op, 30, 1.5F);
  expect_all_sets_near_scalar(op, 14, 0.01F);
}

TEST(Elementwise, Softcap) {
  // tanh is off by 4 u on both sides of 0.625; division and product add 2.
  const Op op = [](const KernelTable& t, std::vector<float> a, const std::vector<float>&) {
    t.softcap(a.data(), 30.0F, a.data(), a.size());
    return a;
  };
  for (const float sigma : {1e-4F, 1.0F, 20.0F, 200.0F}) expect_all_sets_near_scalar(op, 6, sigma);
}

TEST(Elementwise, Rope) {
  // Two products and a difference: 3 u of the pair's length, which the rotation keeps.
  const auto rope = [](auto member) {
    return [member](const KernelTable& t, std::vector<float> a, const std::vector<float>& b) {
      std::vector<float> cos(b.size() / 2 + 1);
      std::vector<float> sin(b.size() / 2 + 1);
      for (size_t i = 0; i < cos.size(); ++i) {
        cos[i] = std::cos(b[i % b.size()]);
        sin[i] = std::sin(b[i % b.size()]);
      }
      (t.*member)(a.data(), cos.data(), sin.data(), a.size() / 2 * 2);
      return a;
    };
  };
  expect_all_sets_near_scalar(rope(&KernelTable::rope_neox), 3);
  expect_all_sets_near_scalar(rope(&KernelTable::rope_norm), 3);
}

TEST(Elementwise, Softmax) {
  // x - max is rounded: for sigma 3 differences stay under 24, half an u each of what little
  // e^-24 leaves; at the top 2 u for exp, and the sum's log n + n / lanes roundings of small terms.
  const Op op = [](const KernelTable& t, std::vector<float> a, const std::vector<float>&) {
    t.softmax(a.data(), a.size());
    return a;
  };
  expect_all_sets_near_scalar(op, 20, 3.0F);
  expect_all_sets_near_scalar(op, 50, 0.1F);
}

TEST(Elementwise, ExpIsGoodToTheLastPlaceButOne) {
  // softmax(0, -x) = (1, e^-x) / sum: the quotient of the two is e^-x, off by 2 u for exp itself
  // and u for each of the two products with 1 / sum.
  for (const Isa isa : test::isas_that_have("elementwise")) {
    const KernelTable t = test::kernel_table(isa);
    for (int i = 0; i < 20000; ++i) {
      const float x = 80.0F * static_cast<float>(i) / 20000;
      float p[2] = {0, -x};
      t.softmax(p, 2);
      const double want = std::exp(-static_cast<double>(x));
      EXPECT_NEAR(static_cast<double>(p[1]) / p[0], want, 4 * 0x1p-24 * want)
          << isa_name(isa) << ", x = " << x;
    }
  }
}

// ---- what the header promises beyond accuracy ----

TEST(Elementwise, PlaceOfAnElementDoesNotChangeItsBits) {
  for (const Isa isa : test::isas_that_have("elementwise")) {
    const KernelTable t = test::kernel_table(isa);
    const auto gate = random_floats(77, 1, 3.0F);
    const auto up = random_floats(77, 2);
    std::vector<float> silu(77), gelu(77), cap(77);
    t.silu_mul(gate.data(), up.data(), silu.data(), 77);
    t.gelu_mul(gate.data(), up.data(), gelu.data(), 77);
    t.softcap(gate.data(), 5, cap.data(), 77);
    for (size_t i = 0; i < 77; ++i) {
      float alone[3];
      t.silu_mul(&gate[i], &up[i], &alone[0], 1);
      t.gelu_mul(&gate[i], &up[i], &alone[1], 1);
      t.softcap(&gate[i], 5, &alone[2], 1);
      EXPECT_EQ(alone[0], silu[i]) << isa_name(isa);
      EXPECT_EQ(alone[1], gelu[i]) << isa_name(isa);
      EXPECT_EQ(alone[2], cap[i]) << isa_name(isa);
    }
  }
}

TEST(Elementwise, WritesNothingPastTheEnd) {
  for (const Isa isa : test::isas_that_have("elementwise")) {
    const KernelTable t = test::kernel_table(isa);
    for (const size_t n : {1, 3, 5, 9, 17, 31}) {
      const auto a = random_floats(64, 1);
      std::vector<float> out(64, 7.0F);
      t.add(a.data(), a.data(), out.data(), n);
      t.silu_mul(a.data(), a.data(), out.data(), n);
      t.rms_norm(a.data(), a.data(), 0, out.data(), n);
      for (size_t i = n; i < 64; ++i) EXPECT_EQ(out[i], 7.0F) << isa_name(isa) << " n " << n;

      std::vector<float> x = a;
      t.softmax(x.data(), n);
      t.rope_neox(x.data(), a.data(), a.data(), n / 2 * 2);
      t.rope_norm(x.data(), a.data(), a.data(), n / 2 * 2);
      for (size_t i = n; i < 64; ++i) EXPECT_EQ(x[i], a[i]) << isa_name(isa) << " n " << n;
    }
  }
}

TEST(Elementwise, InfinitiesAndNaNsFollowTheFormula) {
  const std::vector<float> x = {kInf, kNaN, 200, -200, 0, -kInf, 1e30F, -1e30F};
  const std::vector<float> one(x.size(), 1.0F);
  for (const Isa isa : test::isas_that_have("elementwise")) {
    SCOPED_TRACE(isa_name(isa));
    const KernelTable t = test::kernel_table(isa);
    std::vector<float> y(x.size());
    for (const auto op : {t.silu_mul, t.gelu_mul}) {
      op(x.data(), one.data(), y.data(), x.size());
      EXPECT_EQ(y[0], kInf);
      EXPECT_TRUE(std::isnan(y[1]));
      EXPECT_EQ(y[2], 200);
      EXPECT_NEAR(y[3], 0, 1e-36);
      EXPECT_EQ(y[4], 0);
      EXPECT_TRUE(std::isnan(y[5]));
      EXPECT_EQ(y[6], 1e30F);
      EXPECT_EQ(y[7], 0);
    }
    t.softcap(x.data(), 50, y.data(), x.size());
    EXPECT_EQ(y[0], 50);
    EXPECT_TRUE(std::isnan(y[1]));
    EXPECT_EQ(y[4], 0);
    EXPECT_EQ(y[5], -50);
    EXPECT_EQ(y[7], -50);

    // Far below the maximum: exactly 0, also for -inf; a NaN spoils the whole row.
    std::vector<float> logits(40, -300.0F);
    logits[17] = 5;
    logits[39] = -kInf;
    t.softmax(logits.data(), logits.size());
    for (size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(logits[i], i == 17 ? 1 : 0, 1e-37F);
    logits[3] = kNaN;
    t.softmax(logits.data(), logits.size());
    for (const float v : logits) EXPECT_TRUE(std::isnan(v));

    t.rms_norm(x.data(), nullptr, 0, y.data(), x.size());
    for (const float v : y) EXPECT_TRUE(std::isnan(v));
  }
}

}  // namespace
}  // namespace wattle
