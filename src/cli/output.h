// SPDX-License-Identifier: Apache-2.0
// Results on stdout, checked; colours where a person looks at a terminal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace wattle::cli {

// Throws Error{io} where stdout cannot take the text (a full disk, a closed descriptor). A reader
// that went away ends the program with SIGPIPE, quietly, as with other programs.
void print_out(std::string_view text);
void flush_out();

// What is no result: on stderr, at once. Where stderr cannot take it there is nobody to tell.
void print_err(std::string_view text) noexcept;

bool is_terminal(int fd) noexcept;
// Characters a line; nothing where `fd` is no terminal or one that does not say.
std::optional<size_t> terminal_width(int fd) noexcept;

// Text as it is, or wrapped in escape codes where `fd` is a terminal that has colours and NO_COLOR
// is not set.
class Paint {
 public:
  explicit Paint(int fd);
  std::string red(std::string_view text) const { return wrap("31;1", text); }
  std::string bold(std::string_view text) const { return wrap("1", text); }
  std::string dim(std::string_view text) const { return wrap("2", text); }

 private:
  std::string wrap(std::string_view code, std::string_view text) const;
  bool enabled_;
};

// Text of a file or a model for a terminal, which it must not steer: control characters (also those
// beyond ASCII) and bytes that are no UTF-8 become '?', but for the ones in `keep`.
std::string printable(std::string_view text, std::string_view keep = {});

}  // namespace wattle::cli
