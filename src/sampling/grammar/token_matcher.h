// SPDX-License-Identifier: Apache-2.0
// A grammar read in tokens: where a token leads, and which of all tokens may come next.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "sampling/grammar/machine.h"
#include "sampling/grammar/token_trie.h"

namespace wattle::grammar {

// Where a text is. Its first characters may be ones that whoever prints it drops: they are no part
// of what the grammar describes.
struct Position {
  Machine::ConfigId config{};
  char dropped = '\0';
  uint8_t n_dropped = 0;  // so many of them at most may still come
};

// Borrows the tree. Not thread-safe. What it has worked out stays for the next answer, so one is
// kept as long as the same grammar is used. Throws what Machine throws.
class TokenMatcher {
 public:
  TokenMatcher(Machine machine, const TokenTrie& vocab)
      : machine_(std::move(machine)), vocab_(vocab) {}

  Machine::ConfigId start() const noexcept { return machine_.start(); }
  bool may_end(const Position& p) const noexcept { return machine_.may_end(p.config); }
  bool may_go_on(const Position& p) const noexcept { return machine_.may_go_on(p.config); }

  // Behind the token; config is kRefused where it does not fit. A token without bytes never does.
  Position after(Position position, TokenId token);

  // One bit for each id of the vocabulary, 64 in a word: those that fit. Valid until the next call.
  std::span<const uint64_t> allowed(const Position& position);

  // To be called once a token: keeps memory and work bounded. Returns the same position under its
  // new id; all others become invalid.
  Position settle(Position position);

 private:
  void step(Position& position, uint8_t byte) {
    if (position.n_dropped != 0) {
      if (byte == static_cast<uint8_t>(position.dropped)) {
        --position.n_dropped;
        return;
      }
      position.n_dropped = 0;
    }
    position.config = machine_.step(position.config, byte);
  }
  void walk(const Position& position, std::vector<uint64_t>& mask);

  Machine machine_;
  const TokenTrie& vocab_;
  std::unordered_map<uint32_t, std::vector<uint64_t>> masks_;  // by Config, nothing to be dropped
  std::vector<uint64_t> mask_;                                 // the one worked out last
  std::vector<Position> path_;                                 // of the walk, by depth
};

}  // namespace wattle::grammar
