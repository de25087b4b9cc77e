// SPDX-License-Identifier: Apache-2.0
#include "cli/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <system_error>

#include "base/env.h"
#include "base/user_folders.h"
#include "cli/text_file.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxConfigBytes = 1u << 20;

[[noreturn]] void refuse(const std::string& name, const toml::source_region& at,
                         const std::string& what, const char* hint = "") {
  throw Error(ErrorCode::bad_input, fmt::format("{}:{}: {}", name, at.begin.line, what), hint);
}

std::string scalar(const toml::node& node, const std::string& name, std::string_view key) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  refuse(name, node.source(),
         fmt::format("key '{}' is no text, number, true or false, nor an array of these", key));
}

ConfigEntry entry_of(const std::string& command, std::string_view key, const toml::node& node,
                     const std::string& name) {
  ConfigEntry entry{
      .command = command, .key = std::string(key), .values = {}, .line = node.source().begin.line};
  if (const toml::array* array = node.as_array()) {
    for (const toml::node& element : *array) entry.values.push_back(scalar(element, name, key));
    if (entry.values.empty()) {
      refuse(name, node.source(), fmt::format("key '{}' is an empty array", key), "leave it out");
    }
  } else {
    entry.values.push_back(scalar(node, name, key));
  }
  return entry;
}

}  // namespace

std::string ConfigFile::where(const ConfigEntry& entry) const {
  return fmt::format("{}:{}", path.string(), entry.line);
}

std::vector<ConfigEntry> parse_config(std::string_view text, const std::string& name) {
  std::vector<ConfigEntry> entries;
  try {
    const toml::table root = toml::parse(text);
    for (const auto& [key, node] : root) {
      const toml::table* table = node.as_table();
      if (table == nullptr) {
        entries.push_back(entry_of("", key.str(), node, name));
        continue;
      }
      for (const auto& [inner, value] : *table) {
        entries.push_back(entry_of(std::string(key.str()), inner.str(), value, name));
      }
    }
  } catch (const toml::parse_error& error) {
    refuse(name, error.source(), std::string(error.description()),
           "a line is `flag = value`, with quotes around a text");
  }
  // The parser sorts by name.
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  return entries;
}

ConfigFile load_config() {
  ConfigFile file;
  const auto named = env::get(env::kConfig);
  if (named) {
    file.path = *named;
  } else if (const auto folder = user_config_folder()) {
    file.path = *folder / "wattle/config.toml";
  }
  std::error_code error;
  if (!named && (file.path.empty() || !fs::exists(file.path, error))) return file;
  file.exists = true;
  file.entries =
      parse_config(read_text_file(file.path.string(), kMaxConfigBytes), file.path.string());
  return file;
}

}  // namespace wattle::cli
