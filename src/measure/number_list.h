// SPDX-License-Identifier: Apache-2.0
// Lists of numbers as benchmark users type them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace wattle::measure {

// "512", "1,2,4", "1-4" (1 2 3 4), "512-2048+512", "1-16*2" (1 2 4 8 16), or several of these
// separated by commas. At most 1000 numbers. `what` names the flag in messages. Throws
// Error{usage}.
std::vector<uint32_t> parse_number_list(std::string_view text, std::string_view what);

// "512,128": a pair.
struct NumberPair {
  uint32_t first = 0;
  uint32_t second = 0;
};
NumberPair parse_number_pair(std::string_view text, std::string_view what);

}  // namespace wattle::measure
