// SPDX-License-Identifier: Apache-2.0
// Clocks of what is no processor: memory ("dmc"), the NPU ("fdab0000.npu").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/file_tree.h"

namespace wattle::doctor {

struct Devfreq {
  std::string folder;  // "sys/class/devfreq/dmc"
  std::string governor = {};
  int64_t cur_hz = 0;
  int64_t max_hz = 0;                  // the limit that is set; 0: not told
  std::vector<int64_t> steps_hz = {};  // ascending; may be empty

  int64_t highest_hz() const { return steps_hz.empty() ? 0 : steps_hz.back(); }
  std::string text() const;  // "528 of 2112 MHz"
};

// Nothing where there is no such clock, or it tells neither its governor nor its frequency.
std::optional<Devfreq> read_devfreq(const FileTree& tree, std::string_view name);

}  // namespace wattle::doctor
