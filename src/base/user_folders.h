// SPDX-License-Identifier: Apache-2.0
// Where programs of this user keep things, as the XDG base directory specification has it.
#pragma once

#include <filesystem>
#include <optional>

namespace wattle {

// Each is nothing where neither its variable nor HOME is set. None of them need exist.
std::optional<std::filesystem::path> user_config_folder();  // $XDG_CONFIG_HOME, ~/.config
std::optional<std::filesystem::path> user_data_folder();    // $XDG_DATA_HOME, ~/.local/share
std::optional<std::filesystem::path> user_state_folder();   // $XDG_STATE_HOME, ~/.local/state
std::optional<std::filesystem::path> user_cache_folder();   // $XDG_CACHE_HOME, ~/.cache

}  // namespace wattle
