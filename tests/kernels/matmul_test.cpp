// SPDX-License-Identifier: Apache-2.0
// Matrix products: scalar against reference on activations that int8 holds exactly, and every
// kernel set of this machine against scalar.
#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/half.h"
#include "kernels/kernels.h"
#include "tests/support/random_blocks.h"

namespace wattle::kernels {
namespace {

using test::BlockCodes;
using test::BlockScales;
using test::RandomBlocks;

// One product W x for several activation rows, with all buffers a kernel may ask for.
class Product {
 public:
  Product(DType type, size_t n_rows, size_t n_cols, AlignedBuffer<std::byte> w,
          std::vector<AlignedBuffer<float>> x)
      : type_(type), n_rows_(n_rows), n_cols_(n_cols), w_(std::move(w)), x_(std::move(x)) {}

  size_t n_rows() const { return n_rows_; }
  size_t n_act() const { return x_.size(); }

  // y [n_act][n_rows] of activation rows [act_begin, act_end), computed in the given row ranges.
  std::vector<std::vector<float>> run(const KernelTable& table, bool matmul,
                                      const std::vector<RowRange>& ranges, size_t act_begin,
                                      size_t act_end) const {
    const MatmulKernel& kernel = *table.matmul_for(type_);
    const size_t act_bytes = act_row_bytes(kernel.act, n_cols_);
    std::vector<AlignedBuffer<std::byte>> rows;
    std::vector<const std::byte*> act;
    std::vector<std::vector<float>> y;
    std::vector<float*> y_rows;
    for (size_t a = act_begin; a < act_end; ++a) {
      AlignedBuffer<std::byte>& row = rows.emplace_back(act_bytes);
      if (kernel.act == ActFormat::q8)
        table.quantize_act(x_[a].data(), n_cols_, row.data());
      else if (kernel.act == ActFormat::bf16)
        table.round_act(x_[a].data(), n_cols_, row.data());
      else
        std::memcpy(row.data(), x_[a].data(), n_cols_ * sizeof(float));
      y.emplace_back(n_rows_, NAN);
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      act.push_back(rows[i].data());
      y_rows.push_back(y[i].data());
    }
    AlignedBuffer<std::byte> scratch(kernel.scratch_bytes(n_cols_));
    const MatmulArgs args{.w = w_.data(),
                          .w_row_bytes = row_bytes(type_, n_cols_),
                          .n_cols = n_cols_,
                          .act = act.data(),
                          .y = y_rows.data(),
                          .n_act = act.size(),
                          .scratch = scratch.data()};
    for (const RowRange range : ranges) (matmul ? kernel.matmul : kernel.matvec)(args, range);
    return y;
  }

  std::vector<std::vector<float>> run(const KernelTable& table, bool matmul) const {
    return run(table, matmul, {{0, n_rows_}}, 0, n_act());
  }

 private:
  DType type_;
  size_t n_rows_;
  size_t n_cols_;
  AlignedBuffer<std::byte> w_;
  std::vector<AlignedBuffer<float>> x_;
};

std::vector<Isa> machine_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : all_isas_fastest_first())
    if (detect_cpu_features().supports(isa)) isas.push_back(isa);
  return isas;
}

KernelTable table_of(Isa isa) { return make_kernel_table(detect_cpu_features(), isa); }

// Calls check(type, table, oracle) for every type that a set has a kernel of its own for; the
// oracle takes the same activations. What a set lacks is tested with the set it is borrowed from.
template <class Check>
void for_each_fast_kernel(const Check& check) {
  const KernelTable scalar = table_of(Isa::scalar);
  for (const Isa isa : machine_isas()) {
    if (isa == Isa::scalar || isa == Isa::reference) continue;
    const KernelTable table = table_of(isa);
    for (const DTypeInfo& info : all_dtypes()) {
      if (table.matmul_for(info.type)->name != isa_name(isa)) continue;
      SCOPED_TRACE(std::string(isa_name(isa)) + " " + std::string(info.name));
      // A product of BF16 gets activations that bf16 holds (float_rows): floats for the oracle.
      if (table.matmul_for(info.type)->act != ActFormat::bf16) {
        ASSERT_EQ(table.matmul_for(info.type)->act, scalar.matmul_for(info.type)->act);
      }
      check(info.type, table, scalar);
    }
  }
}

std::vector<size_t> widths(DType type) {
  std::vector<size_t> out;
  for (const size_t n : {1, 7, 32, 33, 64, 96, 100, 256, 288, 512, 576, 704, 1024, 2112})
    if (n % dtype_info(type).block_elems == 0) out.push_back(n);
  return out;
}

