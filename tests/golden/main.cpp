// SPDX-License-Identifier: Apache-2.0
// Compares the engine with reference data: every file of every kind that lies in the folder named
// on the command line, by WATTLE_GOLDEN, or in ../shared/golden beside the source tree. Prints what
// passed, failed and was skipped per kind. Exit code 1 if anything failed, 77 if there is no data.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tally.h"
#include "tests/support/source_tree.h"

namespace {

using wattle::golden::Tally;

struct Kind {
  const char* folder;
  void (*check)(const std::filesystem::path& folder, Tally& tally);
};

constexpr Kind kKinds[] = {
    {"models", wattle::golden::check_models},
    {"real", wattle::golden::check_real},
    {"tokenizers", wattle::golden::check_tokenizers},
    {"chat", wattle::golden::check_chat},
};

constexpr int kExitSkipped = 77;

Tally check_kind(const std::filesystem::path& folder) {
  Tally tally;
  const std::string name = folder.filename().string();
  for (const Kind& kind : kKinds) {
    if (name != kind.folder) continue;
    kind.check(folder, tally);
    return tally;
  }
  const auto n_files = std::distance(std::filesystem::directory_iterator(folder), {});
  tally.skip(fmt::format("{}/: this program knows no such kind", name),
             static_cast<size_t>(n_files));
  return tally;
}

}  // namespace

int main(int argc, char** argv) {
  std::string only;  // --kind models: what ctest runs kind by kind
  std::filesystem::path folder;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--kind" && i + 1 < argc) {
      only = argv[++i];
    } else if (arg == "--verbose") {
      verbose = true;
    } else if (!arg.empty() && arg[0] == '-') {
      fmt::print(stderr, "usage: golden_tests [--kind KIND] [--verbose] [FOLDER]\n");
      return 2;
    } else {
      folder = arg;
    }
  }
  if (folder.empty()) folder = wattle::test::golden_dir();
  if (!std::filesystem::is_directory(folder) ||
      (!only.empty() && !std::filesystem::is_directory(folder / only))) {
    fmt::print("no reference data at {}; set WATTLE_GOLDEN to a folder that has it\n",
               (only.empty() ? folder : folder / only).string());
    return kExitSkipped;
  }

  std::vector<std::filesystem::path> kinds;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.is_directory()) continue;
    if (only.empty() || entry.path().filename() == only) kinds.push_back(entry.path());
  }
  std::sort(kinds.begin(), kinds.end());

  size_t n_passed = 0;
  size_t n_failed = 0;
  size_t n_skipped = 0;
  for (const auto& kind : kinds) {
    const Tally tally = check_kind(kind);
    for (const auto& line : tally.failures()) fmt::print("FAILED {}\n", line);
    for (const auto& line : tally.skips()) fmt::print("skipped {}\n", line);
    if (verbose) {
      for (const auto& line : tally.notes()) fmt::print("{}\n", line);
    }
    fmt::print("{:<12} {:>6} passed {:>6} failed {:>6} skipped\n", kind.filename().string(),
               tally.passed(), tally.failed(), tally.skipped());
    std::fflush(stdout);
    n_passed += tally.passed();
    n_failed += tally.failed();
    n_skipped += tally.skipped();
  }
  fmt::print("{} passed, {} failed, {} skipped\n", n_passed, n_failed, n_skipped);
  return n_failed == 0 ? 0 : 1;
}
