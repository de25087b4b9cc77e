// SPDX-License-Identifier: Apache-2.0
// What tests/golden does not see of the real vocabularies: disputed texts, and the way back to
// text.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gguf/reader.h"
#include "runtime/vocab_loader.h"
#include "tests/support/needs_golden.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer.h"

namespace wattle {
namespace {

using nlohmann::json;
using test::golden_dir;
namespace fs = std::filesystem;

struct LoadedTokenizer {
  explicit LoadedTokenizer(const fs::path& path) : file(path), tokenizer(load_tokenizer(file)) {}
  gguf::File file;
  Tokenizer tokenizer;
};

json read_json(const fs::path& path) { return json::parse(std::ifstream(path)); }

std::vector<int> to_ints(const std::vector<TokenId>& ids) {
  std::vector<int> ints;
  for (const TokenId id : ids) ints.push_back(to_int(id));
  return ints;
}

std::vector<fs::path> files_of(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Whether each byte has a token (byte-level vocabularies leave out what never occurred in
// training).
bool expressible(const Tokenizer& tokenizer, const std::string& text) {
  for (const char byte : text) {
    const auto ids = tokenizer.encode(std::string(1, byte), {.add_bos = false});
    if (ids.empty()) return false;
  }
  return true;
}

// docs/adr/0007-tokenizer.md says whom we follow where the two references differ. Here only that it
// is one of them.
TEST(TokenizerGolden, DecidesEveryDisputeForOneOfTheReferences) {
  WATTLE_NEEDS_GOLDEN("tokenizers");
  for (const fs::path& path : files_of(golden_dir() / "tokenizers", ".json")) {
    SCOPED_TRACE(path.string());
    const json golden = read_json(path);
    const json disputed = golden.value("disputed", json::array());
    if (disputed.empty()) continue;
    const LoadedTokenizer loaded(path.parent_path() / golden.at("vocab").get<std::string>());
    for (const json& test : disputed) {
      const auto ids =
          to_ints(loaded.tokenizer.encode(test.at("text").get<std::string>(), {.add_bos = false}));
      EXPECT_TRUE(test.at("ids") == ids || test.at("ids_second") == ids)
          << test.at("text") << " gives " << testing::PrintToString(ids);
    }
  }
}

TEST(TokenizerGolden, DecodesEveryTextAsItWas) {
  WATTLE_NEEDS_GOLDEN("tokenizers");
  for (const fs::path& path : files_of(golden_dir() / "tokenizers", ".json")) {
    SCOPED_TRACE(path.string());
    const json golden = read_json(path);
    const LoadedTokenizer loaded(path.parent_path() / golden.at("vocab").get<std::string>());
    const Tokenizer& tokenizer = loaded.tokenizer;
    for (const json& test : golden.at("cases")) {
      const auto text = test.at("text").get<std::string>();
      const auto ids = tokenizer.encode(text, {.add_bos = false, .parse_special = false});
      // SentencePiece reads U+2581 as a space, and a vocabulary may lack bytes.
      if (text.find("\u2581") != std::string::npos) continue;
      if (!expressible(tokenizer, text)) continue;
      EXPECT_EQ(decode(tokenizer, ids, {.show_control = true}), text);
    }
  }
}

}  // namespace
}  // namespace wattle
