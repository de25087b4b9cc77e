// SPDX-License-Identifier: Apache-2.0
// `wattle tokenize`: the token ids of the text on stdin. A file without tensors is enough.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/text_file.h"
#include "gguf/reader.h"
#include "runtime/vocab_loader.h"
#include "store/lookup.h"

namespace wattle::cli {
namespace {

constexpr size_t kMaxTextBytes = size_t{256} << 20;

struct Flags {
  std::string model;
  bool no_bos = false;
  bool no_special = false;
};

int tokenize(const Flags& flags) {
  const gguf::File file(store::resolve_model(flags.model));
  const Tokenizer tokenizer = load_tokenizer(file);
  const auto ids = tokenizer.encode(read_text_file("-", kMaxTextBytes),
                                    {.add_bos = !flags.no_bos, .parse_special = !flags.no_special});
  std::string line = "[";
  for (const TokenId id : ids) {
    fmt::format_to(std::back_inserter(line), "{}{}", line.size() > 1 ? ", " : "", to_int(id));
  }
  print_out(line + "]\n");
  return 0;
}

}  // namespace

Command add_tokenize(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app =
      program.add_subcommand("tokenize", "token ids of the text on stdin, as one JSON array")
          ->configurable();
  add_model_flag(*app, flags->model);
  app->add_flag("--no-bos", flags->no_bos, "do not put the model's BOS token in front");
  app->add_flag("--no-special", flags->no_special,
                "read control tokens in the text (\"<bos>\") as plain text");
  return {app, [flags] { return tokenize(*flags); }};
}

}  // namespace wattle::cli
