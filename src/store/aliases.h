// SPDX-License-Identifier: Apache-2.0
// Short names of models: a table in the sources (aliases.cpp), and a file `aliases.txt` of the same
// form in any folder of models, whose rows win.
//
//   # name        from                                     bytes        what it is for
//   gemma4-e2b    hf:google/REPO:gemma-4-E2B_q4_0-it.gguf  3349516256   runs in 8 GB
//
// Fields are separated by blanks; the fourth goes on to the end of the line and may be empty.
// `from` is what `wattle pull` takes and names one file, so that a model is found by its alias
// without asking anybody. `bytes` is the size when the row was written, 0 where nobody looked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/places.h"

namespace wattle::store {

struct Alias {
  std::string name{};
  std::string from{};
  uint64_t size_bytes = 0;
  std::string note{};

  // The name of the file that `from` names, as it will lie in a folder of models.
  std::string file_name() const;
};

// Throws Error{bad_input} naming `table_name`, the line, and what was expected.
std::vector<Alias> parse_aliases(std::string_view text, const std::string& table_name);

// Rows of the files in the order of the places, then those of the table in the sources; of several
// rows of one name only the first. Throws as above for a file that is not such a table.
std::vector<Alias> read_aliases(const Places& places);

std::optional<Alias> find_alias(std::string_view name, const std::vector<Alias>& aliases);

}  // namespace wattle::store
