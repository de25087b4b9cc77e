// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/product_runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "backend/rknpu/weight_memory.h"
#include "tests/backend/rknpu/device_fixture.h"
#include "tests/support/random_matrix.h"

namespace wattle::rknpu {
namespace {

// Three pieces, of which the one in the middle is of no product: the rows of the last one must not
// be packed where a round with those of the first one has them.
TEST_F(RknpuDeviceTest, RowsOfNoProductTakeNoTurn) {
  test::RandomBlocks random(17);
  const test::Matrix w(random, DType::q4_0, 300, 256);
  SubmitThread submits(*npu);
  ProductRunner runner(*npu, submits, context, 0);
  runner.reserve(Arithmetic::w16a16, 256, 3 * kRoundRows, kRoundRows);
  WeightMemory weights(*npu, 0);
  const auto places =
      weights.take(PackedMatrix::bytes_needed(w.view, Arithmetic::w16a16, npu->info()));
  const auto packed =
      PackedMatrix::pack(w.view, 1, Arithmetic::w16a16, npu->info(), places, context);
  ASSERT_TRUE(packed);

  const test::Rows x = test::random_rows(random, 3 * kRoundRows, 256);
  const test::Rows y(3 * kRoundRows, 300);
  std::fill_n(y.view.row(kRoundRows), 300, std::numeric_limits<float>::quiet_NaN());
  const std::array groups{RowRange{0, kRoundRows}, RowRange{kRoundRows, 2 * kRoundRows},
                          RowRange{2 * kRoundRows, 3 * kRoundRows}};
  runner.run(x.view, {}, groups,
             std::vector<NpuProduct>{{.w = &*packed, .y = y.view, .group = 0},
                                     {.w = &*packed, .y = y.view, .group = 2}});
  for (const size_t g : {size_t{0}, size_t{2}}) {
    EXPECT_LE(relative_error(w, x.view.rows(groups[g]), y.view.rows(groups[g])),
              bound_of(Arithmetic::w16a16))
        << "group " << g;
  }
  for (const float v : std::span(y.view.row(kRoundRows), 300)) EXPECT_TRUE(std::isnan(v));
}

}  // namespace
}  // namespace wattle::rknpu
