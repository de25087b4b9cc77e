// SPDX-License-Identifier: Apache-2.0
#include "store/lookup.h"

#include <gmock/gmock.h>

#include "tests/store/places.h"

namespace wattle::store {
namespace {

namespace fs = std::filesystem;
using test::error_text;
using testing::HasSubstr;

using Lookup = test::StoreTest;

TEST_F(Lookup, FindsFilesNamesAndUniqueBeginnings) {
  add(models() / "gemma-3-270m-q4_k_m.gguf");
  add(models() / "SmolLM2-135M-Instruct.Q4_1.gguf");
  add(models() / "big-00001-of-00002.gguf");
  add(models() / "big-00002-of-00002.gguf");
  EXPECT_EQ(resolve_model(""), models() / "SmolLM2-135M-Instruct.Q4_1.gguf");
  EXPECT_EQ(resolve_model("gemma3-270m"), models() / "gemma-3-270m-q4_k_m.gguf");
  EXPECT_EQ(resolve_model("smollm2"), models() / "SmolLM2-135M-Instruct.Q4_1.gguf");
  EXPECT_EQ(resolve_model("gemma-3-270m-q4_k_m.gguf"), models() / "gemma-3-270m-q4_k_m.gguf");
  EXPECT_EQ(resolve_model("big"), models() / "big-00001-of-00002.gguf");
  const fs::path path = models() / "big-00002-of-00002.gguf";
  EXPECT_EQ(resolve_model(path.string()), path);
}

// A whole name is meant even where it begins another one.
TEST_F(Lookup, AnExactNameWins) {
  add(models() / "m.gguf");
  add(models() / "m.gguf.old.gguf");
  EXPECT_EQ(resolve_model("m.gguf"), models() / "m.gguf");
}

TEST_F(Lookup, AnAliasFindsItsFile) {
  add(models() / "gemma-4-26B_q4_0-it.gguf");
  EXPECT_EQ(resolve_model("gemma4-26b-a4b"), models() / "gemma-4-26B_q4_0-it.gguf");
  std::ofstream(models() / "aliases.txt") << "mine hf:o/r:other.gguf 0\n";
  add(models() / "other.gguf");
  EXPECT_EQ(resolve_model("mine"), models() / "other.gguf");
}

TEST_F(Lookup, AMissListsWhatIsThere) {
  const std::string hint = error_text(ErrorCode::io, [] { resolve_model(""); });
  EXPECT_THAT(hint, HasSubstr("./dev fetch"));
  EXPECT_THAT(hint, HasSubstr("`wattle pull smollm2`"));
  const auto alias = find_alias("smollm2", read_aliases(places()));
  ASSERT_TRUE(alias.has_value());
  EXPECT_THAT(hint, HasSubstr(alias->file_name()));
  EXPECT_THAT(error_text(ErrorCode::io, [] { resolve_model("llama"); }),
              HasSubstr("holds no models"));
  add(models() / "gemma-3-270m.gguf");
  add(models() / "gemma-3-1b.gguf");
  EXPECT_THAT(error_text(ErrorCode::io, [] { resolve_model("llama"); }),
              HasSubstr("gemma-3-1b.gguf, gemma-3-270m.gguf"));
  EXPECT_THAT(error_text(ErrorCode::io, [] { resolve_model("gemma"); }),
              HasSubstr("several models"));
  EXPECT_THAT(error_text(ErrorCode::io, [] { resolve_model("/"); }), HasSubstr("'/'"));
}

TEST_F(Lookup, WithoutAHomeAFileIsStillFound) {
  const fs::path file = add(models() / "a.gguf");
  ::unsetenv("HOME");
  ::unsetenv("WATTLE_MODELS");
  EXPECT_EQ(resolve_model(file.string()), file);
  EXPECT_THAT(error_text(ErrorCode::usage, [] { resolve_model("a"); }),
              HasSubstr("neither WATTLE_MODELS nor HOME"));
}

}  // namespace
}  // namespace wattle::store
