// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/network.h"

#include <fmt/format.h>

#include <map>
#include <unordered_map>
#include <utility>

#include "sampling/grammar/left_recursion.h"
#include "wattle/error.h"

namespace wattle::grammar {
namespace {

// Builds from the end: each expression is given the state that follows it and returns its first.
class Builder {
 public:
  Builder(const Grammar& grammar, const Limits& limits) : grammar_(grammar), limits_(limits) {}

  Network run() {
    net_.root = grammar_.root;
    for (uint32_t i = 0; i < grammar_.rules.size(); ++i) {
      const StateIdx end = add({.kind = State::Kind::end, .arg = i});
      net_.entry.push_back(build(grammar_.rules[i].body, end));
    }
    return std::move(net_);
  }

 private:
  StateIdx add(const State& state) {
    count_work();
    net_.states.push_back(state);
    return static_cast<StateIdx>(net_.states.size() - 1);
  }

  // Also what adds no state may be repeated without end.
  void count_work() {
    if (++work_ <= limits_.max_states) return;
    throw Error(ErrorCode::bad_input,
                fmt::format("grammar: more than {} states when its repetitions are written out",
                            limits_.max_states),
                "use '*' or '+' instead of a large {m,n}");
  }

  uint32_t byte_set(const ByteSet& set) {
    const auto [it, is_new] = set_index_.try_emplace(set, net_.byte_sets.size());
    if (is_new) net_.byte_sets.push_back(set);
    return static_cast<uint32_t>(it->second);
  }

  StateIdx build(const Expr& expr, StateIdx next) {
    count_work();
    switch (expr.kind) {
      case Expr::Kind::text: return build_text(expr.text, next);
      case Expr::Kind::chars: return build_chars(expr.chars, next);
      case Expr::Kind::rule:
        return add({.kind = State::Kind::call, .arg = expr.rule, .next = next});
      case Expr::Kind::repeat: return build_repeat(expr, next);
      case Expr::Kind::sequence:
        for (size_t i = expr.parts.size(); i-- > 0;) next = build(expr.parts[i], next);
        return next;
      case Expr::Kind::choice: break;
    }
    StateIdx first = build(expr.parts.back(), next);
    for (size_t i = expr.parts.size() - 1; i-- > 0;) {
      const StateIdx option = build(expr.parts[i], next);
      first = add({.kind = State::Kind::split, .next = option, .other = first});
    }
    return first;
  }

  StateIdx build_text(const std::string& text, StateIdx next) {
    for (size_t i = text.size(); i-- > 0;) {
      ByteSet only;
      only.set(static_cast<unsigned char>(text[i]));
      next = add({.kind = State::Kind::bytes, .arg = byte_set(only), .next = next});
    }
    return next;
  }

  StateIdx build_chars(const CharSet& chars, StateIdx next) {
    // The states behind the first byte: rows that end alike share them.
    std::map<std::vector<ByteRange>, StateIdx> tails;
    tails[{}] = next;
    const auto tail_state = [&](const std::vector<ByteRange>& rest) {
      StateIdx state = next;
      std::vector<ByteRange> tail;
      for (size_t i = rest.size(); i-- > 0;) {
        tail.insert(tail.begin(), rest[i]);
        const auto [it, is_new] = tails.try_emplace(tail, 0);
        if (is_new) {
          ByteSet set;
          for (unsigned byte = rest[i].first; byte <= rest[i].last; ++byte) set.set(byte);
          it->second = add({.kind = State::Kind::bytes, .arg = byte_set(set), .next = state});
        }
        state = it->second;
      }
      return state;
    };
    const auto row_state = [&](const EncodedChars& row) {
      return add(
          {.kind = State::Kind::bytes, .arg = byte_set(row.lead), .next = tail_state(row.rest)});
    };
    const std::vector<EncodedChars> rows = encode(chars.ranges());
    StateIdx first = row_state(rows.front());
    for (size_t i = 1; i < rows.size(); ++i) {
      const StateIdx option = row_state(rows[i]);
      first = add({.kind = State::Kind::split, .next = option, .other = first});
    }
    return first;
  }

  StateIdx build_repeat(const Expr& expr, StateIdx next) {
    const Expr& body = expr.parts.front();
    if (!expr.max) {
      const StateIdx loop = add({.kind = State::Kind::split, .other = next});
      const StateIdx first = build(body, loop);
      net_.states[loop].next = first;
      next = loop;
    } else {
      // x{0,2} is (x x?)?, which is never in two places at once where x is not.
      const StateIdx after = next;
      for (uint32_t i = expr.min; i < *expr.max; ++i) {
        const StateIdx one_more = build(body, next);
        next = add({.kind = State::Kind::split, .next = one_more, .other = after});
      }
    }
    for (uint32_t i = 0; i < expr.min; ++i) next = build(body, next);
    return next;
  }

  const Grammar& grammar_;
  const Limits limits_;
  Network net_;
  std::unordered_map<ByteSet, size_t> set_index_;
  size_t work_ = 0;
};

}  // namespace

Network build_network(const Grammar& grammar, const Limits& limits) {
  Network net = Builder(grammar, limits).run();
  refuse_left_recursion(grammar, net);
  return net;
}

}  // namespace wattle::grammar
