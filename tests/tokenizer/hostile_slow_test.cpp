// SPDX-License-Identifier: Apache-2.0
// A megabyte made to be slow, on every real vocabulary. In a release build on a free core each text
// takes under a second; the bound leaves room for sanitizers and busy machines, and still tells the
// minutes of anything quadratic.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "gguf/reader.h"
#include "runtime/vocab_loader.h"
#include "tests/support/needs_golden.h"
#include "tokenizer/tokenizer.h"

namespace wattle {
namespace {

TEST(TokenizerHostile, AMegabyteTakesSecondsOnEveryVocabulary) {
  WATTLE_NEEDS_GOLDEN("tokenizers");
  for (const auto& entry : std::filesystem::directory_iterator(test::golden_dir() / "tokenizers")) {
    if (entry.path().extension() != ".gguf") continue;
    const gguf::File file(entry.path());
    const Tokenizer tokenizer = load_tokenizer(file);
    for (const std::string_view unit : {" ", "a", "\n", "a ", "世界", "<unused62"}) {
      std::string text;
      while (text.size() < 1'000'000) text += unit;
      const auto start = std::chrono::steady_clock::now();
      EXPECT_FALSE(tokenizer.encode(text).empty());
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      EXPECT_LT(seconds.count(), 60) << entry.path() << ' ' << testing::PrintToString(unit);
    }
  }
}

}  // namespace
}  // namespace wattle
