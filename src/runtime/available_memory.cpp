// SPDX-License-Identifier: Apache-2.0
#include "runtime/available_memory.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

#include "base/file_start.h"

namespace wattle::runtime {
namespace {

namespace fs = std::filesystem;

// These files have a few KiB; what else may lie there is not read to its end.
constexpr size_t kMaxBytes = size_t{64} << 10;
constexpr size_t kMaxPath = 4096;  // of the kernel's names of groups

std::istringstream open_start(const fs::path& file) {
  return std::istringstream(read_file_start(file, kMaxBytes));
}

// The number after `key` in a file of lines "key number ...".
std::optional<uint64_t> number_after(const fs::path& file, std::string_view key) {
  std::istringstream in = open_start(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word;
    uint64_t value = 0;
    if (words >> word && word == key && words >> value) return value;
  }
  return std::nullopt;
}

// A file of one number; "max", or anything else, is nothing.
std::optional<uint64_t> number_in(const fs::path& file) {
  std::istringstream in = open_start(file);
  uint64_t value = 0;
  if (in >> value) return value;
  return std::nullopt;
}

struct CgroupFiles {
  const char* limit;
  const char* usage;
  const char* inactive_file;  // keys of memory.stat: page cache, which gives way
  const char* active_file;
};
constexpr CgroupFiles kV1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
                          "total_active_file"};
constexpr CgroupFiles kV2{"memory.max", "memory.current", "inactive_file", "active_file"};

std::optional<uint64_t> left_in_group(const fs::path& folder, const CgroupFiles& files) {
  const auto limit = number_in(folder / files.limit);
  const auto usage = number_in(folder / files.usage);
  if (!limit || !usage) return std::nullopt;
  const fs::path stat = folder / "memory.stat";
  const uint64_t page_cache = number_after(stat, files.inactive_file).value_or(0) +
                              number_after(stat, files.active_file).value_or(0);
  const uint64_t used = *usage - std::min(*usage, page_cache);
  return *limit - std::min(*limit, used);
}

void take_smaller(std::optional<uint64_t>& value, std::optional<uint64_t> other) {
  if (other && (!value || *other < *value)) value = other;
}

// The limit of a group holds for all below it. Inside a container the path may begin at a place
// that is not mounted: those folders are absent and say nothing.
void take_groups_up(std::optional<uint64_t>& value, const fs::path& mount, const fs::path& group,
                    const CgroupFiles& files) {
  for (fs::path at = group.relative_path();; at = at.parent_path()) {
    take_smaller(value, left_in_group(mount / at, files));
    if (at.empty()) break;
  }
}

}  // namespace

std::optional<uint64_t> available_memory(const fs::path& proc, const fs::path& cgroup) {
  std::optional<uint64_t> value;
  if (const auto kib = number_after(proc / "meminfo", "MemAvailable:")) value = *kib * 1024;

  std::istringstream in = open_start(proc / "self" / "cgroup");
  for (std::string line; std::getline(in, line);) {  // "4:memory:/a/b" (v1), "0::/a/b" (v2)
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || line.size() > kMaxPath) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path group = line.substr(second + 1);
    if (controllers == ",,") {
      take_groups_up(value, cgroup, group, kV2);
      take_groups_up(value, cgroup / "unified", group, kV2);  // where v1 and v2 live side by side
    } else if (controllers.find(",memory,") != std::string::npos) {
      take_groups_up(value, cgroup / "memory", group, kV1);
    }
  }
  return value;
}

}  // namespace wattle::runtime
