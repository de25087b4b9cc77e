// SPDX-License-Identifier: Apache-2.0
// Lines from a person: with editing and history on a terminal, plain from a pipe.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace wattle::cli {

// $XDG_STATE_HOME/wattle/chat_history, else ~/.local/state/wattle/chat_history; empty where there
// is no home.
std::filesystem::path history_file();

// Reads stdin; the prompt and the editing go to stdout. One object at a time.
class LineEditor {
 public:
  enum class Result { line, interrupted, end };

  // Reads the history; a file that cannot be read or written later is no error.
  explicit LineEditor(std::filesystem::path history);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  bool on_terminal() const noexcept;

  // `line` without its newline; a line that ends in a backslash goes on in the next one.
  // interrupted: Ctrl-C at the prompt. end: Ctrl-D, or the end of the pipe.
  Result read(const char* prompt, std::string& line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wattle::cli