double nmse(const std::vector<std::vector<float>>& got,
            const std::vector<std::vector<float>>& want) {
  double error = 0;
  double power = 0;
  for (size_t a = 0; a < want.size(); ++a) {
    for (size_t r = 0; r < want[a].size(); ++r) {
      const double difference = static_cast<double>(got[a][r]) - want[a][r];
      error += difference * difference;
      power += static_cast<double>(want[a][r]) * want[a][r];
    }
  }
  return power == 0 ? error : error / power;
}

std::vector<AlignedBuffer<float>> integer_rows(RandomBlocks& random, size_t n_act, size_t n_cols,
                                               int limit) {
  std::vector<AlignedBuffer<float>> x;
  x.reserve(n_act);
  for (size_t a = 0; a < n_act; ++a) x.push_back(random.integers(n_cols, limit));
  return x;
}

// For weights of this type: those of BF16 are multiplied by floats or by bf16, so they get what
// both hold.
std::vector<AlignedBuffer<float>> float_rows(RandomBlocks& random, DType type, size_t n_act,
                                             size_t n_cols) {
  std::vector<AlignedBuffer<float>> x;
  x.reserve(n_act);
  for (size_t a = 0; a < n_act; ++a) {
    AlignedBuffer<float>& row = x.emplace_back(random.floats(n_cols));
    if (type != DType::bf16) continue;
    for (size_t i = 0; i < n_cols; ++i) row[i] = bf16_to_f32(f32_to_bf16(row[i]));
  }
  return x;
}

// Both sum in f64 and round once, so that all that may differ is the last place: the reference
// rounds each weight to f32, scalar keeps scale and code apart.
TEST(Matmul, ScalarIsTheReferenceOnActivationsThatInt8HoldsExactly) {
  const KernelTable reference = table_of(Isa::reference);
  const KernelTable scalar = table_of(Isa::scalar);
  RandomBlocks random(1);
  for (const DTypeInfo& info : all_dtypes()) {
    SCOPED_TRACE(info.name);
    const bool q8 = scalar.matmul_for(info.type)->act == ActFormat::q8;
    EXPECT_EQ(scalar.matmul_for(info.type)->name, q8 ? "scalar" : "reference");
    for (const size_t n_cols : widths(info.type)) {
      const Product product(info.type, 5, n_cols, random.rows(info.type, 5, n_cols),
                            integer_rows(random, 11, n_cols, 127));
      EXPECT_LT(nmse(product.run(scalar, true), product.run(reference, true)), 1e-13) << n_cols;
    }
  }
}

// Int8 activations cost accuracy. For roughly normal activations the error of a code is uniform in
// one step, step = max / 127 with max about 2.2 deviations in 32 elements, so the relative error of
// a product is about 2.2 / 127 / sqrt(12) = 0.005, squared 2.5e-5; outliers make it larger.
TEST(Matmul, QuantisedActivationsKeepTheProduct) {
  const KernelTable reference = table_of(Isa::reference);
  const KernelTable scalar = table_of(Isa::scalar);
  RandomBlocks random(2);
  for (const DTypeInfo& info : all_dtypes()) {
    const Product product(info.type, 32, 512, random.rows(info.type, 32, 512),
                          float_rows(random, info.type, 8, 512));
    EXPECT_LT(nmse(product.run(scalar, false), product.run(reference, false)), 4e-4) << info.name;
  }
}

// With scales of one and integer activations every term of a row is an integer; as long as the
// sums stay below 2^24, f32 holds each of them exactly, in any order.
TEST(Matmul, IntegerProductsAreExact) {
  for_each_fast_kernel([](DType type, const KernelTable& table, const KernelTable& scalar) {
    RandomBlocks random(3);
    if (table.matmul_for(type)->act != ActFormat::q8) return;
    for (const size_t n_cols : widths(type)) {
      const int limit = dtype_info(type).block_elems == 256 ? 1 : 40;
      const Product product(type, 19, n_cols, random.rows(type, 19, n_cols, BlockScales::one),
                            integer_rows(random, 17, n_cols, limit));
      const auto want = product.run(scalar, false);
      for (const auto& row : want)
        for (const float y : row) ASSERT_LT(std::abs(y), 0x1p24f) << "not a case of this test";
      EXPECT_EQ(product.run(table, false), want) << "matvec, n_cols " << n_cols;
      EXPECT_EQ(product.run(table, true), want) << "matmul, n_cols " << n_cols;
    }
  });
}

