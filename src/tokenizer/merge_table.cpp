// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/merge_table.h"

#include <fmt/format.h>

#include "wattle/error.h"

namespace wattle::tokenizer {
namespace {

uint64_t hash_pair(std::string_view left, std::string_view right, uint64_t seed) noexcept {
  return hash_text(right, hash_text(left, seed));
}

}  // namespace

MergeTable::MergeTable(std::span<const std::string_view> merges, uint64_t seed)
    : merges_(merges), seed_(seed), slots_(merges.size()) {
  const auto hash_of = [&](uint32_t rank) -> std::optional<uint64_t> {
    const std::string_view merge = merges[rank];
    const size_t space = merge.find(' ', 1);  // the left side may itself be a space
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      throw Error(
          ErrorCode::bad_input,
          fmt::format("tokenizer.ggml.merges[{}]: expected two texts with a space between", rank));
    }
    return hash_pair(merge.substr(0, space), merge.substr(space + 1), seed);
  };
  slots_.fill(static_cast<uint32_t>(merges.size()), hash_of,
              [&](uint32_t rank, uint32_t other) { return merges[rank] == merges[other]; });
}

std::optional<uint32_t> MergeTable::rank(std::string_view pair,
                                         size_t left_size_bytes) const noexcept {
  const std::string_view left = pair.substr(0, left_size_bytes);
  const std::string_view right = pair.substr(left_size_bytes);
  return slots_.find(hash_pair(left, right, seed_), [&](uint32_t other) {
    const std::string_view merge = merges_[other];
    return merge.size() == pair.size() + 1 && merge.starts_with(left) &&
           merge[left.size()] == ' ' && merge.ends_with(right);
  });
}

}  // namespace wattle::tokenizer
