// SPDX-License-Identifier: Apache-2.0
#include "measure/peak_memory.h"

#include <sys/resource.h>

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

namespace wattle::measure {

uint64_t peak_memory_bytes() {
  // VmHWM can be started anew, the figure of getrusage cannot.
  std::ifstream status("/proc/self/status");
  constexpr std::string_view kKey = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kKey)) continue;
    const size_t digit = line.find_first_of("0123456789");
    uint64_t kilobytes = 0;
    if (digit == std::string::npos) break;
    std::from_chars(line.data() + digit, line.data() + line.size(), kilobytes);
    return kilobytes * 1024;
  }
  struct rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

void restart_peak_memory() noexcept {
  std::ofstream file("/proc/self/clear_refs");
  file << "5";
}

}  // namespace wattle::measure
