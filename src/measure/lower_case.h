// SPDX-License-Identifier: Apache-2.0
// Names are found whatever the case of their letters.
#pragma once

#include <cctype>
#include <string>
#include <string_view>

namespace wattle::measure {

inline std::string lower_case(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return out;
}

}  // namespace wattle::measure
