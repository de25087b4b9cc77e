// SPDX-License-Identifier: Apache-2.0
// What an examination finds.
#pragma once

#include <string>
#include <vector>

namespace wattle::doctor {

enum class Verdict {
  ok,
  note,     // neither good nor bad, or not told by the system
  warning,  // works, but slower or less than it could
  problem,  // something the machine has does not work
};

struct Finding {
  std::string id;  // "npu.node": an area and what was looked at; stays the same between versions
  Verdict verdict = Verdict::ok;
  std::string what = {};               // what is there, one line
  std::string why = {};                // what follows from it; empty for ok
  std::vector<std::string> mend = {};  // commands, or what to do where no command does it
};

using Findings = std::vector<Finding>;

}  // namespace wattle::doctor
