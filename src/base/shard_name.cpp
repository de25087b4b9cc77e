// SPDX-License-Identifier: Apache-2.0
#include "base/shard_name.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>

namespace wattle {
namespace {

constexpr std::string_view kPattern = "-00001-of-00001.gguf";

std::optional<uint32_t> five_digits(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 5, value);
  if (error != std::errc() || end != text.data() + 5) return std::nullopt;
  return value;
}

}  // namespace

std::filesystem::path ShardName::path_of(uint32_t shard_number) const {
  return fmt::format("{}-{:05}-of-{:05}.gguf", stem.string(), shard_number, count);
}

std::optional<ShardName> parse_shard_name(const std::filesystem::path& path) {
  const std::string text = path.string();
  if (text.size() <= kPattern.size()) return std::nullopt;
  const std::string_view ending = std::string_view(text).substr(text.size() - kPattern.size());
  if (ending.substr(0, 1) != "-" || ending.substr(6, 4) != "-of-" || ending.substr(15) != ".gguf") {
    return std::nullopt;
  }
  const auto number = five_digits(ending.substr(1));
  const auto count = five_digits(ending.substr(10));
  if (!number || !count || *number == 0 || *number > *count) return std::nullopt;
  return ShardName{text.substr(0, text.size() - kPattern.size()), *number, *count};
}

std::filesystem::path first_part_of(const std::filesystem::path& path) {
  const auto shard = parse_shard_name(path);
  return shard ? shard->path_of(1) : path;
}

}  // namespace wattle
