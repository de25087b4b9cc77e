// SPDX-License-Identifier: Apache-2.0
#include "store/places.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/user_folders.h"
#include "wattle/error.h"

namespace wattle::store {
namespace {

std::optional<std::filesystem::path> hub_cache() {
  if (const auto cache = env::get(env::kHfHubCache)) return *cache;
  if (const auto home = env::get(env::kHfHome)) return std::filesystem::path(*home) / "hub";
  if (const auto cache = user_cache_folder()) return *cache / "huggingface/hub";
  return std::nullopt;
}

}  // namespace

const std::filesystem::path& Places::own_folder() const {
  if (!folders.empty()) return folders.front();
  throw Error(ErrorCode::usage, "no model folder: neither WATTLE_MODELS nor HOME is set",
              "name a file with -m, or set WATTLE_MODELS");
}

Places places_from_environment() {
  Places places{.hub_cache = hub_cache()};
  if (const auto list = env::get(env::kModels)) {
    for (std::string_view rest = *list; !rest.empty();) {
      const std::string_view one = rest.substr(0, rest.find(':'));
      if (!one.empty()) places.folders.emplace_back(one);
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    }
  } else if (const auto data = user_data_folder()) {
    places.folders.push_back(*data / "wattle/models");
  }
  return places;
}

}  // namespace wattle::store
