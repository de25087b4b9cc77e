// SPDX-License-Identifier: Apache-2.0
// A grammar as it was written: rules made of expressions. docs/grammar.md describes the notation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sampling/grammar/char_set.h"

namespace wattle::grammar {

// A tree; how deep it may be is limited where it is made, so that functions may recurse over it.
struct Expr {
  enum class Kind : uint8_t {
    text,      // exactly these bytes, which are UTF-8
    chars,     // one character of the set
    sequence,  // all parts one after another; none: nothing
    choice,    // one of the parts
    repeat,    // the only part, min to max times
    rule,      // what another rule describes
  };
  Kind kind = Kind::sequence;
  std::string text{};
  CharSet chars{};
  std::vector<Expr> parts{};
  uint32_t min = 0;
  std::optional<uint32_t> max{};  // absent: any number of times
  uint32_t rule = 0;              // index into Grammar::rules
};

struct Rule {
  std::string name;
  Expr body;
};

struct Grammar {
  std::vector<Rule> rules;
  uint32_t root = 0;
};

// What a text may ask for. The defaults are those of the program.
struct Limits {
  size_t max_text_bytes = size_t{1} << 20;
  size_t max_rules = 20'000;
  uint32_t max_repeat = 10'000;   // {m,n}
  size_t max_depth = 200;         // parentheses in each other
  size_t max_states = 1'000'000;  // of the automaton: repetitions count as often as they repeat
  size_t max_open_rules = 1'000;  // how deep a text may nest
  size_t max_machine_work = 10'000'000;       // steps a token, less than a second; see machine.h
  size_t max_machine_size = size_t{8} << 20;  // in units of 4 bytes
};

}  // namespace wattle::grammar
