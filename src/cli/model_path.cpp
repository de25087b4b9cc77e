// SPDX-License-Identifier: Apache-2.0
#include "cli/model_path.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <system_error>

#include "base/env.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultModel = "SmolLM2-135M-Instruct.Q4_1.gguf";
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

std::string what_is_there(const fs::path& folder) {
  const std::vector<std::string> models = models_in(folder);
  if (models.empty()) return fmt::format("{} holds no models", folder.string());
  return fmt::format("{} holds: {}", folder.string(), fmt::join(models, ", "));
}

}  // namespace

fs::path model_folder() {
  if (const auto folder = env::get(env::kModels)) return *folder;
  if (const auto data = env::get(env::kXdgDataHome)) return fs::path(*data) / "wattle/models";
  if (const auto home = env::get(env::kHome)) return fs::path(*home) / ".local/share/wattle/models";
  throw Error(ErrorCode::usage, "no model folder: neither WATTLE_MODELS nor HOME is set",
              "name a file with -m, or set WATTLE_MODELS");
}

std::vector<std::string> models_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const size_t of = name.rfind("-of-");
    const bool later_part = of != std::string::npos && of >= 6 &&
                            name.compare(of - 6, 6, "-00001") != 0 && name.size() == of + 4 + 5 + 5;
    if (at->path().extension() == ".gguf" && name.front() != '.' && !later_part) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path resolve_model(const std::string& name) {
  if (!name.empty() && is_file(name)) return name;
  if (name == kStories) return find_stories();
  const fs::path folder = model_folder();
  if (name.empty()) {
    if (is_file(folder / kDefaultModel)) return folder / kDefaultModel;
    throw Error(ErrorCode::io,
                fmt::format("the default model {} is not in {}", kDefaultModel, folder.string()),
                "`./dev fetch` gets it; -m names another file, `-m stories` a tiny one that is "
                "already here");
  }
  if (is_file(folder / name)) return folder / name;

  std::vector<std::string> matches;
  const std::string wanted = letters_and_digits(name);
  for (const std::string& model : models_in(folder)) {
    if (letters_and_digits(model).starts_with(wanted)) matches.push_back(model);
  }
  if (matches.size() == 1 && !wanted.empty()) return folder / matches.front();
  if (matches.size() > 1 && !wanted.empty()) {
    throw Error(ErrorCode::io,
                fmt::format("several models begin with '{}': {}", name, fmt::join(matches, ", ")),
                "name one of them in full");
  }
  throw Error(ErrorCode::io, fmt::format("no file and no model is called '{}'", name),
              fmt::format("{}; `-m stories` is always there", what_is_there(folder)));
}

}  // namespace wattle::cli
