// SPDX-License-Identifier: Apache-2.0
#include "measure/number_list.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

#include "wattle/error.h"

namespace wattle::measure {
namespace {

constexpr size_t kMaxNumbers = 1000;

// A text that is read from left to right.
class Scanner {
 public:
  Scanner(std::string_view text, std::string_view what) : text_(text), rest_(text), what_(what) {}

  bool at_end() const noexcept { return rest_.empty(); }

  bool take(char c) noexcept {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  uint32_t number() {
    uint32_t value = 0;
    const char* end = rest_.data() + rest_.size();
    const auto [after, error] = std::from_chars(rest_.data(), end, value);
    if (error != std::errc()) fail();
    rest_.remove_prefix(static_cast<size_t>(after - rest_.data()));
    return value;
  }

  [[noreturn]] void fail() const {
    throw Error(ErrorCode::usage, fmt::format("{}: '{}' is no list of numbers", what_, text_),
                "such as 512, 1,2,4, 1-4, 512-2048+512 or 1-16*2");
  }

 private:
  std::string_view text_;
  std::string_view rest_;
  std::string_view what_;
};

// "first-last", "first-last+step", "first-last*factor"; the scanner stands behind the dash.
void append_range(Scanner& in, uint64_t first, std::vector<uint32_t>& out) {
  const uint64_t last = in.number();
  uint64_t step = 1;
  uint64_t factor = 1;
  if (in.take('+')) {
    step = in.number();
  } else if (in.take('*')) {
    step = 0;
    factor = in.number();
  }
  const bool grows = step > 0 || (factor > 1 && first > 0);
  if (!grows || last < first) in.fail();
  for (uint64_t n = first; n <= last && out.size() <= kMaxNumbers; n = n * factor + step) {
    out.push_back(static_cast<uint32_t>(n));
  }
}

}  // namespace

std::vector<uint32_t> parse_number_list(std::string_view text, std::string_view what) {
  Scanner in(text, what);
  std::vector<uint32_t> numbers;
  do {
    const uint32_t first = in.number();
    if (in.take('-')) {
      append_range(in, first, numbers);
    } else {
      numbers.push_back(first);
    }
    if (numbers.size() > kMaxNumbers) {
      throw Error(ErrorCode::usage,
                  fmt::format("{}: '{}' is more than {} numbers", what, text, kMaxNumbers));
    }
  } while (in.take(','));
  if (!in.at_end()) in.fail();
  return numbers;
}

NumberPair parse_number_pair(std::string_view text, std::string_view what) {
  const std::vector<uint32_t> numbers = parse_number_list(text, what);
  if (numbers.size() != 2) {
    throw Error(ErrorCode::usage, fmt::format("{}: '{}' is no pair of numbers", what, text),
                "such as 512,128");
  }
  return {numbers[0], numbers[1]};
}

}  // namespace wattle::measure
