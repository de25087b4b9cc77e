// SPDX-License-Identifier: Apache-2.0
// What /proc says about the machine.
#pragma once

#include <string>
#include <string_view>

namespace wattle::cli {

// The value after "KEY :" of a file in /proc; empty where there is none.
std::string proc_value(const char* path, std::string_view key);

// x86 names the processor, boards name themselves; "unknown" elsewhere.
std::string processor_name();

}  // namespace wattle::cli
