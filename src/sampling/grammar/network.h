// SPDX-License-Identifier: Apache-2.0
// A grammar as an automaton over bytes: one network of states for each rule, which may call each
// other. Characters are spelled out in UTF-8, so that half of one needs no special care anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sampling/grammar/ast.h"
#include "sampling/grammar/char_set.h"

namespace wattle::grammar {

using StateIdx = uint32_t;

// Thompson's construction: every state has one way on, or two that take no byte.
struct State {
  enum class Kind : uint8_t {
    bytes,  // takes a byte of byte_sets[arg], goes to `next`
    split,  // takes nothing, goes to `next` and to `other`
    call,   // runs rule `arg`, then goes to `next`
    end,    // rule `arg` is complete
  };
  Kind kind = Kind::end;
  uint32_t arg = 0;
  StateIdx next = 0;
  StateIdx other = 0;
};

// Immutable once it is made.
struct Network {
  std::vector<State> states;
  std::vector<ByteSet> byte_sets;
  std::vector<StateIdx> entry;  // [n_rules]
  uint32_t root = 0;
};

// Throws Error{bad_input} for a grammar with more states than allowed, and for a rule that can
// begin with itself (left recursion), naming the rules of the cycle: no text would ever decide how
// often it does.
Network build_network(const Grammar& grammar, const Limits& limits = {});

}  // namespace wattle::grammar
