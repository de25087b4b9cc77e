// SPDX-License-Identifier: Apache-2.0
#include "base/env.h"

#include <cstdlib>

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
  std::string name = "WATTLE_";
  for (const char c : long_name) {
    name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

std::optional<std::string> get_flag(std::string_view long_name) {
  return get(flag_variable(long_name).c_str());
}

}  // namespace wattle::env
