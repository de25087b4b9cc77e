// SPDX-License-Identifier: Apache-2.0
#include "doctor/machine.h"

#include <fmt/format.h>

#include <charconv>

namespace wattle::doctor {
namespace {

constexpr std::string_view kVendor = "rockchip,";

}  // namespace

Version version_of(std::string_view text) {
  Version version;
  for (unsigned* part : {&version.major, &version.minor, &version.patch}) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *part);
    if (error != std::errc{}) break;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (!text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  return version;
}

std::string version_text(const Version& version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

Machine identify(const FileTree& tree) {
  Machine machine;
  machine.kernel = tree.text("proc/sys/kernel/osrelease").value_or("");
  if (const auto names = tree.strings("proc/device-tree/model"); !names.empty()) {
    machine.board = names[0];
  } else {
    for (const char* part : {"sys_vendor", "product_name"}) {
      const auto name = tree.text(fmt::format("sys/class/dmi/id/{}", part));
      if (name) machine.board += (machine.board.empty() ? "" : " ") + *name;
    }
  }
  // The most general name stands last: "radxa,rock-5b", "rockchip,rk3588".
  for (const std::string& name : tree.strings("proc/device-tree/compatible")) {
    if (name.starts_with(kVendor)) machine.soc = name.substr(kVendor.size());
  }
  // An S has fewer pins, and the same NPU.
  if (machine.soc == "rk3588s") machine.soc = "rk3588";
  return machine;
}

void examine_machine(const Machine& machine, Findings& out) {
  out.push_back({.id = "machine.board",
                 .verdict = machine.board.empty() ? Verdict::note : Verdict::ok,
                 .what = machine.board.empty()
                             ? "neither device tree nor firmware names the machine"
                         : machine.soc.empty() ? machine.board
                                               : machine.board + ", " + machine.soc});
  out.push_back({.id = "machine.kernel",
                 .verdict = machine.kernel.empty() ? Verdict::note : Verdict::ok,
                 .what = machine.kernel.empty() ? "the kernel does not tell its release"
                                                : "Linux " + machine.kernel});
}

}  // namespace wattle::doctor
