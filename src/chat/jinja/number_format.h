// SPDX-License-Identifier: Apache-2.0
// Numbers and padding as Python's % operator and format() write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "chat/jinja/runtime.h"

namespace wattle::chat::jinja {

// [[fill]align][sign][#][0][width][,][.precision][type]
struct FormatSpec {
  std::string fill = " ";  // one code point
  char align = 0;          // < > ^ =, 0: the type's own
  char sign = '-';
  bool alternate = false;
  char grouping = 0;  // , or _
  int64_t width = 0;
  int64_t precision = -1;
  char type = 0;
};

// Fails on what is malformed.
FormatSpec parse_format_spec(Runtime& rt, std::string_view spec);

// A value as format() writes it. Numbers follow the spec; anything else is its text, cut and
// padded.
Text format_value(Runtime& rt, const Value& value, const FormatSpec& spec);

}  // namespace wattle::chat::jinja
