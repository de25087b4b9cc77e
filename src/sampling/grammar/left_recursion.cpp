// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/left_recursion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "wattle/error.h"

namespace wattle::grammar {
namespace {

using Calls = std::vector<std::vector<uint32_t>>;  // [n_rules]: the rules that each can begin with

// Visits what can be reached without taking a byte. A call of a rule that may be empty goes on
// behind it; whether it may is known only when its end is reached, so the callers wait for that.
Calls left_calls(const Network& net) {
  struct Visit {
    StateIdx state;
    uint32_t rule;  // whose state it is
  };
  const size_t n_rules = net.entry.size();
  Calls calls(n_rules);
  std::vector<bool> may_be_empty(n_rules, false);
  std::vector<std::vector<Visit>> waiting(n_rules);
  std::vector<bool> seen(net.states.size(), false);
  std::vector<Visit> pending;
  pending.reserve(n_rules);
  for (uint32_t i = 0; i < n_rules; ++i) pending.push_back({net.entry[i], i});

  while (!pending.empty()) {
    const Visit visit = pending.back();
    pending.pop_back();
    if (seen[visit.state]) continue;
    seen[visit.state] = true;
    const State& state = net.states[visit.state];
    const Visit behind{state.next, visit.rule};
    switch (state.kind) {
      case State::Kind::bytes: break;
      case State::Kind::split:
        pending.push_back({state.other, visit.rule});
        pending.push_back(behind);
        break;
      case State::Kind::call:
        calls[visit.rule].push_back(state.arg);
        if (may_be_empty[state.arg]) {
          pending.push_back(behind);
        } else {
          waiting[state.arg].push_back(behind);
        }
        break;
      case State::Kind::end:
        may_be_empty[visit.rule] = true;
        for (const Visit& later : std::exchange(waiting[visit.rule], {})) pending.push_back(later);
        break;
    }
  }
  return calls;
}

// The rules on a cycle of calls, or none.
std::vector<uint32_t> find_cycle(const Calls& calls) {
  enum class Mark : uint8_t { fresh, on_path, done };
  struct Step {
    uint32_t rule;
    size_t next_call;
  };
  std::vector<Mark> marks(calls.size(), Mark::fresh);
  for (uint32_t start = 0; start < calls.size(); ++start) {
    if (marks[start] != Mark::fresh) continue;
    std::vector<Step> path{{start, 0}};
    marks[start] = Mark::on_path;
    while (!path.empty()) {
      Step& step = path.back();
      if (step.next_call == calls[step.rule].size()) {
        marks[step.rule] = Mark::done;
        path.pop_back();
        continue;
      }
      const uint32_t called = calls[step.rule][step.next_call++];
      if (marks[called] == Mark::on_path) {
        std::vector<uint32_t> cycle;
        const auto begin =
            std::find_if(path.begin(), path.end(), [&](const Step& s) { return s.rule == called; });
        for (auto it = begin; it != path.end(); ++it) cycle.push_back(it->rule);
        return cycle;
      }
      if (marks[called] == Mark::fresh) {
        marks[called] = Mark::on_path;
        path.push_back({called, 0});
      }
    }
  }
  return {};
}

}  // namespace

void refuse_left_recursion(const Grammar& grammar, const Network& net) {
  const std::vector<uint32_t> cycle = find_cycle(left_calls(net));
  if (cycle.empty()) return;
  const std::string& first = grammar.rules[cycle.front()].name;
  std::string way;
  constexpr size_t kMaxNamed = 8;
  for (size_t i = 0; i < std::min(cycle.size(), kMaxNamed); ++i) {
    way += grammar.rules[cycle[i]].name + " -> ";
  }
  if (cycle.size() > kMaxNamed) way += "... -> ";
  throw Error(ErrorCode::bad_input,
              fmt::format("grammar: rule '{}' can begin with itself ({}{})", first, way, first),
              "write left recursion as a repetition: `a ::= a \"x\" | \"y\"` is "
              "`a ::= \"y\" \"x\"*`");
}

}  // namespace wattle::grammar
