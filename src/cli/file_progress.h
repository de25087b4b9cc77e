// SPDX-License-Identifier: Apache-2.0
// How far long work on a file is, on stderr.
#pragma once

#include <cstdint>
#include <string>

#include "cli/progress_line.h"

namespace wattle::cli {

// Percents on a terminal; elsewhere one line, once. Work of less than a second says nothing.
class FileProgress {
 public:
  // "loading", "model.gguf"; both printable.
  FileProgress(std::string doing, std::string name);

  // Bytes. Cheap: most calls only look at the clock.
  void update(uint64_t done, uint64_t total);

 private:
  const std::string doing_;
  const std::string name_;
  ProgressLine line_;
};

}  // namespace wattle::cli
