// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>

#include "cli/definition.h"
#include "cli/llama_flags.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/suggest.h"
#include "cli/wrap.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

// A descriptor that the caller closed would be taken by the next file we open, and then our output
// would go there. The wrong direction makes every use an error.
void occupy_standard_streams() noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) == -1) {
      (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
  }
}

// Messages quote files and arguments.
void tell_error(const std::string& what, const std::string& hint) {
  const Paint paint(STDERR_FILENO);
  std::string text = fmt::format("{} {}\n", paint.red("error:"), printable(what, "\n"));
  if (!hint.empty()) {
    text += fmt::format("  {} {}\n", paint.bold("hint:"), printable(hint, "\n"));
  }
  print_err(text);
}

int exit_code_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::usage: return kExitUsage;
    case ErrorCode::cancelled: return kExitInterrupted;
    default: return kExitFailure;
  }
}

// What was left over after parsing: an unknown command, flag, or one argument too many.
void refuse_leftovers(const CLI::App& app, const std::string& title) {
  const std::vector<std::string> left = app.remaining();
  if (left.empty()) return;
  const std::string& wrong = left.front();
  const bool is_flag = wrong.size() > 1 && wrong.front() == '-';
  const bool wants_command = app.get_parent() == nullptr;
  if (!is_flag && !wants_command) {
    throw Error(ErrorCode::usage, fmt::format("{}: one argument too many: '{}'", title, wrong),
                "put quotes around text of several words");
  }
  std::vector<std::string> known;
  if (is_flag) {
    for (const CLI::Option* option : app.get_options()) {
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
      for (const auto& name : option->get_snames()) known.push_back("-" + name);
    }
  } else {
    for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  }
  const auto near = nearest(wrong.substr(0, wrong.find('=')), known);
  throw Error(ErrorCode::usage,
              fmt::format("{}: no {} is called '{}'", title, is_flag ? "flag" : "command", wrong),
              near ? fmt::format("did you mean '{}'?", *near)
                   : fmt::format("`{} --help` lists what there is", title));
}

std::string help_for(const CLI::App& program, int fd) {
  const auto width = terminal_width(fd);
  return width ? wrapped(program.help(), *width) : program.help();
}

int parse_and_run(std::vector<std::string> args) {
  const std::unique_ptr<Definition> definition = define_program();
  CLI::App& program = definition->app;
  std::string title = "wattle";
  try {
    args = expand_llama_flags(std::move(args));
    std::reverse(args.begin(), args.end());  // as CLI11 wants them
    program.parse(args);
  } catch (const CLI::CallForHelp&) {
    print_out(help_for(program, STDOUT_FILENO));
    return kExitOk;
  } catch (const CLI::CallForVersion& version) {
    print_out(fmt::format("{}\n", version.what()));
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    const auto parsed = program.get_subcommands();
    if (!parsed.empty()) title += " " + parsed.front()->get_name();
    throw Error(ErrorCode::usage, fmt::format("{}: {}", title, error.what()),
                fmt::format("`{} --help` explains its flags", title));
  }

  refuse_leftovers(program, title);
  for (const Command& command : definition->commands) {
    if (!command.app->parsed()) continue;
    refuse_leftovers(*command.app, title + " " + command.app->get_name());
    if (command.app->get_configurable()) Settings(load_config(), program).apply(*command.app);
    return command.body();
  }
  print_err(help_for(program, STDERR_FILENO));
  return kExitUsage;
}

}  // namespace

int run_program(std::vector<std::string> args) noexcept {
  occupy_standard_streams();
  int code = kExitFailure;
  try {
    code = parse_and_run(std::move(args));
    flush_out();
    return code;
  } catch (const Error& error) {
    code = exit_code_of(error.code());
    if (error.code() != ErrorCode::cancelled) tell_error(error.what(), error.hint());
  } catch (const std::bad_alloc&) {
    tell_error("out of memory", "a smaller context (-c) or a smaller model needs less");
  } catch (const std::exception& error) {
    tell_error(error.what(), "");
  }
  return code;
}

}  // namespace wattle::cli
