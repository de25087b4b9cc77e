// SPDX-License-Identifier: Apache-2.0
#include "tensor/view.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace wattle {
namespace {

TEST(MatView, CutsRowsAndColumns) {
  std::vector<int> data(24);
  std::iota(data.begin(), data.end(), 0);
  const MatView<int> m(data.data(), 4, 6);
  EXPECT_EQ(m.row(2)[1], 13);
  const MatView<int> middle = m.rows({1, 3});
  EXPECT_EQ(middle.n_rows, 2u);
  EXPECT_EQ(middle.row(0)[0], 6);
  const MatView<const int> right = middle.cols(4, 2);
  EXPECT_EQ(right.n_cols, 2u);
  EXPECT_EQ(right.stride, 6u);
  EXPECT_EQ(right.row(1)[1], 17);
  EXPECT_EQ(right.row_span(1).size(), 2u);
}

TEST(TensorView, CountsElementsAndColumns) {
  TensorView t;
  EXPECT_EQ(t.n_elements(), 1u);
  EXPECT_EQ(t.n_cols(), 1u);
  t.n_dims = 3;
  t.shape = {2, 3, 5, 1};
  EXPECT_EQ(t.n_elements(), 30u);
  EXPECT_EQ(t.n_cols(), 5u);
}

}  // namespace
}  // namespace wattle
