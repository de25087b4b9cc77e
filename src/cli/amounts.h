// SPDX-License-Identifier: Apache-2.0
// Numbers for people: three significant digits and a unit.
#pragma once

#include <cstdint>
#include <string>

namespace wattle::cli {

std::string bytes_text(uint64_t bytes);    // "14.44 GB", decimal as on the labels of disks
std::string count_text(uint64_t n);        // "25.23 B"
std::string seconds_text(double seconds);  // "45 s", "12 min", "3 h 05 min"

}  // namespace wattle::cli
