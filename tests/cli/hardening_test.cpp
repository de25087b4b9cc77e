// SPDX-License-Identifier: Apache-2.0
// The program where something is missing that is mostly there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/cli/program.h"
#include "tests/support/source_tree.h"

namespace wattle {
namespace {

using test::ProgramResult;
using test::run_wattle;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kTell{"run", "-m", "stories", "--temp", "0", "-n", "5", "The"};

std::string told() {
  static const std::string text = run_wattle(kTell).out;
  return text;
}

TEST(Hardening, NoHome) {
  const std::string shell = "unset HOME WATTLE_MODELS XDG_DATA_HOME; \"$@\"";
  EXPECT_EQ(run_wattle(kTell, {.shell = shell}).out, told());
  const ProgramResult chat = run_wattle(
      {"chat", "-m", "stories", "-n", "3", "--chat-template", "{{ messages[0].content }}"},
      {.stdin_text = "The\n", .shell = shell});
  EXPECT_EQ(chat.exit_code, 0) << chat.err;
  EXPECT_THAT(run_wattle({"run", "-m", "absent", "x"}, {.shell = shell}).err,
              HasSubstr("neither WATTLE_MODELS nor HOME is set"));
}

TEST(Hardening, AHomeThatCannotBeWritten) {
  const ProgramResult chat = run_wattle(
      {"chat", "-m", "stories", "-n", "3", "--chat-template", "{{ messages[0].content }}"},
      {.stdin_text = "The\n", .shell = "HOME=/proc/self \"$@\""});
  EXPECT_EQ(chat.exit_code, 0) << chat.err;
  EXPECT_THAT(chat.err, Not(HasSubstr("error")));
}

TEST(Hardening, ClosedStreams) {
  const ProgramResult no_out = run_wattle(kTell, {.shell = "\"$@\" >&-"});
  EXPECT_EQ(no_out.exit_code, 1);
  EXPECT_THAT(no_out.err, HasSubstr("cannot write to stdout"));
  EXPECT_EQ(run_wattle(kTell, {.shell = "\"$@\" 2>&-"}).out, told());
  EXPECT_EQ(run_wattle(kTell, {.shell = "\"$@\" <&-"}).out, told());
  const ProgramResult no_in = run_wattle({"run", "-m", "stories"}, {.shell = "\"$@\" <&-"});
  EXPECT_EQ(no_in.exit_code, 1);
  EXPECT_THAT(no_in.err, HasSubstr("stdin: cannot read"));
}

// Like any filter: it ends, and nobody is told.
TEST(Hardening, AReaderThatGoesAway) {
  const ProgramResult result = run_wattle({"run", "-m", "stories", "-n", "300", "The"},
                                          {.shell = "set -o pipefail; \"$@\" | head -c 5"});
  EXPECT_EQ(result.exit_code, 128 + 13);
  EXPECT_EQ(result.out.size(), 5u);
  EXPECT_THAT(result.err, Not(HasSubstr("error")));
}

TEST(Hardening, ArgumentsThatAreNoUtf8) {
  EXPECT_EQ(run_wattle({"run", "-m", "stories", "-n", "3", "ab\xff\xfe"}).exit_code, 0);
  const ProgramResult name = run_wattle({"run", "-m", "x\xff", "hi"});
  EXPECT_EQ(name.exit_code, 1);
  EXPECT_THAT(name.err, HasSubstr("'x?'"));
  const ProgramResult command = run_wattle({"\xff"});
  EXPECT_EQ(command.exit_code, 2);
  EXPECT_THAT(command.err, HasSubstr("'?'"));
}

#if !defined(WATTLE_SANITIZED) && !defined(WATTLE_EMULATED)  // these need the address space
TEST(Hardening, LittleMemory) {
  EXPECT_EQ(run_wattle(kTell, {.shell = "ulimit -v 100000; \"$@\""}).out, told());
  int n_refused = 0;
  for (int kib = 20000; kib < 100000; kib += 2000) {
    const std::string shell = "ulimit -v " + std::to_string(kib) + "; \"$@\"";
    // Where its libraries cannot be loaded, or not start, there is nobody to tell.
    if (run_wattle({"--version"}, {.shell = shell}).exit_code != 0) continue;
    const ProgramResult less = run_wattle(kTell, {.shell = shell});
    if (less.exit_code == 0) {
      EXPECT_EQ(less.out, told());
      continue;
    }
    EXPECT_EQ(less.exit_code, 1) << less.err;
    EXPECT_THAT(less.err, HasSubstr("error: "));
    ++n_refused;
  }
  EXPECT_GT(n_refused, 0);
}
#endif

TEST(Hardening, NoProc) {
  const std::string shell = "unshare -m bash -c 'umount -l /proc && exec \"$@\"' bash \"$@\"";
  if (run_wattle({"--version"}, {.shell = shell}).exit_code != 0) {
    GTEST_SKIP() << "this user may not unmount /proc";
  }
  const ProgramResult info = run_wattle({"info"}, {.shell = shell});
  EXPECT_EQ(info.exit_code, 0) << info.err;
  // The name `stories` is beside the program, and only /proc tells where that is.
  std::vector<std::string> by_path = kTell;
  by_path[2] = test::stories_model();
  const ProgramResult answer = run_wattle(by_path, {.shell = shell});
  EXPECT_EQ(answer.out, told()) << answer.err;
}

}  // namespace
}  // namespace wattle
