// SPDX-License-Identifier: Apache-2.0
// `wattle man` and `wattle completion`: what the build installs, and what a person without the
// package installs by hand. Not in --help, as they run no model.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "cli/completion_script.h"
#include "cli/manual.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/suggest.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

struct ManFlags {
  std::string command;
  std::string folder;
  bool markdown = false;
};

void write_file(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

// Under the names that shells and man look for.
void write_all(const ProgramReference& reference, const std::filesystem::path& folder) {
  const std::filesystem::path pages = folder / "man1";
  std::error_code error;
  std::filesystem::create_directories(pages, error);
  if (error) {
    throw Error(ErrorCode::io,
                fmt::format("{}: cannot make the folder: {}", pages.string(), error.message()));
  }
  write_file(pages / "wattle.1", manual_page(reference, nullptr));
  for (const CommandReference& command : reference.commands) {
    write_file(pages / fmt::format("wattle-{}.1", command.name), manual_page(reference, &command));
  }
  write_file(folder / "wattle", bash_completion(reference));
  write_file(folder / "_wattle", zsh_completion(reference));
  write_file(folder / "wattle.fish", fish_completion(reference));
}

int man(const ManFlags& flags) {
  const ProgramReference reference = describe(*define_program());
  if (!flags.folder.empty()) {
    write_all(reference, flags.folder);
    return kExitOk;
  }
  const CommandReference* command = reference.find(flags.command);
  if (!flags.command.empty() && command == nullptr) {
    std::vector<std::string> known;
    known.reserve(reference.commands.size());
    for (const CommandReference& one : reference.commands) known.push_back(one.name);
    const auto near = nearest(flags.command, known);
    throw Error(ErrorCode::usage,
                fmt::format("wattle man: no command is called '{}'", flags.command),
                near ? fmt::format("did you mean '{}'?", *near) : "`wattle --help` lists them");
  }
  print_out(flags.markdown ? markdown_reference(reference) : manual_page(reference, command));
  return kExitOk;
}

int completion(const std::string& shell) {
  const ProgramReference reference = describe(*define_program());
  print_out(shell == "bash"  ? bash_completion(reference)
            : shell == "zsh" ? zsh_completion(reference)
                             : fish_completion(reference));
  return kExitOk;
}

}  // namespace

Command add_man(CLI::App& program) {
  auto flags = std::make_shared<ManFlags>();
  CLI::App* app = program.add_subcommand("man", "print a manual page")->group("");
  app->add_option("COMMAND", flags->command, "the command it is about; none: the program");
  app->add_option("--all", flags->folder, "write every page and completion into a folder instead")
      ->type_name("FOLDER");
  app->add_flag("--markdown", flags->markdown, "print docs/cli.md instead");
  app->footer("`wattle man run | man -l -` shows it.");
  return {app, [flags] { return man(*flags); }};
}

Command add_completion(CLI::App& program) {
  auto shell = std::make_shared<std::string>();
  CLI::App* app =
      program.add_subcommand("completion", "print the completions for a shell")->group("");
  app->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  app->footer(
      "bash: wattle completion bash > ~/.local/share/bash-completion/completions/wattle\n"
      "zsh:  wattle completion zsh > a folder of $fpath/_wattle\n"
      "fish: wattle completion fish > ~/.config/fish/completions/wattle.fish");
  return {app, [shell] { return completion(*shell); }};
}

}  // namespace wattle::cli
