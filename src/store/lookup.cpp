// SPDX-License-Identifier: Apache-2.0
#include "store/lookup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <system_error>

#include "wattle/error.h"

namespace wattle::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultModel =
    "SmolLM2-135M-Instruct.Q4_1.gguf";  // "smollm2" of aliases.cpp
constexpr const char* kStories = "stories";
constexpr const char* kStoriesFile = "stories-gemma4-moe.gguf";

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::string letters_and_digits(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0) out.push_back(static_cast<char>(std::tolower(u)));
  }
  return out;
}

// Beside the program: in a build tree up to the sources, or in the share folder of an installation.
fs::path find_stories() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  std::vector<fs::path> places{program.parent_path() / "../share/wattle/models"};
  fs::path folder = program.parent_path();
  for (int up = 0; up < 4 && folder.has_relative_path(); ++up, folder = folder.parent_path()) {
    places.push_back(folder / "models");
  }
  for (const fs::path& place : places) {
    if (is_file(place / kStoriesFile)) return (place / kStoriesFile).lexically_normal();
  }
  throw Error(ErrorCode::io,
              fmt::format("the model '{}' ({}) is not beside the program", kStories, kStoriesFile),
              "it lies in the folder models/ of the sources; name its path with -m");
}

std::string where(const Places& places) {
  std::vector<std::string> folders;
  folders.reserve(places.folders.size());
  for (const fs::path& folder : places.folders) folders.push_back(folder.string());
  return fmt::format("{}", fmt::join(folders, ", "));
}

std::string what_is_there(const Places& places, const std::vector<std::string>& names) {
  if (names.empty()) return fmt::format("{} holds no models", where(places));
  return fmt::format("there are: {}", fmt::join(names, ", "));
}

}  // namespace

std::optional<std::string> match_name(const std::string& name,
                                      const std::vector<std::string>& names,
                                      const std::vector<Alias>& aliases) {
  const auto among = [&names](const std::string& wanted) {
    return std::ranges::find(names, wanted) != names.end();
  };
  if (among(name)) return name;
  if (const auto alias = find_alias(name, aliases); alias && among(alias->file_name())) {
    return alias->file_name();
  }
  const std::string wanted = letters_and_digits(name);
  if (wanted.empty()) return std::nullopt;
  std::vector<std::string> matches;
  for (const std::string& known : names) {
    if (letters_and_digits(known).starts_with(wanted)) matches.push_back(known);
  }
  if (matches.size() > 1) {
    throw Error(ErrorCode::io,
                fmt::format("several models begin with '{}': {}", name, fmt::join(matches, ", ")),
                "name one of them in full");
  }
  return matches.empty() ? std::nullopt : std::optional(matches.front());
}

fs::path resolve_model(const std::string& name) {
  if (!name.empty() && is_file(name)) return name;
  if (name == kStories) return find_stories();
  const Places places = places_from_environment();
  (void)places.own_folder();  // says so where there is none
  const std::vector<Model> models = find_models(places);
  const std::vector<std::string> names = names_of(models);
  const std::vector<Alias> aliases = read_aliases(places);
  const auto match = match_name(name.empty() ? kDefaultModel : name, names, aliases);
  if (match) {
    return std::ranges::find_if(models, [&](const Model& m) { return m.name == *match; })->path();
  }
  if (name.empty()) {
    throw Error(ErrorCode::io,
                fmt::format("the default model {} is not in {}", kDefaultModel, where(places)),
                "`wattle pull smollm2` gets it, as does `./dev fetch` in the sources; -m names "
                "another file, `-m stories` a tiny one that is already here");
  }
  throw Error(ErrorCode::io, fmt::format("no file and no model is called '{}'", name),
              fmt::format("{}; `-m stories` is always there", what_is_there(places, names)));
}

}  // namespace wattle::store
