// SPDX-License-Identifier: Apache-2.0
// What /proc, /sys, /dev and /etc say, below a root that tests replace. Whatever lies there, asking
// never throws and never blocks: what cannot be read is not there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wattle::doctor {

// The number that a text begins with, behind white space; nothing where there is none, or it has
// more than 64 bits.
std::optional<int64_t> leading_number(std::string_view text);

class FileTree {
 public:
  explicit FileTree(std::filesystem::path root = "/") : root_(std::move(root)) {}
  virtual ~FileTree() = default;
  FileTree(const FileTree&) = delete;
  FileTree& operator=(const FileTree&) = delete;

  // Paths are relative to the root: "proc/meminfo".
  std::filesystem::path at(std::string_view path) const { return root_ / path; }

  // The first 64 KiB of a regular file without white space at its end; nothing where that is empty.
  std::optional<std::string> text(std::string_view path) const;
  // A file that begins with a number.
  std::optional<int64_t> number(std::string_view path) const;
  // Words between white space.
  std::vector<std::string> words(std::string_view path) const;
  // A property of the device tree: strings with a zero byte behind each.
  std::vector<std::string> strings(std::string_view path) const;
  // The value behind "KEY:" of a file of such lines, without white space around it.
  std::optional<std::string> value(std::string_view path, std::string_view key) const;

  // Names in a folder that begin with `prefix`, sorted; at most 4,096.
  std::vector<std::string> names(std::string_view folder, std::string_view prefix = {}) const;
  // The last part of what a symbolic link names; empty where there is none.
  std::string link_name(std::string_view path) const;
  bool exists(std::string_view path) const;

  struct Node {
    mode_t mode = 0;
    uid_t owner = 0;
    gid_t group = 0;
    bool usable = false;  // this process may read and write it
  };
  virtual std::optional<Node> node(std::string_view path) const;

 private:
  std::filesystem::path root_;
};

}  // namespace wattle::doctor
