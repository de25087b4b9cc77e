// SPDX-License-Identifier: Apache-2.0
// What a template that does not compile throws.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "wattle/error.h"

namespace wattle::chat::jinja {

[[noreturn]] inline void syntax_error(uint32_t line, const std::string& what) {
  throw Error(
      ErrorCode::bad_input, fmt::format("chat template, line {}: {}", line, what),
      "this is not the Jinja that chat templates are written in; see docs/chat-templates.md");
}

}  // namespace wattle::chat::jinja
