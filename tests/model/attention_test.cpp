// SPDX-License-Identifier: Apache-2.0
// How the work of attention is shared; what it computes is held to the models' reference data.
#include "model/blocks/attention.h"

#include <gtest/gtest.h>

namespace wattle {
namespace {

TEST(HeadsPerUnit, AllOfAGroupWhereThereAreUnitsEnough) {
  EXPECT_EQ(heads_per_unit(4, 8, 2), 4u);
  EXPECT_EQ(heads_per_unit(3, 3, 1), 3u);
  EXPECT_EQ(heads_per_unit(3, 96, 8), 3u);  // many tiles
}

TEST(HeadsPerUnit, NoFewerThanGiveEachThreadTwoUnits) {
  EXPECT_EQ(heads_per_unit(4, 1, 2), 1u);
  EXPECT_EQ(heads_per_unit(8, 2, 4), 2u);
  EXPECT_EQ(heads_per_unit(3, 3, 2), 2u);  // 3 x (2 + 1) heads are 6 units
  EXPECT_EQ(heads_per_unit(5, 2, 2), 3u);  // 2 x (3 + 2)
  EXPECT_EQ(heads_per_unit(7, 2, 4), 2u);  // 2 x (2 + 2 + 2 + 1)
}

TEST(HeadsPerUnit, OneHeadCannotBeShared) {
  EXPECT_EQ(heads_per_unit(1, 1, 8), 1u);
  EXPECT_EQ(heads_per_unit(3, 1, 64), 1u);
}

}  // namespace
}  // namespace wattle