// Extreme codes against activations of +-127: where 16-bit sums inside a kernel would saturate.
TEST(Matmul, ExtremeCodesDoNotSaturate) {
  for_each_fast_kernel([](DType type, const KernelTable& table, const KernelTable& scalar) {
    RandomBlocks random(4);
    const size_t n_cols = dtype_info(type).block_elems == 256 ? 256 : 32;
    if (table.matmul_for(type)->act != ActFormat::q8) return;
    for (const BlockCodes codes : {BlockCodes::all_ones, BlockCodes::all_zeros}) {
      for (const float sign : {1.0f, -1.0f}) {
        AlignedBuffer<float> x(n_cols);
        for (size_t i = 0; i < n_cols; ++i) x[i] = 127 * sign;
        std::vector<AlignedBuffer<float>> rows;
        rows.push_back(std::move(x));
        const Product product(type, 16, n_cols,
                              random.rows(type, 16, n_cols, BlockScales::one, codes),
                              std::move(rows));
        const auto want = product.run(scalar, false);
        EXPECT_EQ(product.run(table, false), want) << "matvec";
        EXPECT_EQ(product.run(table, true), want) << "matmul";
      }
    }
  });
}

// Each group adds one term to an f32 sum, with a relative error of 2^-24 of the partial sum; terms
// of either sign make the partial sums no larger than a few times the result in the mean. The terms
// of a minimum or an offset partly cancel those of the codes: a factor of 8 covers that. One code
// that is off by one in one product of a row would give some 1e-8, far above the bound.
TEST(Matmul, FloatProductsAgreeWithScalar) {
  for_each_fast_kernel([](DType type, const KernelTable& table, const KernelTable& scalar) {
    RandomBlocks random(5);
    const bool q8 = table.matmul_for(type)->act == ActFormat::q8;
    for (const size_t n_cols : widths(type)) {
      const double n_terms = static_cast<double>(q8 ? n_cols / 16 : n_cols) + 4;
      const double bound = std::pow(8 * std::sqrt(n_terms) * 0x1p-24, 2);
      for (const size_t n_act : {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 64}) {
        const Product product(type, 37, n_cols, random.rows(type, 37, n_cols),
                              float_rows(random, type, n_act, n_cols));
        const auto want = product.run(scalar, false);
        EXPECT_LT(nmse(product.run(table, false), want), bound)
            << "matvec, n_cols " << n_cols << ", n_act " << n_act;
        EXPECT_LT(nmse(product.run(table, true), want), bound)
            << "matmul, n_cols " << n_cols << ", n_act " << n_act;
      }
    }
  });
}

TEST(Matmul, ExtremeScalesAgreeWithScalar) {
  for_each_fast_kernel([](DType type, const KernelTable& table, const KernelTable& scalar) {
    RandomBlocks random(6);
    for (const size_t n_cols : widths(type)) {
      const Product product(type, 21, n_cols, random.rows(type, 21, n_cols, BlockScales::extreme),
                            float_rows(random, type, 3, n_cols));
      const auto want = product.run(scalar, false);
      EXPECT_LT(nmse(product.run(table, false), want), 1e-9) << "matvec, n_cols " << n_cols;
      EXPECT_LT(nmse(product.run(table, true), want), 1e-9) << "matmul, n_cols " << n_cols;
    }
  });
}

// What lets threads share work in any way, and company of other rows change nothing.
TEST(Matmul, NeitherRowRangesNorCompanyChangeABit) {
  for_each_fast_kernel([](DType type, const KernelTable& table, const KernelTable&) {
    RandomBlocks random(7);
    // More columns and activation rows than a kernel takes in one piece.
    const size_t n_cols = dtype_info(type).block_elems == 256 ? 1280 : 1120;
    const size_t tile = table.matmul_for(type)->tile_rows;
    const size_t n_rows = 3 * tile + 5;
    const Product product(type, n_rows, n_cols, random.rows(type, n_rows, n_cols),
                          float_rows(random, type, 19, n_cols));
    for (const bool matmul : {false, true}) {
      SCOPED_TRACE(matmul ? "matmul" : "matvec");
      const auto whole = product.run(table, matmul);
      const std::vector<RowRange> parts =
          matmul ? std::vector<RowRange>{{2 * tile, n_rows}, {0, tile}, {tile, 2 * tile}}
                 : std::vector<RowRange>{{1, 2}, {0, 1}, {7, n_rows}, {2, 7}, {5, 5}};
      EXPECT_EQ(product.run(table, matmul, parts, 0, product.n_act()), whole);
      for (size_t a = 0; a < product.n_act(); ++a) {
        EXPECT_EQ(product.run(table, matmul, {{0, n_rows}}, a, a + 1)[0], whole[a]) << a;
      }
    }
  });
}

