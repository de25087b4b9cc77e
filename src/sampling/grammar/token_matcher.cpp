// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/token_matcher.h"

namespace wattle::grammar {
namespace {

constexpr size_t kMaxMasks = 256;  // 19 KiB each for a vocabulary of 151,936

}  // namespace

Position TokenMatcher::after(Position position, TokenId token) {
  const std::string_view bytes = vocab_.bytes(token);
  if (bytes.empty()) return {};
  for (const char byte : bytes) {
    step(position, static_cast<uint8_t>(byte));
    if (position.config == Machine::kRefused) break;
  }
  return position;
}

std::span<const uint64_t> TokenMatcher::allowed(const Position& position) {
  const auto key = static_cast<uint32_t>(position.config);
  const bool is_kept = position.n_dropped == 0;
  if (is_kept) {
    if (const auto it = masks_.find(key); it != masks_.end()) return it->second;
  }
  walk(position, mask_);
  return is_kept ? masks_[key] = mask_ : mask_;
}

void TokenMatcher::walk(const Position& position, std::vector<uint64_t>& mask) {
  mask.assign((vocab_.n_vocab() + 63) / 64, 0);
  path_.resize(vocab_.max_depth() + 1);
  path_[0] = position;
  const auto nodes = vocab_.nodes();
  const auto ids = vocab_.ids();
  for (size_t i = 0; i < nodes.size();) {
    const TokenTrie::Node& node = nodes[i];
    Position& here = path_[node.depth] = path_[node.depth - 1];
    step(here, node.byte);
    if (here.config == Machine::kRefused) {
      i = node.skip;
      continue;
    }
    for (uint32_t j = i == 0 ? 0 : nodes[i - 1].ids_end; j < node.ids_end; ++j) {
      const auto id = static_cast<uint32_t>(to_int(ids[j]));
      mask[id / 64] |= uint64_t{1} << (id % 64);
    }
    ++i;
  }
}

Position TokenMatcher::settle(Position position) {
  machine_.refill();
  if (machine_.is_large()) {
    position.config = machine_.forget(position.config);
    masks_.clear();
  }
  if (masks_.size() > kMaxMasks) masks_.clear();
  return position;
}

}  // namespace wattle::grammar
