// SPDX-License-Identifier: Apache-2.0
// `wattle show`: what a GGUF file holds, and what it would need to run.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/file_summary.h"
#include "cli/memory_text.h"
#include "cli/output.h"
#include "cli/placement_summary.h"
#include "store/lookup.h"

namespace wattle::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string model;
  std::string argument;
  bool json = false;
  bool tensors = false;
  bool keys = false;
  bool placement = false;
  PlacementFlags placement_flags;
};

constexpr size_t kLongestValue = 200;  // of a key in text

std::string scalar_text(const Json& value) {
  return printable(value.is_string() ? value.get<std::string>() : value.dump());
}

// "name  value" for each member, arrays as they are.
std::string rows(const Json& object) {
  std::string text;
  for (const auto& [name, value] : object.items()) {
    text += fmt::format("  {:<20}{}\n", name, scalar_text(value));
  }
  return text;
}

std::string tensors_text(const Json& tensors) {
  std::string text = fmt::format("tensors: {}\n", tensors["count"].get<uint64_t>());
  for (const Json& row : tensors["by_type"]) {
    text += fmt::format("  {:<10}{:>6}{:>12}{:>12}\n", row["type"].get<std::string>(),
                        row["count"].get<uint64_t>(), count_text(row["parameters"]),
                        row.contains("size_bytes") ? bytes_text(row["size_bytes"])
                                                   : "   " + row["problem"].get<std::string>());
  }
  return text;
}

std::string as_text(const Json& summary) {
  const Json& file = summary["file"];
  const uint64_t n_parts = file["parts"];
  std::string text =
      fmt::format("{}: GGUF v{}, {}{}\n", printable(file["path"].get<std::string>()),
                  file["gguf_version"].get<uint32_t>(), bytes_text(file["size_bytes"]),
                  n_parts > 1 ? fmt::format(" in {} parts", n_parts) : "");
  Json model = summary["model"];
  model["parameters"] = count_text(model["parameters"]);
  text += "model:\n" + rows(model);
  text += tensors_text(summary["tensors"]);
  text += "hyperparameters:\n" + rows(summary["hparams"]);
  text += "tokenizer:\n" + rows(summary["tokenizer"]);
  if (summary.contains("memory")) text += memory_text(summary["memory"]);
  if (summary.contains("tensor_list")) {
    text += "all tensors:\n";
    for (const Json& tensor : summary["tensor_list"]) {
      text += fmt::format("  {:<36}{:<10}{:<24}{:>12}\n", scalar_text(tensor["name"]),
                          tensor["type"].get<std::string>(), tensor["shape"].dump(),
                          tensor.contains("size_bytes") ? bytes_text(tensor["size_bytes"]) : "-");
    }
  }
  if (summary.contains("placement")) text += placement_text(summary["placement"]);
  if (summary.contains("keys")) {
    text += "all keys:\n";
    for (const auto& [key, value] : summary["keys"].items()) {
      std::string shown = scalar_text(value);
      if (shown.size() > kLongestValue) {
        size_t end = kLongestValue;
        while ((static_cast<unsigned char>(shown[end]) & 0xc0) == 0x80) --end;  // whole characters
        shown = fmt::format("{}... ({} bytes)", shown.substr(0, end), shown.size());
      }
      text += fmt::format("  {:<44}{}\n", printable(key), shown);
    }
  }
  return text;
}

int show(const Flags& flags) {
  const gguf::File file(
      store::resolve_model(flags.argument.empty() ? flags.model : flags.argument));
  Json summary = summarise(file);
  if (flags.tensors) summary["tensor_list"] = list_tensors(file);
  if (flags.keys) summary["keys"] = list_keys(file);
  if (flags.placement) {
    NpuParams npu;
    flags.placement_flags.apply_to(npu);
    summary["placement"] = summarise_placement(file, npu);
  }
  print_out(flags.json ? summary.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                       : as_text(summary));
  return 0;
}

}  // namespace

Command add_show(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app =
      program.add_subcommand("show", "what a model file holds and needs")->configurable();
  CLI::Option* argument = app->add_option("MODEL", flags->argument, "the same as -m");
  add_model_flag(*app, flags->model)->excludes(argument);
  app->add_flag("--tensors", flags->tensors, "list every tensor");
  app->add_flag("--keys", flags->keys, "list every key");
  app->add_flag("--placement", flags->placement,
                "which matrices would go to a board's NPU, and what that is projected to cost");
  flags->placement_flags.add_to(*app);
  app->add_flag("--json", flags->json, "print one JSON object");
  return {app, [flags] { return show(*flags); }};
}

}  // namespace wattle::cli
