// SPDX-License-Identifier: Apache-2.0
// Look-up by name for keys and tensors: indices sorted by name. One allocation and n log n whatever
// the names are; a hash table would let a hostile file choose names that collide.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

namespace wattle::gguf {

// name_of(i) gives the name of item i of n.
template <class NameOf>
std::vector<uint32_t> sorted_by_name(size_t n, const NameOf& name_of) {
  std::vector<uint32_t> index(n);
  std::iota(index.begin(), index.end(), 0u);
  std::sort(index.begin(), index.end(),
            [&](uint32_t a, uint32_t b) { return name_of(a) < name_of(b); });
  return index;
}

// An item that has the name of another one.
template <class NameOf>
std::optional<uint32_t> first_duplicate(const std::vector<uint32_t>& index, const NameOf& name_of) {
  const auto at = std::adjacent_find(
      index.begin(), index.end(), [&](uint32_t a, uint32_t b) { return name_of(a) == name_of(b); });
  return at == index.end() ? std::nullopt : std::optional(*at);
}

template <class NameOf>
std::optional<uint32_t> find_name(const std::vector<uint32_t>& index, std::string_view name,
                                  const NameOf& name_of) {
  const auto at =
      std::lower_bound(index.begin(), index.end(), name,
                       [&](uint32_t i, std::string_view wanted) { return name_of(i) < wanted; });
  return at != index.end() && name_of(*at) == name ? std::optional(*at) : std::nullopt;
}

}  // namespace wattle::gguf
