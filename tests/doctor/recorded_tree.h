// SPDX-License-Identifier: Apache-2.0
// A tree of data/README.md, laid out in a folder of its own.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "doctor/file_tree.h"
#include "tests/support/temp_dir.h"

namespace wattle::test {

// Whoever runs the tests cannot make device nodes, nor files of other owners: what the tree says of
// nodes is kept beside the folder, and whether they are usable follows from proc/self/status, as
// the kernel would decide. Groups have the numbers of etc/group, which stands before the nodes.
class RecordedTree : public doctor::FileTree {
 public:
  // "rock-5b_vendor-6.1"
  explicit RecordedTree(std::string_view name) : RecordedTree() { add_all(name); }
  RecordedTree() : RecordedTree(std::make_unique<TempDir>()) {}

  // A line as in the data files; replaces what was at its path, but for '|', which adds.
  void add(const std::string& line);
  void remove(const std::string& path);

  std::optional<Node> node(std::string_view path) const override;

 private:
  explicit RecordedTree(std::unique_ptr<TempDir> folder)
      : FileTree(folder->path()), folder_(std::move(folder)) {}
  void add_all(std::string_view name);

  struct Listed {
    std::string permissions;
    gid_t group;
  };
  std::unique_ptr<TempDir> folder_;
  std::map<std::string, Listed, std::less<>> nodes_;
};

}  // namespace wattle::test
