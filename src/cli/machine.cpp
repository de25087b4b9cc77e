// SPDX-License-Identifier: Apache-2.0
#include "cli/machine.h"

#include <fstream>

#include "cli/output.h"

namespace wattle::cli {

std::string proc_value(const char* path, std::string_view key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || !std::string_view(line).starts_with(key)) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

std::string processor_name() {
  if (std::string name = proc_value("/proc/cpuinfo", "model name"); !name.empty()) return name;
  std::ifstream in("/proc/device-tree/model");
  std::string board;
  std::getline(in, board, '\0');
  return board.empty() ? "unknown" : printable(board);
}

}  // namespace wattle::cli
