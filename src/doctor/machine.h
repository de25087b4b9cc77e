// SPDX-License-Identifier: Apache-2.0
// Which machine this is.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "doctor/file_tree.h"
#include "doctor/finding.h"

namespace wattle::doctor {

// "6.1.43-20-rk2312" is 6.1.43.
struct Version {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned patch = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};
// The numbers at the start of a text; zeros where there are none.
Version version_of(std::string_view text);
std::string version_text(const Version& version);

struct Machine {
  std::string board;   // as the device tree or the firmware calls it; empty where neither does
  std::string soc;     // "rk3588"; empty where it is none of Rockchip's
  std::string kernel;  // release, as `uname -r` prints it
};
Machine identify(const FileTree& tree);

void examine_machine(const Machine& machine, Findings& out);

}  // namespace wattle::doctor