TEST(Matmul, WritesOnlyTheRowsAskedFor) {
  for_each_fast_kernel([](DType type, const KernelTable& table, const KernelTable&) {
    RandomBlocks random(8);
    const size_t tile = table.matmul_for(type)->tile_rows;
    const size_t n_rows = 2 * tile + 3;
    const Product product(type, n_rows, 256, random.rows(type, n_rows, 256),
                          float_rows(random, type, 5, 256));
    for (const bool matmul : {false, true}) {
      const RowRange range{tile, tile + 3};
      const auto y = product.run(table, matmul, {range}, 0, product.n_act());
      for (const auto& row : y) {
        for (size_t r = 0; r < n_rows; ++r)
          EXPECT_EQ(std::isnan(row[r]), r < range.begin || r >= range.end) << r;
      }
    }
  });
}

TEST(Matmul, NonFiniteActivationsShowInTheResult) {
  for (const Isa isa : machine_isas()) {
    const KernelTable table = table_of(isa);
    for (const DTypeInfo& info : all_dtypes()) {
      RandomBlocks random(9);
      std::vector<AlignedBuffer<float>> x = float_rows(random, info.type, 2, 256);
      x[0][200] = NAN;
      x[1][7] = INFINITY;
      const Product product(info.type, 3, 256, random.rows(info.type, 3, 256), std::move(x));
      for (const bool matmul : {false, true}) {
        for (const auto& row : product.run(table, matmul))
          for (const float y : row) EXPECT_FALSE(std::isfinite(y)) << isa_name(isa) << info.name;
      }
    }
  }
}

// ---- activations ----

TEST(RoundAct, EverySetGivesTheBytesOfScalar) {
  RandomBlocks random(11);
  for (const size_t n : {1, 15, 16, 31, 32, 33, 100, 576}) {
    AlignedBuffer<float> x = random.floats(n);
    constexpr float kSpecial[] = {0.0f, -0.0f, 1e-40f, -1e-39f, INFINITY, -INFINITY, NAN, 3.4e38f};
    for (size_t i = 0; i < std::size(kSpecial) && 2 * i + 1 < n; ++i) x[2 * i + 1] = kSpecial[i];
    // Ties, to an even and to an odd neighbour.
    if (n > 50) {
      x[40] = std::bit_cast<float>(0x3f808000u);
      x[42] = std::bit_cast<float>(0x3f818000u);
    }
    const size_t bytes = act_row_bytes(ActFormat::bf16, n);
    for (const Isa isa : machine_isas()) {
      AlignedBuffer<std::byte> got(bytes);
      std::memset(got.data(), 0xff, bytes);
      table_of(isa).round_act(x.data(), n, got.data());
      const auto* rounded = reinterpret_cast<const uint16_t*>(got.data());
      for (size_t i = 0; i < bytes / 2; ++i) {
        const uint16_t want = i < n ? f32_to_bf16(x[i]) : uint16_t{0};
        ASSERT_EQ(rounded[i], want) << isa_name(isa) << " " << i << " of " << n;
      }
    }
  }
}

TEST(QuantizeAct, EverySetGivesTheBytesOfScalar) {
  RandomBlocks random(10);
  for (const size_t n : {32, 64, 96, 288, 576, 2112}) {
    AlignedBuffer<float> x = random.floats(n);
    x[3] = 0;
    if (n > 64) {
      for (size_t i = 32; i < 64; ++i) x[i] = -0.0f;
      for (size_t i = 64; i < 96; ++i) x[i] *= 1e-38f;
    }
    if (n > 288) {
      x[290] = INFINITY;
      x[330] = -INFINITY;
      x[360] = NAN;
      for (size_t i = 384; i < 416; ++i) x[i] = (static_cast<float>(i) - 400.0f) * 0x1p120f;
      for (size_t i = 416; i < 448; ++i) x[i] = static_cast<float>(i) - 416.5f;  // ties
      x[416] = 127;
    }
    const size_t bytes = act_row_bytes(ActFormat::q8, n);
    AlignedBuffer<std::byte> want(bytes);
    scalar::quantize_act(x.data(), n, want.data());
    for (const Isa isa : machine_isas()) {
      AlignedBuffer<std::byte> got(bytes);
      table_of(isa).quantize_act(x.data(), n, got.data());
      for (size_t i = 0; i < bytes; ++i) ASSERT_EQ(got[i], want[i]) << isa_name(isa) << " " << i;
    }
  }
}

}  // namespace
}  // namespace wattle::kernels
