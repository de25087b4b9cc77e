// SPDX-License-Identifier: Apache-2.0
#include "tests/doctor/recorded_tree.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "tests/support/read_file.h"
#include "tests/support/source_tree.h"

namespace wattle::test {
namespace {

namespace fs = std::filesystem;

gid_t group_number(const doctor::FileTree& tree, const std::string& group) {
  std::istringstream lines(tree.text("etc/group").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(group + ":x:")) {
      return static_cast<gid_t>(std::stoul(line.substr(group.size() + 3)));
    }
  }
  throw std::runtime_error("etc/group does not have " + group);
}

}  // namespace

void RecordedTree::add_all(std::string_view name) {
  const fs::path file = source_dir() / "tests/doctor/data" / (std::string(name) + ".tree");
  std::istringstream lines(read_text(file));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != '#') add(line);
  }
}

void RecordedTree::add(const std::string& line) {
  const size_t space = line.find(' ');
  const size_t second = line.find(' ', space + 1);
  if (second == std::string::npos) throw std::runtime_error("not a line of a tree: " + line);
  const std::string path = line.substr(0, space);
  const std::string kind = line.substr(space + 1, second - space - 1);
  std::string value = line.substr(second + 1);
  fs::create_directories(at(path).parent_path());
  if (kind == "=") {
    std::ofstream(at(path)) << value << "\n";
  } else if (kind == "|") {
    std::ofstream(at(path), std::ios::app) << value << "\n";
  } else if (kind == ":") {
    for (size_t cut; (cut = value.find(" ; ")) != std::string::npos;) {
      value.replace(cut, 3, 1, '\0');
    }
    std::ofstream(at(path)) << value << '\0';
  } else if (kind == "->") {
    fs::remove(at(path));
    fs::create_symlink(value, at(path));
  } else if (kind == "@") {
    nodes_[path] = {.permissions = value.substr(0, 9),
                    .group = group_number(*this, value.substr(value.find(':') + 1))};
  } else {
    throw std::runtime_error("not a line of a tree: " + line);
  }
}

void RecordedTree::remove(const std::string& path) {
  fs::remove_all(at(path));
  nodes_.erase(path);
}

std::optional<doctor::FileTree::Node> RecordedTree::node(std::string_view path) const {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return std::nullopt;
  const auto& [permissions, group] = found->second;
  Node node{.mode = 0, .owner = 0, .group = group};
  for (const char c : permissions) node.mode = (node.mode << 1) | (c != '-' ? 1u : 0u);
  std::istringstream ids(value("proc/self/status", "Uid").value_or("") + " " +
                         value("proc/self/status", "Groups").value_or(""));
  uid_t user = 0;
  ids >> user;
  for (int i = 1; i < 4; ++i) {  // effective, saved, of the file system
    uid_t skipped = 0;
    ids >> skipped;
  }
  bool in_group = false;
  for (gid_t member = 0; ids >> member;) in_group |= member == node.group;
  node.usable = user == 0 || (in_group ? (node.mode & 0060) == 0060 : (node.mode & 0006) == 0006);
  return node;
}

}  // namespace wattle::test
