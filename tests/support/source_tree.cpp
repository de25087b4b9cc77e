// SPDX-License-Identifier: Apache-2.0
#include "tests/support/source_tree.h"

#include <cstdlib>

namespace wattle::test {

std::filesystem::path source_dir() { return WATTLE_SOURCE_DIR; }

std::filesystem::path golden_dir() {
  if (const char* set = std::getenv("WATTLE_GOLDEN"); set != nullptr && *set != '\0') return set;
  return source_dir() / ".." / "shared" / "golden";
}

std::filesystem::path stories_model() { return source_dir() / "models/stories-gemma4-moe.gguf"; }

}  // namespace wattle::test
