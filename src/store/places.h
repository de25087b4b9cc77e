// SPDX-License-Identifier: Apache-2.0
// Where models lie: folders of this program, and the cache of the hub's own client.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace wattle::store {

struct Places {
  // Searched in this order. Models are put into the first; the others may be somebody else's and
  // read-only. Empty where nothing says where.
  std::vector<std::filesystem::path> folders{};
  // Of the Hugging Face client, which llama.cpp uses too. Only ever read.
  std::optional<std::filesystem::path> hub_cache{};

  // Where models are put; Error{usage} where there is no folder.
  const std::filesystem::path& own_folder() const;
};

// folders: $WATTLE_MODELS, several with ':' between, else wattle/models in the user's data folder.
// hub_cache: $HF_HUB_CACHE, else $HF_HOME/hub, else huggingface/hub in the user's cache folder.
Places places_from_environment();

}  // namespace wattle::store
