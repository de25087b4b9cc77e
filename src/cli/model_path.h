// SPDX-License-Identifier: Apache-2.0
// What `-m` may be: a file, or a name in the model folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wattle::cli {

// $WATTLE_MODELS, else $XDG_DATA_HOME/wattle/models, else ~/.local/share/wattle/models.
std::filesystem::path model_folder();

// Models in the folder, sorted; of split models the first part. Empty where there is no folder.
std::vector<std::string> models_in(const std::filesystem::path& folder);

// `name` is, in this order: a path to a file; "stories", the model that comes with wattle; a file
// name in the model folder, or the only one that begins with it (letters and digits count:
// "gemma3-270m" finds gemma-3-270m-q4_k_m.gguf). Empty: the default model.
// Throws Error{io} that lists what is there.
std::filesystem::path resolve_model(const std::string& name);

}  // namespace wattle::cli
