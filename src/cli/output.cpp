// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/env.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

[[noreturn]] void throw_stdout() {
  throw Error(ErrorCode::io, fmt::format("cannot write to stdout: {}", std::strerror(errno)));
}

}  // namespace

void print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) throw_stdout();
}

void flush_out() {
  if (std::fflush(stdout) != 0) throw_stdout();
}

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

Paint::Paint(int fd)
    : enabled_(is_terminal(fd) && !env::get(env::kNoColor) &&
               env::get(env::kTerm).value_or("dumb") != "dumb") {}

std::string Paint::wrap(std::string_view code, std::string_view text) const {
  return enabled_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

}  // namespace wattle::cli
