// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/integer_range.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

namespace wattle::json_schema {
namespace {

constexpr uint64_t kSixteenDigits = 9'999'999'999'999'999;

bool all_are(std::string_view digits, char digit) {
  return digits.find_first_not_of(digit) == std::string_view::npos;
}

std::string digit_class(char first, char last) {
  if (first == last) return fmt::format("\"{}\"", first);
  return fmt::format("[{}-{}]", first, last);
}

std::string any_digits(size_t n) {
  if (n == 0) return "";
  return n == 1 ? " [0-9]" : fmt::format(" [0-9]{{{}}}", n);
}

std::string joined(const std::vector<std::string>& options) {
  if (options.size() == 1) return options.front();
  return fmt::format("({})", fmt::join(options, " | "));
}

// Numbers of exactly so many digits, from `min` to `max`, which are as long.
std::string same_length(std::string_view min, std::string_view max) {
  size_t n_common = 0;
  while (n_common < min.size() && min[n_common] == max[n_common]) ++n_common;
  if (n_common == min.size()) return fmt::format("\"{}\"", min);
  if (n_common > 0) {
    return fmt::format("\"{}\" {}", min.substr(0, n_common),
                       same_length(min.substr(n_common), max.substr(n_common)));
  }
  // First digits between those of the bounds leave the rest free, and so does a bound's own first
  // digit where its rest is all zeros or all nines.
  const size_t n_rest = min.size() - 1;
  char first_free = min[0];
  char last_free = max[0];
  std::vector<std::string> options;
  if (!all_are(min.substr(1), '0')) {
    options.push_back(
        fmt::format("\"{}\" {}", min[0], same_length(min.substr(1), std::string(n_rest, '9'))));
    ++first_free;
  }
  std::string last_option;
  if (!all_are(max.substr(1), '9')) {
    last_option =
        fmt::format("\"{}\" {}", max[0], same_length(std::string(n_rest, '0'), max.substr(1)));
    --last_free;
  }
  if (first_free <= last_free) {
    options.push_back(digit_class(first_free, last_free) + any_digits(n_rest));
  }
  if (!last_option.empty()) options.push_back(last_option);
  return joined(options);
}

std::string unsigned_range(uint64_t min, uint64_t max) {
  std::vector<std::string> options;
  for (;;) {
    const std::string from = std::to_string(min);
    const std::string to = std::to_string(max);
    if (from.size() == to.size()) {
      options.push_back(same_length(from, to));
      return joined(options);
    }
    const std::string nines(from.size(), '9');
    options.push_back(same_length(from, nines));
    min = std::stoull(nines) + 1;
  }
}

uint64_t magnitude(int64_t value) {
  return value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

}  // namespace

std::string integer_range(std::optional<int64_t> min, std::optional<int64_t> max) {
  std::vector<std::string> options;
  if (!min || *min < 0) {
    const uint64_t nearest = max && *max < 0 ? magnitude(*max) : 1;
    const uint64_t farthest =
        min ? magnitude(*min) : (nearest <= kSixteenDigits ? kSixteenDigits : magnitude(INT64_MIN));
    options.push_back("\"-\" " + unsigned_range(nearest, farthest));
  }
  if (!max || *max >= 0) {
    const uint64_t smallest = min && *min > 0 ? magnitude(*min) : 0;
    const uint64_t largest =
        max ? magnitude(*max)
            : (smallest <= kSixteenDigits ? kSixteenDigits : magnitude(INT64_MAX));
    options.push_back(unsigned_range(smallest, largest));
  }
  return joined(options);
}

}  // namespace wattle::json_schema
