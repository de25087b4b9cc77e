// SPDX-License-Identifier: Apache-2.0
#include "cli/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <iostream>
#include <string_view>
#include <system_error>

#include "base/user_folders.h"
#include "cli/output.h"

namespace wattle::cli {
namespace {

constexpr int kHistoryLines = 1000;

// libedit reads wide characters as the locale says; a service or a container often has none.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(::nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

struct EndEditLine {
  void operator()(EditLine* editor) const noexcept { ::el_end(editor); }
};
struct EndHistory {
  void operator()(History* history) const noexcept { ::history_end(history); }
};

}  // namespace

struct LineEditor::Impl {
  std::unique_ptr<History, EndHistory> history;
  std::unique_ptr<EditLine, EndEditLine> editor;  // uses the history
  std::filesystem::path file;
  std::string prompt;

  Result read_part(std::string& line);
  Result read_edited(std::string& line);
  void remember(const std::string& line);
};

namespace {

const char* prompt_of(EditLine* editor) {
  void* data = nullptr;
  ::el_get(editor, EL_CLIENTDATA, &data);
  return static_cast<const std::string*>(data)->c_str();
}

}  // namespace

std::filesystem::path history_file() {
  const auto state = user_state_folder();
  return state ? *state / "wattle/chat_history" : std::filesystem::path();
}

LineEditor::LineEditor(std::filesystem::path history) : impl_(std::make_unique<Impl>()) {
  if (!is_terminal(STDIN_FILENO) || !is_terminal(STDOUT_FILENO)) return;
  use_utf8();
  impl_->file = std::move(history);
  impl_->history.reset(::history_init());
  impl_->editor.reset(::el_init("wattle", stdin, stdout, stderr));
  if (impl_->editor == nullptr || impl_->history == nullptr) {
    impl_->editor.reset();
    return;
  }
  HistEvent event;
  ::history(impl_->history.get(), &event, H_SETSIZE, kHistoryLines);
  ::history(impl_->history.get(), &event, H_SETUNIQUE, 1);
  if (!impl_->file.empty()) ::history(impl_->history.get(), &event, H_LOAD, impl_->file.c_str());
  EditLine* editor = impl_->editor.get();
  ::el_set(editor, EL_CLIENTDATA, &impl_->prompt);
  ::el_set(editor, EL_PROMPT, prompt_of);
  ::el_set(editor, EL_EDITOR, "emacs");
  ::el_set(editor, EL_HIST, ::history, impl_->history.get());
  ::el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  ::el_source(editor, nullptr);  // ~/.editrc
}

LineEditor::~LineEditor() {
  if (impl_->editor == nullptr || impl_->file.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(impl_->file.parent_path(), error);
  HistEvent event;  // libedit makes the file readable for its owner alone
  ::history(impl_->history.get(), &event, H_SAVE, impl_->file.c_str());
}

bool LineEditor::on_terminal() const noexcept { return impl_->editor != nullptr; }

LineEditor::Result LineEditor::Impl::read_edited(std::string& line) {
  int length = 0;
  const char* text = ::el_gets(editor.get(), &length);
  if (text == nullptr) {
    if (length == -1 && errno == EINTR) {
      ::el_reset(editor.get());
      return Result::interrupted;
    }
    return Result::end;
  }
  line.assign(text, static_cast<size_t>(length));
  if (line.ends_with('\n')) line.pop_back();
  return Result::line;
}

LineEditor::Result LineEditor::Impl::read_part(std::string& line) {
  if (editor != nullptr) return read_edited(line);
  errno = 0;
  if (std::getline(std::cin, line)) return Result::line;
  if (errno == EINTR) {
    std::cin.clear();
    std::clearerr(stdin);
    return Result::interrupted;
  }
  return Result::end;
}

void LineEditor::Impl::remember(const std::string& line) {
  if (history == nullptr || line.find_first_not_of(" \t\n") == std::string::npos) return;
  HistEvent event;
  ::history(history.get(), &event, H_ENTER, line.c_str());
}

LineEditor::Result LineEditor::read(const char* prompt, std::string& line) {
  impl_->prompt = prompt;
  line.clear();
  for (std::string part;;) {
    const Result result = impl_->read_part(part);
    if (result == Result::interrupted) return result;
    if (result == Result::end && line.empty()) return result;
    if (result == Result::line) line += part;
    if (result == Result::end || !line.ends_with('\\')) break;
    line.back() = '\n';
    impl_->prompt = ". ";
  }
  impl_->remember(line);
  return Result::line;
}

}  // namespace wattle::cli
