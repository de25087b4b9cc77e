// SPDX-License-Identifier: Apache-2.0
// Token ids of real vocabularies, against llama.cpp and the original tokenizers.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gguf/reader.h"
#include "runtime/vocab_loader.h"
#include "tests/support/golden_dir.h"
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

void expect_ids(const Tokenizer& tokenizer, const json& test, EncodeOptions options,
                const char* ids = "ids") {
  const auto text = test.at("text").get<std::string>();
  EXPECT_EQ(to_ints(tokenizer.encode(text, options)), test.at(ids).get<std::vector<int>>())
      << "text: " << test.at("text");
}

TEST(TokenizerGolden, GivesTheReferenceIdsOfEveryVocabulary) {
  WATTLE_NEEDS_GOLDEN("tokenizers");
  for (const fs::path& path : files_of(golden_dir() / "tokenizers", ".json")) {
    SCOPED_TRACE(path.string());
    const json golden = read_json(path);
    const LoadedTokenizer loaded(path.parent_path() / golden.at("vocab").get<std::string>());
    for (const json& test : golden.at("cases")) {
      expect_ids(loaded.tokenizer, test, {.add_bos = false});
    }
    for (const json& test : golden.at("plain")) {
      expect_ids(loaded.tokenizer, test, {.add_bos = false, .parse_special = false});
    }
  }
}

}  // namespace
}  // namespace wattle
