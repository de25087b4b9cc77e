// SPDX-License-Identifier: Apache-2.0
#include "cli/text_argument.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/letter_case.h"
#include "cli/output.h"
#include "cli/text_file.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

constexpr size_t kMaxTextBytes = size_t{64} << 20;

}  // namespace

void TextArgument::add_to(CLI::App& app, const std::string& what) {
  command_ = app.get_name();
  what_ = what;
  app.add_option(upper_case(what), argument,
                 fmt::format("the {}; without one it is read from stdin", what));
  app.add_option("-p,--prompt", flag, "the same as a flag")->type_name("TEXT");
  app.add_option("-f,--file", file, fmt::format("read the {} from a file", what))
      ->type_name("FILE");
}

std::string TextArgument::read() const {
  if (argument.has_value() + flag.has_value() + file.has_value() > 1) {
    throw Error(ErrorCode::usage, fmt::format("wattle {}: more than one {}", command_, what_),
                "give it as argument, with -p or with -f");
  }
  if (argument) return *argument;
  if (flag) return *flag;
  if (!file && is_terminal(STDIN_FILENO)) {
    throw Error(ErrorCode::usage, fmt::format("wattle {}: no {}", command_, what_),
                fmt::format("such as `wattle {} \"Why is the sky blue?\"`; -f reads a file, a pipe "
                            "works too",
                            command_));
  }
  std::string text = read_text_file(file.value_or("-"), kMaxTextBytes);
  // The newline that ends a text file is not part of the text.
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace wattle::cli
