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

void print_err(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

Paint::Paint(int fd)
    : enabled_(is_terminal(fd) && !env::get(env::kNoColor) &&
               env::get(env::kTerm).value_or("dumb") != "dumb") {}

std::string Paint::wrap(std::string_view code, std::string_view text) const {
  return enabled_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string printable(std::string_view text, std::string_view keep) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool c1 = byte(i) == 0xc2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xa0;  // U+0080..9f
    const bool is_control = c1 || byte(i) < 0x20 || byte(i) == 0x7f;
    out.push_back(is_control && keep.find(text[i]) == std::string_view::npos ? '?' : text[i]);
    if (c1) ++i;
  }
  return out;
}

}  // namespace wattle::cli
