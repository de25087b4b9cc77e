// SPDX-License-Identifier: Apache-2.0
// The file names of split models: `NAME-00001-of-00003.gguf`, counted from 1.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace wattle {

struct ShardName {
  std::filesystem::path stem;  // with its folder, up to the first dash of the suffix
  uint32_t number = 0;         // from 1
  uint32_t count = 0;

  std::filesystem::path path_of(uint32_t shard_number) const;
};

// Nothing where the name has no such ending.
std::optional<ShardName> parse_shard_name(const std::filesystem::path& path);

// The first part of the model that the file is of: itself where it has no such ending.
std::filesystem::path first_part_of(const std::filesystem::path& path);

}  // namespace wattle
