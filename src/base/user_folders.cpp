// SPDX-License-Identifier: Apache-2.0
#include "base/user_folders.h"

#include "base/env.h"

namespace wattle {
namespace {

std::optional<std::filesystem::path> folder(const env::Variable& variable, const char* below_home) {
  if (const auto set = env::get(variable)) return *set;
  if (const auto home = env::get(env::kHome)) return std::filesystem::path(*home) / below_home;
  return std::nullopt;
}

}  // namespace

std::optional<std::filesystem::path> user_config_folder() {
  return folder(env::kXdgConfigHome, ".config");
}

std::optional<std::filesystem::path> user_data_folder() {
  return folder(env::kXdgDataHome, ".local/share");
}

std::optional<std::filesystem::path> user_state_folder() {
  return folder(env::kXdgStateHome, ".local/state");
}

std::optional<std::filesystem::path> user_cache_folder() {
  return folder(env::kXdgCacheHome, ".cache");
}

}  // namespace wattle
