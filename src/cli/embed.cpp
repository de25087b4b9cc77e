// SPDX-License-Identifier: Apache-2.0
// `wattle embed`: the vector of a text.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/open_engine.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/text_argument.h"
#include "wattle/engine.h"

namespace wattle::cli {
namespace {

// cls is what llama.cpp calls it.
const std::map<std::string, Pooling> kPoolings{{"mean", Pooling::mean},
                                               {"first", Pooling::first},
                                               {"cls", Pooling::first},
                                               {"last", Pooling::last}};

struct Flags {
  EngineFlags engine;
  Reporting reporting;
  TextArgument text;
  Engine::EmbedOptions options;
  bool raw_length = false;
  bool json = false;
};

int embed(const Flags& flags) {
  const Interrupt interrupt;
  const std::string text = flags.text.read();
  const auto engine = open_engine(flags.engine.params(), flags.reporting, interrupt);
  interrupt.check();
  Engine::EmbedOptions options = flags.options;
  options.normalize = !flags.raw_length;
  const Embedding made = engine->embed(text, options);
  const nlohmann::ordered_json values = made.values;
  if (flags.json) {
    const nlohmann::ordered_json json{
        {"model", engine->model().name}, {"n_tokens", made.n_tokens}, {"embedding", values}};
    print_out(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  } else {
    print_out(values.dump() + "\n");
  }
  return kExitOk;
}

}  // namespace

Command add_embed(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app =
      program.add_subcommand("embed", "the vector of a text, as a JSON array")->configurable();
  flags->text.add_to(*app, "text");
  app->add_option_function<std::string>(
         "--pooling",
         [flags](const std::string& name) { flags->options.pooling = kPoolings.at(name); },
         "which tokens' vectors stand for the text: mean, first (cls) or last (default: as the "
         "model file says, else last)")
      ->check(CLI::IsMember(kPoolings))
      ->type_name("POOLING");
  app->add_flag("--no-normalize", flags->raw_length, "leave the vector as long as it is");
  app->add_flag("--json", flags->json, "print an object: model, number of tokens, vector");
  flags->engine.add_to(*app);
  flags->reporting.add_to(*app);
  return {app, [flags] { return embed(*flags); }};
}

}  // namespace wattle::cli
