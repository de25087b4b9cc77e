// SPDX-License-Identifier: Apache-2.0
// The one configuration file, in TOML: keys at its top hold for every command, those of a table
// [COMMAND] for that one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace wattle::cli {

struct ConfigEntry {
  std::string command;              // empty: at the top
  std::string key;                  // the long name of a flag, without dashes
  std::vector<std::string> values;  // as they would be typed; several of an array
  uint32_t line = 0;                // 1-based
};

struct ConfigFile {
  std::filesystem::path path;
  bool exists = false;
  std::vector<ConfigEntry> entries;  // in the order of the file

  // "/home/me/.config/wattle/config.toml:3".
  std::string where(const ConfigEntry& entry) const;
};

// Whatever is no text, number, boolean or array of these in a table of at most one level is
// Error{bad_input} that names file and line.
std::vector<ConfigEntry> parse_config(std::string_view text, const std::string& name);

// $WATTLE_CONFIG, else $XDG_CONFIG_HOME/wattle/config.toml, else ~/.config/wattle/config.toml. A
// file that is not there is empty, unless WATTLE_CONFIG names it. Throws Error: io, bad_input.
ConfigFile load_config();

}  // namespace wattle::cli
