// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/env.h"
#include "base/utf8.h"
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

std::optional<size_t> terminal_width(int fd) noexcept {
  winsize size{};
  if (!is_terminal(fd) || ::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return size.ws_col;
}

Paint::Paint(int fd)
    : enabled_(is_terminal(fd) && !env::get(env::kNoColor) &&
               env::get(env::kTerm).value_or("dumb") != "dumb") {}

std::string Paint::wrap(std::string_view code, std::string_view text) const {
  return enabled_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string printable(std::string_view text, std::string_view keep) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const utf8::Decoded c = utf8::decode(text);
    const bool is_control = c.codepoint < 0x20 || (c.codepoint >= 0x7f && c.codepoint < 0xa0) ||
                            c.status != utf8::Status::ok;
    if (is_control && keep.find(text[0]) == std::string_view::npos) {
      out.push_back('?');
    } else {
      out.append(text.substr(0, c.size_bytes));
    }
    text.remove_prefix(c.size_bytes);
  }
  return out;
}

}  // namespace wattle::cli
