// SPDX-License-Identifier: Apache-2.0
// Rows as floats: every set against quant::dequantize_row, whose values are those of ggml.
#include "kernels/decode_row.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "quant/decode.h"
#include "tests/kernels/isa_tables.h"
#include "tests/support/random_blocks.h"

namespace wattle {
namespace {

TEST(DecodeRow, EverySetGivesTheSameBits) {
  test::RandomBlocks random(3);
  for (const DTypeInfo& type : all_dtypes()) {
    for (const size_t n_blocks : {1, 2, 3, 4, 5, 9}) {
      for (const auto scales : {test::BlockScales::ordinary, test::BlockScales::extreme}) {
        const size_t n = type.block_elems == 1 ? n_blocks * 7 : n_blocks * type.block_elems;
        const auto row = random.rows(type.type, 1, n, scales);
        std::vector<float> expected(n);
        quant::dequantize_row(type.type, row.data(), expected.data(), n);
        for (const Isa isa : test::isas_that_have("decode_row")) {
          std::vector<float> found(n + 1, 12345.0F);
          test::kernel_table(isa).decode_row_of(type.type)(row.data(), found.data(), n);
          EXPECT_EQ(found[n], 12345.0F) << "written beyond the end";
          for (size_t i = 0; i < n; ++i) {
            if (std::isnan(expected[i]) && std::isnan(found[i])) continue;
            ASSERT_EQ(std::bit_cast<uint32_t>(found[i]), std::bit_cast<uint32_t>(expected[i]))
                << isa_name(isa) << " " << type.name << ", element " << i << " of " << n << ": "
                << found[i] << " and " << expected[i];
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace wattle
