// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wattle/error.h"

namespace wattle::grammar {
namespace {

constexpr size_t kSeenSize = 10;  // of one entry of seen_, in 4 bytes

constexpr uint64_t pair_of(uint32_t a, uint32_t b) noexcept { return (uint64_t{a} << 32) | b; }

uint64_t hash_of(const std::vector<uint32_t>& ways, bool may_end) noexcept {
  uint64_t hash = may_end ? 0x9e3779b97f4a7c15u : 0xbf58476d1ce4e5b9u;
  for (const uint32_t way : ways) {
    hash = (hash ^ way) * 0x94d049bb133111ebu;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

Machine::Machine(Network net, const Limits& limits) : net_(std::move(net)), limits_(limits) {
  reset();
}

void Machine::reset() {
  clear_found();
  frames_.clear();
  frame_index_.clear();
  configs_.clear();
  config_index_.clear();
  size_ = 0;
  work_ = 0;
  take_found();  // nothing: kRefused
  follow(net_.entry[net_.root], kBottom);
  start_ = take_found();
}

void Machine::clear_found() {
  found_ = {};
  size_ -= kSeenSize * seen_.size();
  seen_.clear();
}

Machine::ConfigId Machine::find_step(ConfigId config, uint8_t byte) {
  clear_found();  // of a step that threw
  const std::vector<FrameIdx>& ways = at(config).ways;
  for (const FrameIdx way : ways) {
    const auto [state_idx, below, depth] = frames_[way];
    const State& state = net_.states[state_idx];
    if (net_.byte_sets[state.arg].test(byte)) follow(state.next, below);
  }
  const ConfigId to = take_found();
  Config& from = configs_[static_cast<uint32_t>(config)];
  if (from.next == nullptr) {
    from.next = std::make_unique<std::array<ConfigId, 256>>();
    from.next->fill(kUnknown);
    grow(from.next->size());
  }
  (*from.next)[byte] = to;
  return to;
}

// Adds to found_ the ways that begin in `state` without taking a byte.
void Machine::follow(StateIdx state_idx, FrameIdx below_idx) {
  std::vector<std::pair<StateIdx, FrameIdx>> pending{{state_idx, below_idx}};
  while (!pending.empty()) {
    const auto [idx, below] = pending.back();
    pending.pop_back();
    if (!seen_.insert(pair_of(idx, below)).second) continue;
    grow(kSeenSize);
    if (++work_ > limits_.max_machine_work) {
      throw Error(ErrorCode::bad_input, "grammar: too many ways to read the same text",
                  "make its alternatives differ where they begin");
    }
    const State& state = net_.states[idx];
    switch (state.kind) {
      case State::Kind::bytes: found_.ways.push_back(frame(idx, below)); break;
      case State::Kind::split:
        pending.emplace_back(state.other, below);
        pending.emplace_back(state.next, below);
        break;
      case State::Kind::call: {
        // Behind a call that ends its rule there is nothing to come back to: lists that are written
        // as right recursion do not pile up.
        const bool is_last = net_.states[state.next].kind == State::Kind::end;
        pending.emplace_back(net_.entry[state.arg], is_last ? below : frame(state.next, below));
        break;
      }
      case State::Kind::end:
        if (below == kBottom) {
          found_.may_end = true;
        } else {
          pending.emplace_back(frames_[below].state, frames_[below].below);
        }
        break;
    }
  }
}

// The Config of what follow() has found since the last time.
Machine::ConfigId Machine::take_found() {
  Config config = std::move(found_);
  clear_found();
  std::sort(config.ways.begin(), config.ways.end());
  const uint64_t hash = hash_of(config.ways, config.may_end);
  const auto [begin, end] = config_index_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    const Config& known = at(it->second);
    if (known.may_end == config.may_end && known.ways == config.ways) return it->second;
  }
  const auto id = static_cast<ConfigId>(configs_.size());
  grow(config.ways.size() + 16);
  config_index_.emplace(hash, id);
  configs_.push_back(std::move(config));
  return id;
}

Machine::FrameIdx Machine::frame(StateIdx state, FrameIdx below) {
  const uint64_t key = pair_of(state, below);
  if (const auto it = frame_index_.find(key); it != frame_index_.end()) return it->second;
  const uint32_t depth = below == kBottom ? 0 : frames_[below].depth + 1;
  if (depth > limits_.max_open_rules) {
    throw Error(ErrorCode::bad_input,
                fmt::format("grammar: the text opens more than {} rules in each other",
                            limits_.max_open_rules));
  }
  grow(24);
  const auto idx = static_cast<FrameIdx>(frames_.size());
  frames_.push_back({state, below, depth});
  frame_index_.emplace(key, idx);
  return idx;
}

void Machine::grow(size_t n) {
  size_ += n;
  if (size_ <= limits_.max_machine_size) return;
  throw Error(ErrorCode::bad_input, "grammar: the ways to read one text take too much memory",
              "make its alternatives differ where they begin");
}

Machine::ConfigId Machine::forget(ConfigId keep) {
  const Config kept = {.ways = at(keep).ways, .may_end = at(keep).may_end, .next = nullptr};
  const std::vector<Frame> old = std::exchange(frames_, {});
  reset();
  std::unordered_map<FrameIdx, FrameIdx> moved{{kBottom, kBottom}};
  found_.may_end = kept.may_end;
  for (const FrameIdx way : kept.ways) {
    std::vector<FrameIdx> chain;  // from the top down to what has moved already
    FrameIdx at = way;
    for (; !moved.contains(at); at = old[at].below) chain.push_back(at);
    for (size_t i = chain.size(); i-- > 0;) {
      const Frame& from = old[chain[i]];
      moved[chain[i]] = frame(from.state, moved.at(from.below));
    }
    found_.ways.push_back(moved.at(way));
  }
  return take_found();
}

}  // namespace wattle::grammar
