// SPDX-License-Identifier: Apache-2.0
// Runs the built program the way a shell does.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace wattle::test {

struct ProgramInput {
  std::string stdin_text = {};
  std::vector<std::pair<std::string, std::string>> env = {};  // added to a small, fixed environment
  std::string stdout_path = {};                               // instead of catching it
  std::string stderr_path = {};                               // the same
  int signal = 0;          // sent as soon as something is on stdout
  std::string shell = {};  // bash commands around the program, which is "$@" in them
};

struct ProgramResult {
  int exit_code = -1;  // 128 + n where signal n ended it
  std::string out;
  std::string err;
};

// For shells that start it themselves.
std::string program_path();

// Kills the program and fails the test where it takes more than a minute. No terminal anywhere;
// WATTLE_MODELS and HOME name a folder that is not there unless env says otherwise.
ProgramResult run_wattle(const std::vector<std::string>& args, const ProgramInput& input = {});

}  // namespace wattle::test
