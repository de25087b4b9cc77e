// SPDX-License-Identifier: Apache-2.0
// tokenizers/: real vocabularies and texts with their ids. `cases` parse special tokens that are
// written in the text, `plain` do not. `disputed` are texts where two reference implementations
// differ; docs/adr/0007-tokenizer.md says which one we follow, and they are not asserted here.
#include <fmt/format.h>

#include "gguf/reader.h"
#include "logits.h"
#include "runtime/vocab_loader.h"
#include "tally.h"
#include "tokenizer/tokenizer.h"

namespace wattle::golden {
namespace {

void check_texts(const std::string& where, const nlohmann::json& texts, const Tokenizer& tokenizer,
                 EncodeOptions options, Tally& tally) {
  for (const auto& item : texts) {
    const std::string text = item.at("text").get<std::string>();
    const std::vector<TokenId> ids = tokenizer.encode(text, options);
    const bool same = ids == ids_of(item.at("ids"));
    tally.check(same, fmt::format("{}: text {}: {} ids, expected {}", where, item.at("text").dump(),
                                  ids.size(), item.at("ids").size()));
  }
}

void check_vocabulary(const std::string& name, const std::filesystem::path& vocab,
                      const nlohmann::json& golden, Tally& tally) {
  const gguf::File file(vocab);
  const Tokenizer tokenizer = load_tokenizer(file);
  check_texts(name, golden.at("cases"), tokenizer, {.add_bos = false, .parse_special = true},
              tally);
  if (golden.contains("plain")) {
    check_texts(name + ", special tokens not parsed", golden["plain"], tokenizer,
                {.add_bos = false, .parse_special = false}, tally);
  }
  if (golden.contains("disputed") && !golden["disputed"].empty()) {
    tally.skip(name + ": texts where the two references differ", golden["disputed"].size());
  }
}

}  // namespace

void check_tokenizers(const std::filesystem::path& folder, Tally& tally) {
  for (const auto& path : files_with_extension(folder, ".json")) {
    const std::string name = "tokenizers/" + path.stem().string();
    try {
      const nlohmann::json golden = read_json(path);
      check_vocabulary(name, folder / golden.at("vocab").get<std::string>(), golden, tally);
    } catch (const Error& e) {
      tally.fail(fmt::format("{}: {} ({})", name, e.what(), e.hint()));
    } catch (const nlohmann::json::exception& e) {
      tally.fail(fmt::format("{}: {}", name, e.what()));
    }
  }
}

void check_tiny_tokenizers(const std::filesystem::path& json_path, Tally& tally) {
  const nlohmann::json tiny = read_json(json_path);
  for (const auto& [kind, golden] : tiny.at("tokenizers").items()) {
    check_vocabulary("models/tiny tokenizer " + kind,
                     json_path.parent_path() / golden.at("file").get<std::string>(), golden, tally);
  }
}

}  // namespace wattle::golden
