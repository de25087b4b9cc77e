// SPDX-License-Identifier: Apache-2.0
// `wattle rm`: takes models away.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "store/remove.h"

namespace wattle::cli {
namespace {

int rm(const std::vector<std::string>& names) {
  const store::Places places = store::places_from_environment();
  for (const std::string& name : names) {
    const store::Removed removed = store::remove_model(name, places);
    print_err(
        printable(fmt::format("removed {}, {}", removed.name, bytes_text(removed.size_bytes))) +
        "\n");
  }
  return 0;
}

}  // namespace

Command add_rm(CLI::App& program) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* app = program.add_subcommand("rm", "remove models, with all their parts");
  app->add_option("MODEL", *names, "names as `wattle list` shows them, or the beginning of one")
      ->required();
  app->footer(
      "Nothing is asked. What lies in the cache of the hub's client is left to that client.");
  return {app, [names] { return rm(*names); }};
}

}  // namespace wattle::cli
