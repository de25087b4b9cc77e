// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/fault_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

struct Kind {
  std::string_view name;
  SimulatedCall call;
  SimulatedFault fault;
};

constexpr Kind kKinds[] = {
    {"timeout", SimulatedCall::submit, SimulatedFault::timeout},
    {"hang", SimulatedCall::submit, SimulatedFault::hang},
    {"corrupted", SimulatedCall::submit, SimulatedFault::corrupted_output},
    {"lost", SimulatedCall::submit, SimulatedFault::lost},
    {"no-memory", SimulatedCall::allocate, SimulatedFault::out_of_memory},
    {"no-files", SimulatedCall::allocate, SimulatedFault::too_many_files},
    {"owned", SimulatedCall::open, SimulatedFault::owned},
};

struct Planned {
  Kind kind;
  uint64_t n = 1;  // calls of its kind, from 1
  bool repeats = false;

  bool is_due(uint64_t call) const { return repeats ? call % n == 0 : call == n; }
};

[[noreturn]] void refuse(std::string_view piece) {
  throw Error(ErrorCode::usage, fmt::format("'{}' is no fault of the simulator", piece),
              "such as timeout@3 for the third submit or no-memory/5 for every fifth allocation; "
              "there are timeout, hang, corrupted, lost, no-memory, no-files and owned");
}

Planned parse_piece(std::string_view piece) {
  const size_t end = std::min(piece.find_first_of("@/"), piece.size());
  const auto* kind = std::ranges::find(kKinds, piece.substr(0, end), &Kind::name);
  if (kind == std::end(kKinds)) refuse(piece);
  Planned planned{.kind = *kind};
  const bool has_number = end < piece.size();
  if (has_number == (kind->call == SimulatedCall::open)) refuse(piece);
  if (!has_number) return planned;
  planned.repeats = piece[end] == '/';
  const char* last = piece.data() + piece.size();
  const auto [rest, error] = std::from_chars(piece.data() + end + 1, last, planned.n);
  if (error != std::errc() || rest != last || planned.n == 0) refuse(piece);
  return planned;
}

}  // namespace

std::function<SimulatedFault(SimulatedCall call, uint64_t n)> parse_fault_plan(
    std::string_view text) {
  std::vector<Planned> plan;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    plan.push_back(parse_piece(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return [plan = std::move(plan)](SimulatedCall call, uint64_t n) {
    const auto due = std::ranges::find_if(plan, [&](const Planned& planned) {
      return planned.kind.call == call && planned.is_due(n + 1);
    });
    return due == plan.end() ? SimulatedFault::none : due->kind.fault;
  };
}

}  // namespace wattle::rknpu
