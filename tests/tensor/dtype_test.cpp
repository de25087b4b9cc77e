// SPDX-License-Identifier: Apache-2.0
#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <set>

namespace wattle {
namespace {

TEST(DType, TableIsSortedAndConsistent) {
  std::set<std::string_view> names;
  uint32_t last = 0;
  for (const DTypeInfo& info : all_dtypes()) {
    const auto id = static_cast<uint32_t>(info.type);
    EXPECT_TRUE(names.empty() || id > last) << info.name;
    last = id;
    names.insert(info.name);
    EXPECT_EQ(dtype_from_id(id), info.type);
    EXPECT_EQ(dtype_name_of_id(id), info.name);
    EXPECT_EQ(&dtype_info(info.type), &info);
    EXPECT_EQ(row_bytes(info.type, 512), 512 / info.block_elems * info.block_bytes);
  }
  EXPECT_EQ(names.size(), all_dtypes().size());
}

TEST(DType, KnowsNamesOfTypesItCannotRead) {
  EXPECT_FALSE(dtype_from_id(16).has_value());
  EXPECT_EQ(dtype_name_of_id(16), "iq2_xxs");
  EXPECT_EQ(dtype_name_of_id(40), "nvfp4");
  EXPECT_FALSE(dtype_from_id(4).has_value());
  EXPECT_FALSE(dtype_name_of_id(4).has_value());
  EXPECT_FALSE(dtype_name_of_id(0xffffffffu).has_value());
}

}  // namespace
}  // namespace wattle
