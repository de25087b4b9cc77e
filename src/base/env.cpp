// SPDX-License-Identifier: Apache-2.0
#include "base/env.h"

#include <algorithm>
#include <cstdlib>

#include "base/letter_case.h"

namespace wattle::env {
namespace {

constexpr Variable kAll[] = {kIsa,           kModels,      kConfig,       kFlag,         kHfToken,
                             kHfEndpoint,    kHttpsProxy,  kSslCertFile,  kHfHubCache,   kHfHome,
                             kXdgConfigHome, kXdgDataHome, kXdgStateHome, kXdgCacheHome, kHome,
                             kNoColor,       kTerm};

std::optional<std::string> get(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

}  // namespace

std::span<const Variable> all() noexcept { return kAll; }

std::optional<std::string> get(const Variable& variable) { return get(variable.name); }

std::string flag_variable(std::string_view long_name) {
  std::string name = "WATTLE_" + upper_case(long_name);
  std::ranges::replace(name, '-', '_');
  return name;
}

std::optional<std::string> get_flag(std::string_view long_name) {
  return get(flag_variable(long_name).c_str());
}

}  // namespace wattle::env
