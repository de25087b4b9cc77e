// SPDX-License-Identifier: Apache-2.0
// The door `hub_metadata`: what a hub answers about a repository, and the choice of a file. Either
// an Error, or files of one model whose names may be written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "store/hub.h"
#include "store/sha256.h"
#include "store/source.h"
#include "store/url.h"
#include "wattle/error.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void parse_and_choose(std::string_view json, const std::string& selector) {
  const wattle::store::HubRepo repo = wattle::store::parse_hub_repo(json, "o/r");
  const auto files = wattle::store::choose_files(repo, selector);
  check(!files.empty());
  std::set<std::string> names;
  for (const auto& file : files) {
    check(names.insert(file.name()).second);
    check(wattle::store::is_safe_model_name(file.name()));
    check(file.name().find('/') == std::string::npos);
    check(file.sha256.empty() || wattle::store::is_sha256(file.sha256));
  }
}

}  // namespace

// The first line is the selector, also read as something to pull; the rest is the answer.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string first(text.substr(0, text.find('\n')));
  const std::string_view rest = text.substr(std::min(text.size(), first.size() + 1));
  try {
    (void)wattle::store::parse_source(first, {}, wattle::store::kDefaultEndpoint);
  } catch (const wattle::Error&) {
  }
  try {
    parse_and_choose(rest, first);
  } catch (const wattle::Error&) {
  }
  return 0;
}
