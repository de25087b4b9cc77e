// SPDX-License-Identifier: Apache-2.0
// Values as JSON, as Python's json.dumps writes it.
#pragma once

#include <optional>
#include <string>

#include "chat/jinja/runtime.h"

namespace wattle::chat::jinja {

struct JsonStyle {
  std::optional<std::string> indent;  // of one level; absent: all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool ensure_ascii = false;
  bool sort_keys = false;
};

// Fails on what JSON cannot hold: undefined values, generators, functions.
Text write_json(Runtime& rt, const Value& value, const JsonStyle& style);

}  // namespace wattle::chat::jinja
