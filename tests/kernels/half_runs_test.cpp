// SPDX-License-Identifier: Apache-2.0
// Runs of halves: the very bits of decoding a row and turning it into halves.
#include "kernels/half_runs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "quant/blocks.h"
#include "quant/decode.h"
#include "tests/kernels/isa_tables.h"
#include "tests/support/random_blocks.h"

namespace wattle {
namespace {

constexpr size_t kRunBytes = 64;
constexpr std::byte kUntouched{0x5a};

void expect_the_same(const AlignedBuffer<std::byte>& blocks, size_t n_blocks) {
  const size_t n = n_blocks * quant::kBlockElems;
  std::vector<float> values(n);
  quant::dequantize_row(DType::q4_0, blocks.data(), values.data(), n);
  std::vector<uint16_t> expected(n);
  const float scale = test::kernel_table(Isa::scalar).to_half(values.data(), n, expected.data());
  for (const size_t step : {kRunBytes, 3 * kRunBytes}) {
    for (const Isa isa : test::isas_that_have("half_runs q4_0")) {
      std::vector<std::byte> out(n_blocks * step, kUntouched);
      const float found = test::kernel_table(isa).half_runs_of(DType::q4_0)(blocks.data(), n_blocks,
                                                                            out.data(), step);
      if (std::isnan(scale)) {
        EXPECT_TRUE(std::isnan(found)) << isa_name(isa);
        continue;
      }
      ASSERT_EQ(found, scale) << isa_name(isa);
      for (size_t i = 0; i < out.size(); ++i) {
        if (i % step >= kRunBytes) {
          ASSERT_EQ(out[i], kUntouched);
          continue;
        }
        const auto* const run =
            reinterpret_cast<const std::byte*>(expected.data()) + i / step * kRunBytes;
        ASSERT_EQ(out[i], run[i % step]) << isa_name(isa) << ", byte " << i << " of " << n_blocks;
      }
    }
  }
}

TEST(HalfRuns, AreTheHalvesOfTheDecodedRow) {
  test::RandomBlocks random(4);
  for (const size_t n_blocks : {1, 2, 3, 7, 44, 88}) {
    for (int i = 0; i < 20; ++i) {
      const auto scales = i % 2 == 0 ? test::BlockScales::ordinary : test::BlockScales::extreme;
      expect_the_same(random.rows(DType::q4_0, 1, n_blocks * quant::kBlockElems, scales), n_blocks);
    }
  }
}

TEST(HalfRuns, ScalesOfAllSizes) {
  test::RandomBlocks random(5);
  for (const uint16_t d :
       {0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00}) {
    for (const size_t at : {0, 2}) {
      auto blocks = random.rows(DType::q4_0, 1, 3 * quant::kBlockElems);
      std::memcpy(blocks.data() + at * sizeof(quant::BlockQ4_0), &d, sizeof d);
      expect_the_same(blocks, 3);
      std::memset(blocks.data() + at * sizeof(quant::BlockQ4_0) + 2, 0x88, 16);  // all 0
      expect_the_same(blocks, 3);
    }
  }
  EXPECT_EQ(test::kernel_table(Isa::scalar).half_runs_of(DType::q8_0), nullptr);
}

}  // namespace
}  // namespace wattle
