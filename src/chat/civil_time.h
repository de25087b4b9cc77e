// SPDX-License-Identifier: Apache-2.0
// A date and time of day without a zone, and how templates print it.
#pragma once

#include <string>
#include <string_view>

namespace wattle::chat {

struct CivilTime {
  int year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;
};

// This machine's local time.
CivilTime local_now();

// "2026-01-15" or "2026-01-15T12:00:00" (a space will do for the T).
// Throws Error{usage} for anything else and for dates that do not exist.
CivilTime parse_civil_time(std::string_view text);

// As C's strftime in the C locale, for years 1 to 9999. A directive that is not known stays as it
// is written; zones and fractions of a second are empty and zero, as for Python's naive datetime.
std::string format_time(const CivilTime& time, std::string_view format);

}  // namespace wattle::chat
