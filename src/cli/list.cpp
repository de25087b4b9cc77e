// SPDX-License-Identifier: Apache-2.0
// `wattle list`: the models that are there, and the short names of models that could be.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/file_summary.h"
#include "cli/output.h"
#include "gguf/reader.h"
#include "store/aliases.h"
#include "store/models.h"
#include "store/used.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  bool json = false;
  bool aliases = false;
};

// What the file says of itself. Whatever is wrong with it becomes the "problem" of its row: the
// list is where one looks for damaged models too.
void add_header(const store::Model& model, Json& row) {
  try {
    const gguf::File file(model.path());
    const Json summary = summarise(file);
    const Json& about = summary["model"];
    const Json& types = summary["tensors"]["by_type"];  // the first is that of most weights
    if (about.contains("file_type")) {
      row["quant"] = about["file_type"];
    } else if (!types.empty()) {
      row["quant"] = types[0]["type"];
    }
    if (about.contains("architecture")) {
      row["architecture"] = about["architecture"];
      const std::string key = about["architecture"].get<std::string>() + ".context_length";
      if (const auto n_ctx = file.metadata().find<uint64_t>(key)) row["context"] = *n_ctx;
    }
  } catch (const Error& error) {
    row["problem"] = error.what();
  }
}

Json row_of(const store::Model& model) {
  Json row{{"name", model.name},
           {"path", model.path().string()},
           {"size_bytes", model.size_bytes},
           {"parts", model.n_parts},
           {"quant", nullptr},
           {"architecture", nullptr},
           {"context", nullptr},
           {"last_used", nullptr}};
  if (const auto used = store::last_used(model.name)) {
    row["last_used"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                   fmt::gmtime(std::chrono::system_clock::to_time_t(*used)));
  }
  if (model.complete()) {
    add_header(model, row);
  } else {
    row["problem"] = fmt::format("{} of its {} parts are there", model.files.size(), model.n_parts);
  }
  return row;
}

Json row_of(const store::Unfinished& unfinished) {
  return {{"name", unfinished.name},
          {"path", unfinished.files.front().string()},
          {"size_bytes", unfinished.size_bytes},
          {"problem", "not fetched to its end"}};
}

std::string ago(const std::string& model_name) {
  const auto used = store::last_used(model_name);
  if (!used) return "never";
  const auto hours =
      std::chrono::duration_cast<std::chrono::hours>(std::chrono::system_clock::now() - *used)
          .count();
  if (hours < 1) return "just now";
  if (hours < 48) return fmt::format("{} h ago", hours);
  return fmt::format("{} days ago", hours / 24);
}

std::string cell(const Json& row, const char* name) {
  if (!row.contains(name) || row[name].is_null()) return "-";
  return printable(row[name].is_string() ? row[name].get<std::string>() : row[name].dump());
}

std::string as_text(const Json& rows) {
  size_t width = 4;
  for (const Json& row : rows) width = std::max(width, cell(row, "name").size());
  std::string text = fmt::format("{:<{}}  {:>9}  {:<8}  {:<10}  {:>8}  {}\n", "NAME", width, "SIZE",
                                 "QUANT", "ARCH", "CONTEXT", "LAST USED");
  for (const Json& row : rows) {
    text += fmt::format("{:<{}}  {:>9}  ", cell(row, "name"), width, bytes_text(row["size_bytes"]));
    if (row.contains("problem")) {
      text += cell(row, "problem") + "\n";
    } else {
      text += fmt::format("{:<8}  {:<10}  {:>8}  {}\n", cell(row, "quant"),
                          cell(row, "architecture"), cell(row, "context"), ago(row["name"]));
    }
  }
  return text;
}

int list_models(const Flags& flags) {
  const store::Places places = store::places_from_environment();
  Json rows = Json::array();
  for (const auto& model : store::find_models(places)) rows.push_back(row_of(model));
  for (const auto& unfinished : store::find_unfinished(places)) rows.push_back(row_of(unfinished));
  if (flags.json) {
    print_out(rows.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else if (rows.empty()) {
    print_err("no models here yet; `wattle pull` fetches one\n");
  } else {
    print_out(as_text(rows));
  }
  return 0;
}

int list_aliases(const Flags& flags) {
  const auto aliases = store::read_aliases(store::places_from_environment());
  Json rows = Json::array();
  std::string text;
  for (const store::Alias& alias : aliases) {
    rows.push_back({{"name", alias.name},
                    {"from", alias.from},
                    {"size_bytes", alias.size_bytes},
                    {"note", alias.note}});
    text += printable(fmt::format("{:<16}{:>9}  {}\n{:<16}{:>9}  {}\n", alias.name,
                                  bytes_text(alias.size_bytes), alias.note, "", "", alias.from),
                      "\n");
  }
  print_out(flags.json ? rows.dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : text);
  return 0;
}

}  // namespace

Command add_list(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = program.add_subcommand("list", "the models that are there");
  app->add_flag("--aliases", flags->aliases, "short names of models instead, and what each needs");
  app->add_flag("--json", flags->json, "print one JSON array");
  app->footer(
      "Models lie under their own file names in the folders that WATTLE_MODELS names, and in the\n"
      "cache of the hub's client. A file aliases.txt in such a folder adds short names to the "
      "table.");
  return {app, [flags] { return flags->aliases ? list_aliases(*flags) : list_models(*flags); }};
}

}  // namespace wattle::cli
