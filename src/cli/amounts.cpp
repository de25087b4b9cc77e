// SPDX-License-Identifier: Apache-2.0
#include "cli/amounts.h"

#include <fmt/format.h>

namespace wattle::cli {

std::string bytes_text(uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return fmt::format("{:.2f} GB", value / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.1f} MB", value / 1e6);
  return fmt::format("{:.1f} kB", value / 1e3);
}

std::string count_text(uint64_t n) {
  const auto value = static_cast<double>(n);
  if (n >= 1'000'000'000) return fmt::format("{:.2f} B", value / 1e9);
  if (n >= 1'000'000) return fmt::format("{:.1f} M", value / 1e6);
  return fmt::format("{}", n);
}

std::string seconds_text(double seconds) {
  if (!(seconds < 1e7)) return "months";
  const auto whole = static_cast<uint64_t>(seconds + 0.5);
  if (whole < 100) return fmt::format("{} s", whole);
  if (whole < 100 * 60) return fmt::format("{} min", (whole + 30) / 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace wattle::cli
