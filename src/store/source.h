// SPDX-License-Identifier: Apache-2.0
// What `wattle pull` takes, taken apart.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "store/aliases.h"

namespace wattle::store {

inline constexpr std::string_view kDefaultEndpoint = "https://huggingface.co";

struct Source {
  enum class Kind { hub, url, file };
  Kind kind = Kind::hub;
  // hub
  std::string repo{};  // ORG/NAME
  std::string revision = "main";
  std::string selector{};  // a file or a quantisation, or empty; see choose_files()
  // url
  std::string url{};
  // file
  std::filesystem::path path{};
};

// `hf:ORG/NAME[@REVISION][:QUANT|:FILE]`, the address of a repository or of a file at `endpoint`
// (also a page that shows it), any other http or https address, an alias, or the path of a file.
// Throws Error{usage} that says what is taken.
Source parse_source(const std::string& text, const std::vector<Alias>& aliases,
                    std::string_view endpoint);

}  // namespace wattle::store
