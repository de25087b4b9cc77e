// SPDX-License-Identifier: Apache-2.0
// `wattle logits`: feeds token ids and writes the logits, for comparisons with other engines.
#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/open_engine.h"
#include "cli/program.h"
#include "cli/text_file.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

constexpr size_t kMaxIdsBytes = size_t{64} << 20;

struct Flags {
  EngineFlags engine{KvCacheType::f32};
  Reporting reporting;
  std::string ids;
  std::string out;
  bool all = false;
};

std::vector<TokenId> read_ids(const std::string& path) {
  const std::string text = read_text_file(path, kMaxIdsBytes);
  constexpr const char* kSpace = " \t\r\n";
  std::vector<TokenId> ids;
  for (size_t at = text.find_first_not_of(kSpace); at != std::string::npos;
       at = text.find_first_not_of(kSpace, at)) {
    const size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    int32_t id = 0;
    const auto [rest, error] = std::from_chars(text.data() + at, text.data() + end, id);
    if (error != std::errc() || rest != text.data() + end) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: id number {} is '{}', expected an integer", path, ids.size(),
                              text.substr(at, std::min<size_t>(end - at, 40))),
                  "ids are separated by spaces; `wattle tokenize` makes them");
    }
    ids.push_back(static_cast<TokenId>(id));
    at = end;
  }
  if (ids.empty()) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: no token ids", path),
                "ids are separated by spaces; `wattle tokenize` makes them");
  }
  return ids;
}

int logits(const Flags& flags) {
  const Interrupt interrupt;
  const std::vector<TokenId> ids = read_ids(flags.ids);
  EngineParams params = flags.engine.params();
  if (params.n_ctx == 0) params.n_ctx = static_cast<uint32_t>(ids.size());
  const auto engine = open_engine(params, flags.reporting, interrupt);
  AtomicFile out(flags.out);
  engine->logits(ids, flags.all, [&](std::span<const float> row) {
    interrupt.check();
    out.write(std::as_bytes(row));
  });
  out.commit();
  return kExitOk;
}

}  // namespace

Command add_logits(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = program.add_subcommand("logits", "write the logits that follow given token ids");
  app->add_option("--ids", flags->ids, "file of token ids separated by spaces; - is stdin")
      ->required()
      ->type_name("FILE");
  app->add_option("--out", flags->out,
                  "where the rows go: little-endian f32 [n, n_vocab], n = 1 or with --all n_ids")
      ->required()
      ->type_name("FILE");
  app->add_flag("--all", flags->all, "a row after every id instead of the last one alone");
  flags->engine.add_to(*app);
  flags->reporting.add_to(*app);
  app->footer("Nothing is added to the ids. -c defaults to their number.");
  return {app, [flags] { return logits(*flags); }};
}

}  // namespace wattle::cli
