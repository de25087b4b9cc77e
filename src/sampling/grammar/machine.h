// SPDX-License-Identifier: Apache-2.0
// Reads a text byte by byte and knows what may come next. All ways to read the text so far are
// followed at once; such a set of ways is a Config, each one is kept once, and where a byte leads
// from it is worked out once. So a text that stays in known territory costs one look-up a byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sampling/grammar/ast.h"
#include "sampling/grammar/network.h"

namespace wattle::grammar {

// Not thread-safe. Whatever grows is bounded: step() and forget() throw Error{bad_input} where the
// text opens more rules in each other than Limits::max_open_rules, where following it takes more
// than max_machine_work steps since refill(), and where Configs and what is seen while one is found
// take more than max_machine_size.
class Machine {
 public:
  enum class ConfigId : uint32_t {};
  static constexpr ConfigId kRefused{0};  // no way is left

  explicit Machine(Network net, const Limits& limits = {});

  // Nothing is read yet.
  ConfigId start() const noexcept { return start_; }
  // After one more byte. Of kRefused: kRefused.
  ConfigId step(ConfigId config, uint8_t byte) {
    Config& from = configs_[static_cast<uint32_t>(config)];
    if (from.next != nullptr && (*from.next)[byte] != kUnknown) return (*from.next)[byte];
    return find_step(config, byte);
  }
  // The text may be over.
  bool may_end(ConfigId config) const noexcept { return at(config).may_end; }
  // The text may go on.
  bool may_go_on(ConfigId config) const noexcept { return !at(config).ways.empty(); }

  // Called once a token: the steps allowed are those of what the vocabulary makes of one token.
  void refill() noexcept { work_ = 0; }

  // Whether so much is remembered that it is time to forget().
  bool is_large() const noexcept { return size_ > limits_.max_machine_size / 4; }
  // Forgets all Configs but the start and `keep`, which gets the id returned.
  ConfigId forget(ConfigId keep);

  size_t n_configs() const noexcept { return configs_.size(); }

 private:
  // A way: a state that takes a byte and, below it, where to go on when its rule is complete. Equal
  // ones are kept once and share what is below them.
  using FrameIdx = uint32_t;
  static constexpr FrameIdx kBottom = UINT32_MAX;
  struct Frame {
    StateIdx state;
    FrameIdx below;  // kBottom: the text is over with this rule
    uint32_t depth;
  };

  static constexpr ConfigId kUnknown{UINT32_MAX};
  struct Config {
    std::vector<FrameIdx> ways;  // sorted
    bool may_end = false;
    std::unique_ptr<std::array<ConfigId, 256>> next;  // null: nothing known yet
  };

  const Config& at(ConfigId id) const noexcept { return configs_[static_cast<uint32_t>(id)]; }
  void reset();
  void clear_found();
  ConfigId find_step(ConfigId config, uint8_t byte);
  void follow(StateIdx state, FrameIdx below);
  ConfigId take_found();
  FrameIdx frame(StateIdx state, FrameIdx below);
  void grow(size_t n);

  Network net_;  // never changed; not const, or a move of the machine would copy it
  Limits limits_;
  ConfigId start_{};
  std::vector<Frame> frames_;
  std::unordered_map<uint64_t, FrameIdx> frame_index_;  // state and below
  std::vector<Config> configs_;
  std::unordered_multimap<uint64_t, ConfigId> config_index_;  // by the hash of its ways
  size_t size_ = 0;                                           // of all that, in 4 bytes, roughly

  // What follow() finds, and what it has seen on the way.
  Config found_;
  std::unordered_set<uint64_t> seen_;
  size_t work_ = 0;
};

}  // namespace wattle::grammar
