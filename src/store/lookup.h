// SPDX-License-Identifier: Apache-2.0
// From what somebody typed to a model: what `-m` may be.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "store/aliases.h"
#include "store/models.h"

namespace wattle::store {

// The file to open for `name`, which is, in this order: a path to a file; "stories", the model that
// comes with wattle; the name of a model in a place; an alias of one; or the beginning of exactly
// one name, where letters and digits count ("gemma3-270m" finds gemma-3-270m-q4_k_m.gguf). Empty:
// the default model.
// Throws Error{io} that says what is there, or how to get what is not.
std::filesystem::path resolve_model(const std::string& name);

// The last three of these, among names; Error{io} where several begin with it, nothing where none.
std::optional<std::string> match_name(const std::string& name,
                                      const std::vector<std::string>& names,
                                      const std::vector<Alias>& aliases);

}  // namespace wattle::store
