// SPDX-License-Identifier: Apache-2.0
// What the program does with arguments, before any model is in view.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/env.h"
#include "tests/cli/program.h"

namespace wattle {
namespace {

using test::run_wattle;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Usage, VersionGoesToStdout) {
  const auto result = run_wattle({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, StartsWith("wattle "));
  EXPECT_EQ(result.err, "");
}

TEST(Usage, HelpListsCommandsAndEnvironment) {
  const auto result = run_wattle({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* command :
       {"run", "chat", "list", "pull", "rm", "show", "info", "tokenize", "logits"}) {
    EXPECT_THAT(result.out, HasSubstr(command));
    const auto help = run_wattle({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("--help")) << command;
  }
  for (const env::Variable& variable : env::all())
    EXPECT_THAT(result.out, HasSubstr(variable.name));
}

TEST(Usage, NoCommandIsBadUsage) {
  const auto result = run_wattle({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("--help"));
}

TEST(Usage, NearNamesAreSuggested) {
  const auto command = run_wattle({"shwo", "x.gguf"});
  EXPECT_EQ(command.exit_code, 2);
  EXPECT_EQ(command.out, "");
  EXPECT_THAT(command.err, HasSubstr("'shwo'"));
  EXPECT_THAT(command.err, HasSubstr("did you mean 'show'?"));
  const auto flag = run_wattle({"run", "--tmep", "0", "hello"});
  EXPECT_EQ(flag.exit_code, 2);
  EXPECT_THAT(flag.err, HasSubstr("'--tmep'"));
  EXPECT_THAT(flag.err, HasSubstr("did you mean '--temp'?"));
  const auto far = run_wattle({"run", "--qwertyuiop", "hello"});
  EXPECT_EQ(far.exit_code, 2);
  EXPECT_THAT(far.err, Not(HasSubstr("did you mean")));
}

TEST(Usage, WrongValuesAreToldWithTheirFlag) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"run", "-t", "many", "hello"},
           {"run", "-c", "-5", "hello"},
           {"run", "--top-k", "1.5", "hello"},
           {"run", "--kv", "q4_0", "hello"},
           {"run", "--think", "maybe", "hello"},
           {"run", "-m"},
           {"logits", "--out", "x"},
       }) {
    const auto result = run_wattle(args);
    EXPECT_EQ(result.exit_code, 2) << args[1];
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("error: wattle " + args[0] + ": "));
    EXPECT_THAT(result.err, HasSubstr("hint: "));
  }
}

TEST(Usage, ForeignFlagsSayWhy) {
  const auto result = run_wattle({"run", "-ngl", "99", "hello"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("'-ngl' is a flag of llama.cpp"));
}

TEST(Usage, WordsWithoutQuotesAreOneTooMany) {
  const auto result = run_wattle({"run", "Why", "is", "the", "sky"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("'is'"));
  EXPECT_THAT(result.err, HasSubstr("quotes"));
}

TEST(Usage, TwoPromptsAreOneTooMany) {
  const auto result = run_wattle({"run", "-p", "one", "two"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("more than one prompt"));
}

TEST(Usage, AFullDiskBehindStdoutIsAnError) {
  const auto result = run_wattle({"info"}, {.stdout_path = "/dev/full"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write to stdout"));
}

// Nobody can be told then, but the result and the exit code are what they are.
TEST(Usage, AFullDiskBehindStderrChangesNothing) {
  const auto answer = run_wattle({"run", "-m", "stories", "-n", "3", "--temp", "0", "The"},
                                 {.stderr_path = "/dev/full"});
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_NE(answer.out, "");
  EXPECT_EQ(run_wattle({}, {.stderr_path = "/dev/full"}).exit_code, 2);
  EXPECT_EQ(run_wattle({"nonsense"}, {.stderr_path = "/dev/full"}).exit_code, 2);
  EXPECT_EQ(run_wattle({"show", "absent"}, {.stderr_path = "/dev/full"}).exit_code, 1);
}

TEST(Usage, ErrorsQuoteWithoutControlCharacters) {
  const auto result = run_wattle({"run", "-m",
                                  "evil\x1b[31m\xc2\x9b"
                                  "2J name",
                                  "hello"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("evil?[31m?2J name"));
}

TEST(Usage, NoEscapeCodesOutsideATerminal) {
  const auto result = run_wattle({"nonsense"}, {.env = {{"TERM", "xterm-256color"}}});
  EXPECT_THAT(result.err, Not(HasSubstr("\x1b")));
}

TEST(Info, NamesAKernelForEveryOperation) {
  const auto text = run_wattle({"info"});
  EXPECT_EQ(text.exit_code, 0);
  const auto result = run_wattle({"info", "--json"}, {.env = {{"WATTLE_ISA", "scalar"}}});
  EXPECT_EQ(result.exit_code, 0);
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["isa"], "scalar");
  EXPECT_GT(json["memory_bytes"].get<uint64_t>(), 0u);
  EXPECT_GT(json["kernels"].size(), 16u);
  for (const auto& [op, name] : json["kernels"].items()) {
    EXPECT_THAT(text.out, HasSubstr(op));
    EXPECT_TRUE(name == "scalar" || name == "reference") << op << ": " << name;
  }
}

TEST(Info, RefusesAnIsaThatIsNotThere) {
  const auto result = run_wattle({"info"}, {.env = {{"WATTLE_ISA", "sse9"}}});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("sse9"));
}

}  // namespace
}  // namespace wattle
