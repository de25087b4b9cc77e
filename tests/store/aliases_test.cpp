// SPDX-License-Identifier: Apache-2.0
#include "store/aliases.h"

#include <gmock/gmock.h>

#include "tests/store/places.h"

namespace wattle::store {
namespace {

using test::error_text;
using testing::AllOf;
using testing::HasSubstr;

using AliasTable = test::StoreTest;

TEST_F(AliasTable, HoldsTheSizesOfGemma4) {
  const auto all = read_aliases(places());
  const auto found = find_alias("gemma4-26b-a4b", all);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->file_name(), "gemma-4-26B_q4_0-it.gguf");
  EXPECT_EQ(found->size_bytes, 14'439'363'584u);
  EXPECT_THAT(found->note, HasSubstr("16 GB board"));
  for (const char* name : {"gemma4-e2b", "gemma4-e4b", "gemma4-12b", "gemma4-31b"}) {
    EXPECT_TRUE(find_alias(name, all).has_value()) << name;
  }
  EXPECT_FALSE(find_alias("gemma4", all).has_value());
}

TEST_F(AliasTable, IsExtendedByAFileWhoseRowsWin) {
  std::ofstream(models() / "aliases.txt")
      << "# ours\n\n  gemma4-e2b https://host/a/b.gguf 7\tfor  the kitchen \r\nx /m/x.gguf 0";
  const auto all = read_aliases(places());
  const auto kitchen = find_alias("gemma4-e2b", all);
  ASSERT_TRUE(kitchen.has_value());
  EXPECT_EQ(kitchen->from, "https://host/a/b.gguf");
  EXPECT_EQ(kitchen->file_name(), "b.gguf");
  EXPECT_EQ(kitchen->size_bytes, 7u);
  EXPECT_EQ(kitchen->note, "for  the kitchen");
  ASSERT_TRUE(find_alias("x", all).has_value());
  EXPECT_EQ(find_alias("x", all)->note, "");
}

TEST_F(AliasTable, NamesTheLineThatIsNoRow) {
  EXPECT_THAT(error_text(ErrorCode::bad_input,
                         [] { parse_aliases("# fine\na hf:o/r:f.gguf many\n", "aliases.txt"); }),
              AllOf(HasSubstr("aliases.txt, line 2"), HasSubstr("'many'")));
  for (const char* bad : {"a", "a hf:o/r:f.gguf", "a hf:o/r:f.gguf -1", "a hf:o/r 1",
                          "a hf:o/r:f.gguf 1x", "a hf:o/r:f.gguf 99999999999999999999"}) {
    error_text(ErrorCode::bad_input, [&] { parse_aliases(bad, "t"); });
  }
}

}  // namespace
}  // namespace wattle::store
