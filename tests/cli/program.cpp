// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <thread>

#include "tests/support/read_file.h"
#include "tests/support/temp_dir.h"

namespace wattle::test {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

bool has_content(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::file_size(path, error) > 0 && !error;
}

// Exit status of the child; sends the signal on the way.
int wait_for(pid_t pid, const ProgramInput& input, const std::string& out) {
  const Clock::time_point start = Clock::now();
  // An emulator takes some thirty times as long.
  const std::chrono::minutes limit(std::getenv("QEMU_CPU") != nullptr ? 8 : 1);
  bool sent = input.signal == 0;
  for (;;) {
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) == pid) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (!sent && has_content(out)) {
      ::kill(pid, input.signal);
      sent = true;
    }
    if (Clock::now() - start > limit) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      ADD_FAILURE() << "the program did not end";
      return -1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

std::string program_path() { return WATTLE_PROGRAM; }

ProgramResult run_wattle(const std::vector<std::string>& args, const ProgramInput& input) {
  // Files instead of pipes: nothing can fill up and block.
  const TempDir dir;
  const std::string in = dir.path() / "in";
  const std::string caught = dir.path() / "out";
  const std::string out = input.stdout_path.empty() ? caught : input.stdout_path;
  const std::string caught_err = dir.path() / "err";
  const std::string err = input.stderr_path.empty() ? caught_err : input.stderr_path;
  std::ofstream(in, std::ios::binary) << input.stdin_text;

  std::vector<std::string> arguments{WATTLE_PROGRAM};
  if (!input.shell.empty()) arguments = {"/bin/bash", "-c", input.shell, "bash", WATTLE_PROGRAM};
  arguments.insert(arguments.end(), args.begin(), args.end());
  std::vector<std::string> environment{"PATH=/usr/bin:/bin"};
  std::map<std::string, std::string> variables{
      {"WATTLE_MODELS", dir.path() / "no_models"},
      {"HOME", dir.path() / "no_home"},
  };
  for (const auto& [name, value] : input.env) variables[name] = value;
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  // The processor that an emulator is to be.
  if (const char* cpu = std::getenv("QEMU_CPU")) {
    environment.push_back(std::string("QEMU_CPU=") + cpu);
  }

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, in.c_str(), O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  ::posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, arguments.front().c_str(), &actions, nullptr,
                                  pointers(arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    ADD_FAILURE() << "cannot start " << WATTLE_PROGRAM;
    return {};
  }
  const int exit_code = wait_for(pid, input, out);
  return {.exit_code = exit_code,
          .out = input.stdout_path.empty() ? read_text(caught) : "",
          .err = input.stderr_path.empty() ? read_text(caught_err) : ""};
}

}  // namespace wattle::test
