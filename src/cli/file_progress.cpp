// SPDX-License-Identifier: Apache-2.0
#include "cli/file_progress.h"

#include <fmt/format.h>

#include <utility>

#include "cli/amounts.h"

namespace wattle::cli {

FileProgress::FileProgress(std::string doing, std::string name)
    : doing_(std::move(doing)),
      name_(std::move(name)),
      line_(std::chrono::seconds(1), std::chrono::hours(24 * 365)) {}

void FileProgress::update(uint64_t done, uint64_t total) {
  if (total == 0 || !line_.due()) return;
  const double share = static_cast<double>(done) / static_cast<double>(total);
  line_.show(line_.on_terminal() ? fmt::format("{} {:.0f} % of {}", doing_, 100 * share, name_)
                                 : fmt::format("{} {} ({})", doing_, name_, bytes_text(total)));
}

}  // namespace wattle::cli
