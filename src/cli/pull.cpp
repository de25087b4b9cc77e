// SPDX-License-Identifier: Apache-2.0
// `wattle pull`: a model from the hub, an address or a file into the folder of models.
#include "store/pull.h"

#include <fmt/format.h>
#include <signal.h>

#include <memory>
#include <string>

#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/memory_text.h"
#include "cli/output.h"
#include "cli/progress_line.h"
#include "cli/remote_header.h"
#include "cli/transfer_rate.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string what;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
  uint32_t n_retries = store::FetchHooks().n_retries;
};

// "gemma.gguf: 1.20 of 14.44 GB, 8 %, 25.0 MB/s, 9 min left"
class PullProgress {
 public:
  explicit PullProgress(const store::PullPlan& plan) : plan_(plan) {}

  void update(const std::string& name, uint64_t done, bool checking) {
    if (name != name_ || checking != checking_) rate_.reset();
    name_ = name;
    checking_ = checking;
    rate_.add(done, TransferRate::Clock::now());
    if (line_.due()) line_.show(describe(done));
  }
  void clear() noexcept { line_.clear(); }

 private:
  std::string describe(uint64_t done) const {
    uint64_t size = 0;
    for (const auto& file : plan_.files) {
      if (file.name == name_) size = file.size_bytes;
    }
    const double share = size == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(size);
    std::string text =
        fmt::format("{}{}: {} of {}, {:.0f} %", checking_ ? "checking " : "", printable(name_),
                    bytes_text(done), bytes_text(size), 100 * share);
    if (const auto rate = rate_.bytes_per_second(); rate && *rate > 0) {
      text += fmt::format(", {}/s, {} left", bytes_text(static_cast<uint64_t>(*rate)),
                          seconds_text(static_cast<double>(size - done) / *rate));
    }
    return text;
  }

  const store::PullPlan& plan_;
  ProgressLine line_{std::chrono::milliseconds(500), std::chrono::seconds(15)};
  TransferRate rate_;
  std::string name_;
  bool checking_ = false;
};

Json as_json(const store::PullPlan& plan) {
  Json files = Json::array();
  for (const auto& file : plan.files) {
    files.push_back({{"name", file.name},
                     {"url", file.url},
                     {"size_bytes", file.size_bytes},
                     {"sha256", file.sha256.empty() ? Json() : Json(file.sha256)}});
  }
  Json json{{"name", plan.name},
            {"path", (plan.there ? *plan.there : plan.folder / plan.name).string()},
            {"size_bytes", plan.size_bytes},
            {"begun_bytes", plan.begun_bytes},
            {"there", plan.there.has_value()}};
  json["files"] = std::move(files);
  return json;
}

std::string as_text(const Json& plan) {
  std::string text =
      fmt::format("{}: {}", plan["name"].get<std::string>(), bytes_text(plan["size_bytes"]));
  if (plan["there"]) {
    text += fmt::format(", is there: {}", plan["path"].get<std::string>());
  } else if (plan["begun_bytes"] != 0) {
    text += fmt::format(", {} of it is there", bytes_text(plan["begun_bytes"]));
  }
  text += "\n";
  for (const Json& file : plan["files"]) {
    text +=
        fmt::format("  {:>12} bytes  {}  sha256 {}\n", file["size_bytes"].get<uint64_t>(),
                    file["name"].get<std::string>(),
                    file["sha256"].is_null() ? "not stated" : file["sha256"].get<std::string>());
  }
  text = printable(text, "\n");
  const Json& memory = plan["memory"];
  if (!memory.contains("problem")) return text + memory_text(memory);
  return text + "memory: " + printable(memory["problem"].get<std::string>()) + "\n";
}

void print_json(const Json& json) {
  print_out(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

int pull(const Flags& flags) {
  // A limit of the size of files is then an error of writing, as a full disk is, and not the end.
  ::signal(SIGXFSZ, SIG_IGN);
  const Interrupt interrupt;
  store::FetchHooks hooks;
  std::unique_ptr<PullProgress> progress;
  hooks.n_retries = flags.n_retries;
  hooks.cancelled = [&] { return interrupt.requested(); };
  hooks.on_note = [&](const std::string& line) {
    if (progress) progress->clear();
    if (!flags.quiet) print_err(printable(line) + "\n");
  };
  store::Http http(hooks.cancelled);
  const store::PullPlan plan =
      store::plan_pull(http, flags.what, store::places_from_environment(), hooks);
  Json json = as_json(plan);

  if (flags.dry_run) {
    json["memory"] = remote_memory(http, plan, hooks);
    if (flags.json) {
      print_json(json);
    } else {
      print_out(as_text(json));
    }
    return 0;
  }
  if (!plan.there && !flags.quiet) {
    progress = std::make_unique<PullProgress>(plan);
    print_err(printable(fmt::format("fetching {}, {}, into {}", plan.name,
                                    bytes_text(plan.size_bytes), plan.folder.string())) +
              "\n");
    hooks.on_bytes = [&](const std::string& name, uint64_t done, bool checking) {
      progress->update(name, done, checking);
    };
  }
  try {
    json["path"] = store::run_pull(http, plan, hooks).string();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) throw;
    hooks.on_note("stopped; what was fetched is kept, and the same command goes on there");
    throw;
  }
  if (flags.json) {
    print_json(json);
  } else {
    print_out(json["path"].get<std::string>() + "\n");
  }
  return 0;
}

}  // namespace

Command add_pull(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = program.add_subcommand("pull", "fetch a model");
  app->add_option("MODEL", flags->what,
                  "hf:ORG/NAME[@REVISION][:QUANT|:FILE], an https address, a file, or an alias")
      ->required();
  app->add_flag("--dry-run", flags->dry_run,
                "only say what would be fetched, and what memory it takes to run it");
  app->add_flag("--json", flags->json, "print one JSON object instead of the path");
  app->add_option("--retries", flags->n_retries,
                  "how often in a row trying again may bring nothing (default 4; 0: try once)")
      ->check(CLI::Range(0u, 1000u))
      ->type_name("N");
  app->add_flag("-q,--quiet", flags->quiet, "no progress on stderr");
  app->footer(
      "stdout is the path of the model. `wattle list --aliases` shows short names. What was "
      "fetched\n"
      "stays when it is interrupted: the same command goes on there. All parts of a split model "
      "are\n"
      "fetched. The checksum that the hub states is verified before a file gets its name.");
  return {app, [flags] { return pull(*flags); }};
}

}  // namespace wattle::cli
