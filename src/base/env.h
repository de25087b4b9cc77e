// SPDX-License-Identifier: Apache-2.0
// Every environment variable that wattle reads, in one place; `wattle --help` prints this table.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace wattle::env {

struct Variable {
  const char* name;
  const char* meaning;  // one line for --help
};

inline constexpr Variable kIsa{
    "WATTLE_ISA", "force a kernel set: reference, scalar, avx2, avx512, avx512vnni, neon"};
inline constexpr Variable kModels{"WATTLE_MODELS",
                                  "folder of the models (default ~/.local/share/wattle/models)"};

std::span<const Variable> all() noexcept;

// The value, or nothing where the variable is unset or empty.
std::optional<std::string> get(const Variable& variable);

}  // namespace wattle::env
