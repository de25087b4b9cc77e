// SPDX-License-Identifier: Apache-2.0
#include "doctor/users.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace wattle::doctor {
namespace {

std::vector<std::string_view> fields(std::string_view line, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end = 0; end != std::string_view::npos;) {
    end = line.find(separator);
    parts.push_back(line.substr(0, end));
    if (end != std::string_view::npos) line.remove_prefix(end + 1);
  }
  return parts;
}

// The first line of a file of "a:b:c" lines whose field has that value, cut up.
struct Entry {
  std::string text;
  std::vector<std::string_view> parts;
};
bool find_entry(const FileTree& tree, std::string_view file, size_t field, std::string_view value,
                Entry& found) {
  found.text = tree.text(file).value_or("");
  for (const std::string_view line : fields(found.text, '\n')) {
    found.parts = fields(line, ':');
    if (found.parts.size() > field && found.parts[field] == value) return true;
  }
  return false;
}

}  // namespace

std::string group_name(const FileTree& tree, gid_t group) {
  Entry entry;
  const std::string number = fmt::format("{}", group);
  return find_entry(tree, "etc/group", 2, number, entry) ? std::string(entry.parts[0]) : number;
}

std::string user_name(const FileTree& tree) {
  // "Uid:	1000	1000	1000	1000": real, effective, saved, of the file system.
  const std::string ids = tree.value("proc/self/status", "Uid").value_or("");
  Entry entry;
  const std::string_view real = std::string_view(ids).substr(0, ids.find_first_of(" \t"));
  if (real.empty() || !find_entry(tree, "etc/passwd", 2, real, entry)) return {};
  return std::string(entry.parts[0]);
}

bool is_member(const FileTree& tree, std::string_view group, std::string_view user) {
  Entry entry;
  if (!find_entry(tree, "etc/group", 0, group, entry) || entry.parts.size() < 4) return false;
  return std::ranges::count(fields(entry.parts[3], ','), user) > 0;
}

}  // namespace wattle::doctor
