// SPDX-License-Identifier: Apache-2.0
#include "chat/civil_time.h"

#include <gtest/gtest.h>

#include <ctime>

#include "wattle/error.h"

namespace wattle::chat {
namespace {

TEST(CivilTime, ReadsDatesWithAndWithoutATime) {
  const CivilTime day = parse_civil_time("2024-02-29");
  EXPECT_EQ(format_time(day, "%F %T"), "2024-02-29 00:00:00");
  EXPECT_EQ(format_time(parse_civil_time("2026-01-15T12:30:59"), "%F %T"), "2026-01-15 12:30:59");
  EXPECT_EQ(format_time(parse_civil_time("2026-01-15 12:30:59"), "%F %T"), "2026-01-15 12:30:59");
}

TEST(CivilTime, RefusesDatesThatDoNotExist) {
  for (const char* text :
       {"", "2026", "2026-13-01", "2026-02-30", "2026-1-5", "2026-01-15T24:00:00",
        "2026-01-15T12:00", "2026-01-15x", "0000-01-01", "-026-01-01"}) {
    EXPECT_THROW(parse_civil_time(text), Error) << text;
  }
}

// Every directive over ten years, against the C library in its C locale.
TEST(CivilTime, FormatsAsTheCLibraryDoes) {
  constexpr const char* kFormat =
      "%a %A %b %B %c %C %d %D %e %F %g %G %H %I %j %m %M %n %p %r %R %S %t "
      "%T %u %U %V %w %W %x %X %y %Y %%";
  for (int day = 0; day < 3660; day += 1) {
    std::tm tm{};
    tm.tm_year = 118;
    tm.tm_mday = 1 + day;
    tm.tm_hour = day % 24;
    tm.tm_min = day % 60;
    tm.tm_isdst = -1;
    const std::time_t seconds = timegm(&tm);
    gmtime_r(&seconds, &tm);
    char expected[512];
    ASSERT_NE(std::strftime(expected, sizeof expected, kFormat, &tm), 0u);
    const CivilTime time{.year = tm.tm_year + 1900,
                         .month = tm.tm_mon + 1,
                         .day = tm.tm_mday,
                         .hour = tm.tm_hour,
                         .minute = tm.tm_min,
                         .second = tm.tm_sec};
    ASSERT_EQ(format_time(time, kFormat), expected);
  }
}

}  // namespace
}  // namespace wattle::chat
