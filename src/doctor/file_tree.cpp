// SPDX-License-Identifier: Apache-2.0
#include "doctor/file_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/file_start.h"

namespace wattle::doctor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxBytes = size_t{64} << 10;
constexpr size_t kMaxNames = 4096;
constexpr std::string_view kWhite = " \t\r\n";

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhite) - begin + 1);
}

}  // namespace

std::optional<int64_t> leading_number(std::string_view text) {
  text = trimmed(text);
  int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::string> FileTree::text(std::string_view path) const {
  std::string bytes = read_file_start(at(path), kMaxBytes);
  const size_t last = bytes.find_last_not_of(kWhite);
  if (last == std::string::npos) return std::nullopt;
  bytes.resize(last + 1);
  return bytes;
}

std::optional<int64_t> FileTree::number(std::string_view path) const {
  const auto found = text(path);
  return found ? leading_number(*found) : std::nullopt;
}

std::vector<std::string> FileTree::words(std::string_view path) const {
  const auto found = text(path);
  return found ? split(*found, kWhite) : std::vector<std::string>();
}

std::vector<std::string> FileTree::strings(std::string_view path) const {
  return split(read_file_start(at(path), kMaxBytes), std::string_view("\0", 1));
}

std::optional<std::string> FileTree::value(std::string_view path, std::string_view key) const {
  const auto found = text(path);
  for (std::string_view line : split(found.value_or(""), "\n")) {
    if (!line.starts_with(key)) continue;
    line = trimmed(line.substr(key.size()));
    if (line.starts_with(':')) return std::string(trimmed(line.substr(1)));
  }
  return std::nullopt;
}

std::vector<std::string> FileTree::names(std::string_view folder, std::string_view prefix) const {
  std::vector<std::string> found;
  std::error_code error;
  fs::directory_iterator entry(at(folder), error);
  for (; !error && entry != fs::directory_iterator() && found.size() < kMaxNames;
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (name.starts_with(prefix)) found.push_back(std::move(name));
  }
  std::ranges::sort(found);
  return found;
}

std::string FileTree::link_name(std::string_view path) const {
  std::error_code error;
  const fs::path target = fs::read_symlink(at(path), error);
  return error ? std::string() : target.filename().string();
}

bool FileTree::exists(std::string_view path) const {
  std::error_code error;
  return fs::exists(at(path), error);
}

std::optional<FileTree::Node> FileTree::node(std::string_view path) const {
  struct stat info{};
  if (::stat(at(path).c_str(), &info) != 0) return std::nullopt;
  return Node{.mode = info.st_mode,
              .owner = info.st_uid,
              .group = info.st_gid,
              .usable = ::access(at(path).c_str(), R_OK | W_OK) == 0};
}

}  // namespace wattle::doctor
