// SPDX-License-Identifier: Apache-2.0
#include "base/env.h"

#include <cstdlib>

namespace wattle::env {
namespace {
constexpr Variable kAll[] = {kIsa,          kModels,       kHfHubCache, kHfHome,  kXdgDataHome,
                             kXdgStateHome, kXdgCacheHome, kHome,       kNoColor, kTerm};
}

std::span<const Variable> all() noexcept { return kAll; }

std::optional<std::string> get(const Variable& variable) {
  const char* value = std::getenv(variable.name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

}  // namespace wattle::env
