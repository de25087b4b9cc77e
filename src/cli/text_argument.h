// SPDX-License-Identifier: Apache-2.0
// The one text that a command is about: an argument, a flag, a file, or stdin.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace wattle::cli {

// Bound to the flags of an app: must outlive the parsing and stay where it is.
struct TextArgument {
  // `what` is what the help calls it: "prompt".
  void add_to(CLI::App& app, const std::string& what);

  // From where it was given; stdin where that is no terminal. Throws Error{usage} where it was
  // given twice or not at all, what read_text_file throws elsewhere.
  std::string read() const;

  std::optional<std::string> argument;
  std::optional<std::string> flag;
  std::optional<std::string> file;

 private:
  std::string command_;
  std::string what_;
};

}  // namespace wattle::cli
