// SPDX-License-Identifier: Apache-2.0
// `wattle synth`: a model file of a known shape with random weights.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/file_progress.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/program.h"
#include "measure/synth_file.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

using measure::SynthPlan;
using measure::SynthShape;

struct Flags {
  std::string preset;
  std::string out;
  std::string type = "q4_0";
  std::vector<std::string> tensor_types;
  uint64_t seed = 0;
  uint32_t n_layers = 0;
  bool sparse = false;
  bool list = false;
  bool json = false;
  bool quiet = false;
};

SynthPlan plan_of(const Flags& flags, const SynthShape& shape) {
  std::vector<measure::TypeOverride> overrides;
  overrides.reserve(flags.tensor_types.size());
  for (const std::string& text : flags.tensor_types) {
    overrides.push_back(measure::parse_type_override(text));
  }
  return measure::plan_synth(shape, measure::find_type_mix(flags.type), overrides);
}

int list_presets(const Flags& flags) {
  auto rows = nlohmann::ordered_json::array();
  std::string text = fmt::format("{:<18}{:<10}{:>7}{:>9}{:>9}{:>12}{:>12}\n", "preset", "arch",
                                 "layers", "n_embd", "experts", "parameters", flags.type);
  for (const SynthShape& shape : measure::synth_presets()) {
    const SynthPlan plan = plan_of(flags, shape);
    rows.push_back({{"name", shape.name},
                    {"arch", shape.arch},
                    {"n_layer", shape.n_layer},
                    {"n_embd", shape.n_embd},
                    {"n_expert", shape.n_expert},
                    {"n_params", plan.n_params()},
                    {"weight_bytes", plan.weight_bytes()}});
    text += fmt::format("{:<18}{:<10}{:>7}{:>9}{:>9}{:>12}{:>12}\n", shape.name, shape.arch,
                        shape.n_layer, shape.n_embd, shape.n_expert, count_text(plan.n_params()),
                        bytes_text(plan.weight_bytes()));
  }
  print_out(flags.json ? rows.dump(2) + "\n" : text);
  return kExitOk;
}

void print_summary(const Flags& flags, const SynthPlan& plan) {
  std::map<std::string, size_t> n_of_type;
  for (const DType type : plan.types) ++n_of_type[std::string(dtype_info(type).name)];
  if (flags.json) {
    nlohmann::ordered_json json;
    json["file"] = flags.out;
    json["preset"] = plan.shape.name;
    json["n_params"] = plan.n_params();
    json["weight_bytes"] = plan.weight_bytes();
    json["tensors"] = n_of_type;
    json["seed"] = flags.seed;
    print_out(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    return;
  }
  std::string types;
  for (const auto& [name, n] : n_of_type) {
    types += fmt::format("{}{} {}", types.empty() ? "" : ", ", n, name);
  }
  print_out(fmt::format("{}: {} parameters in {} ({})\n", printable(flags.out),
                        count_text(plan.n_params()), bytes_text(plan.weight_bytes()), types));
}

int synth(const Flags& flags) {
  if (flags.list) return list_presets(flags);
  if (flags.preset.empty() || flags.out.empty()) {
    throw Error(
        ErrorCode::usage,
        fmt::format("wattle synth: no {}", flags.preset.empty() ? "preset" : "file to write"),
        flags.preset.empty() ? "`wattle synth --list` shows what there is" : "name it with -o");
  }
  SynthShape shape = measure::find_synth_preset(flags.preset);
  if (flags.n_layers != 0) shape = measure::with_layers(shape, flags.n_layers);
  const SynthPlan plan = plan_of(flags, shape);
  const Interrupt interrupt;
  {
    FileProgress progress("writing", printable(flags.out));
    measure::write_synth(plan, flags.out,
                         {.seed = flags.seed,
                          .sparse = flags.sparse,
                          .on_progress = [&](uint64_t done, uint64_t total) {
                            if (!flags.quiet) progress.update(done, total);
                            return !interrupt.requested();
                          }});
  }
  print_summary(flags, plan);
  return kExitOk;
}

}  // namespace

Command add_synth(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app =
      program.add_subcommand("synth", "write a model of a known shape with random weights");
  app->add_option("PRESET", flags->preset, "which shape, such as gemma4-26b-a4b; see --list");
  app->add_option("-o,--out", flags->out, "the file to write; it must not be there")
      ->type_name("FILE");
  app->add_option("--type", flags->type,
                  "types of the weights: q4_0, q4_k_m, q8_0, f16, ... (default q4_0)")
      ->type_name("MIX");
  app->add_option("--tensor-type", flags->tensor_types,
                  "type of tensors with PART in their name; may be given several times")
      ->type_name("PART=TYPE")
      ->allow_extra_args(false);
  app->add_option("--layers", flags->n_layers, "only so many of its layers (default: all)")
      ->check(CLI::Range(1u, 1024u))
      ->type_name("N");
  app->add_option("--seed", flags->seed, "of the random numbers (default 0)")->type_name("N");
  app->add_flag("--sparse", flags->sparse,
                "all weights are zeros that take no room on the disk: for `wattle show`");
  app->add_flag("--list", flags->list, "the presets, and their size with --type");
  app->add_flag("--json", flags->json, "print JSON");
  app->add_flag("-q,--quiet", flags->quiet, "no progress on stderr");
  app->footer(
      "The file takes the time, memory and bandwidth of a real one, and says nothing sensible:\n"
      "measure a machine with it before a download or a purchase. docs/measuring.md says more.");
  return {app, [flags] { return synth(*flags); }};
}

}  // namespace wattle::cli
