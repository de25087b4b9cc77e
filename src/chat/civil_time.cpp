// SPDX-License-Identifier: Apache-2.0
#include "chat/civil_time.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <ctime>
#include <optional>

#include "wattle/error.h"

namespace wattle::chat {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

struct Calendar {
  int weekday;      // 0: Sunday
  int day_of_year;  // 0-based
  int iso_weekday;  // 1: Monday .. 7
  int iso_week;     // 1..53
  int iso_year;
};

std::chrono::sys_days days_of(const CivilTime& t) {
  return std::chrono::sys_days(std::chrono::year(t.year) /
                               std::chrono::month(static_cast<unsigned>(t.month)) /
                               std::chrono::day(static_cast<unsigned>(t.day)));
}

int day_of_year(std::chrono::sys_days day) {
  const std::chrono::year_month_day ymd(day);
  return static_cast<int>((day - std::chrono::sys_days(ymd.year() / 1 / 1)).count());
}

Calendar calendar_of(const CivilTime& t) {
  const std::chrono::sys_days day = days_of(t);
  Calendar c{};
  c.weekday = static_cast<int>(std::chrono::weekday(day).c_encoding());
  c.iso_weekday = c.weekday == 0 ? 7 : c.weekday;
  c.day_of_year = day_of_year(day);
  // A week belongs to the year of its Thursday.
  const std::chrono::sys_days thursday = day + std::chrono::days(4 - c.iso_weekday);
  c.iso_year = static_cast<int>(std::chrono::year_month_day(thursday).year());
  c.iso_week = day_of_year(thursday) / 7 + 1;
  return c;
}

int twelve_hours(int hour) { return hour % 12 == 0 ? 12 : hour % 12; }

// One directive, or nothing where it is not known.
std::optional<std::string> directive(char code, const CivilTime& t, const Calendar& c) {
  const std::string_view day = kDays[static_cast<size_t>(c.weekday)];
  const std::string_view month = kMonths[static_cast<size_t>(t.month - 1)];
  switch (code) {
    case '%': return "%";
    case 'n': return "\n";
    case 't': return "\t";
    case 'a': return std::string(day.substr(0, 3));
    case 'A': return std::string(day);
    case 'b':
    case 'h': return std::string(month.substr(0, 3));
    case 'B': return std::string(month);
    case 'C': return fmt::format("{:02}", t.year / 100);
    case 'd': return fmt::format("{:02}", t.day);
    case 'e': return fmt::format("{:2}", t.day);
    case 'f': return "000000";
    case 'g': return fmt::format("{:02}", c.iso_year % 100);
    case 'G': return fmt::format("{}", c.iso_year);
    case 'H': return fmt::format("{:02}", t.hour);
    case 'I': return fmt::format("{:02}", twelve_hours(t.hour));
    case 'j': return fmt::format("{:03}", c.day_of_year + 1);
    case 'k': return fmt::format("{:2}", t.hour);
    case 'l': return fmt::format("{:2}", twelve_hours(t.hour));
    case 'm': return fmt::format("{:02}", t.month);
    case 'M': return fmt::format("{:02}", t.minute);
    case 'p': return t.hour < 12 ? "AM" : "PM";
    case 'P': return t.hour < 12 ? "am" : "pm";
    case 'S': return fmt::format("{:02}", t.second);
    case 'u': return fmt::format("{}", c.iso_weekday);
    case 'U': return fmt::format("{:02}", (c.day_of_year + 7 - c.weekday) / 7);
    case 'V': return fmt::format("{:02}", c.iso_week);
    case 'w': return fmt::format("{}", c.weekday);
    case 'W': return fmt::format("{:02}", (c.day_of_year + 7 - (c.iso_weekday - 1)) / 7);
    case 'y': return fmt::format("{:02}", t.year % 100);
    case 'Y': return fmt::format("{}", t.year);
    case 'z':
    case 'Z': return "";
    case 'c': return format_time(t, "%a %b %e %H:%M:%S %Y");
    case 'D':
    case 'x': return format_time(t, "%m/%d/%y");
    case 'F': return format_time(t, "%Y-%m-%d");
    case 'r': return format_time(t, "%I:%M:%S %p");
    case 'R': return format_time(t, "%H:%M");
    case 'T':
    case 'X': return format_time(t, "%H:%M:%S");
    default: return std::nullopt;
  }
}

// The `width` digits at text[pos], moved behind.
std::optional<int> digits(std::string_view text, size_t& pos, size_t width) {
  if (text.size() < pos + width) return std::nullopt;
  int value = 0;
  const char* begin = text.data() + pos;
  const auto [end, ec] = std::from_chars(begin, begin + width, value);
  if (ec != std::errc() || end != begin + width || *begin == '-') return std::nullopt;
  pos += width;
  return value;
}

bool skip(std::string_view text, size_t& pos, std::string_view one_of) {
  if (pos >= text.size() || one_of.find(text[pos]) == std::string_view::npos) return false;
  ++pos;
  return true;
}

bool parse_into(std::string_view text, CivilTime& t) {
  size_t pos = 0;
  const auto year = digits(text, pos, 4);
  if (!year || !skip(text, pos, "-")) return false;
  const auto month = digits(text, pos, 2);
  if (!month || !skip(text, pos, "-")) return false;
  const auto day = digits(text, pos, 2);
  if (!day) return false;
  t = {.year = *year, .month = *month, .day = *day};
  if (pos < text.size()) {
    if (!skip(text, pos, "T ")) return false;
    const auto hour = digits(text, pos, 2);
    if (!hour || !skip(text, pos, ":")) return false;
    const auto minute = digits(text, pos, 2);
    if (!minute || !skip(text, pos, ":")) return false;
    const auto second = digits(text, pos, 2);
    if (!second || pos != text.size()) return false;
    t.hour = *hour;
    t.minute = *minute;
    t.second = *second;
  }
  const std::chrono::year_month_day ymd(std::chrono::year(t.year),
                                        std::chrono::month(static_cast<unsigned>(t.month)),
                                        std::chrono::day(static_cast<unsigned>(t.day)));
  return ymd.ok() && t.year >= 1 && t.hour < 24 && t.minute < 60 && t.second < 60;
}

}  // namespace

CivilTime local_now() {
  const std::time_t now = std::time(nullptr);
  std::tm tm{};
  localtime_r(&now, &tm);
  return {.year = tm.tm_year + 1900,
          .month = tm.tm_mon + 1,
          .day = tm.tm_mday,
          .hour = tm.tm_hour,
          .minute = tm.tm_min,
          .second = tm.tm_sec};
}

CivilTime parse_civil_time(std::string_view text) {
  CivilTime t;
  if (parse_into(text, t)) return t;
  throw Error(ErrorCode::usage, fmt::format("'{}' is not a date", text),
              "write 2026-01-15 or 2026-01-15T12:00:00");
}

std::string format_time(const CivilTime& time, std::string_view format) {
  const Calendar calendar = calendar_of(time);
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    size_t code = i + 1;
    // glibc's flag for "no padding".
    const bool bare = format[code] == '-' && code + 1 < format.size();
    if (bare) ++code;
    const auto text = directive(format[code], time, calendar);
    if (!text) {
      out += format[i];
      continue;
    }
    const bool padded = text->size() > 1 && (text->front() == '0' || text->front() == ' ');
    out += bare && padded ? text->substr(text->find_first_not_of("0 ") == std::string::npos
                                             ? text->size() - 1
                                             : text->find_first_not_of("0 "))
                          : *text;
    i = code;
  }
  return out;
}

}  // namespace wattle::chat
