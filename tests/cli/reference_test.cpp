// SPDX-License-Identifier: Apache-2.0
// What is written of the command line: manual pages, docs/cli.md, completions.
#include "cli/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/cli/program.h"
#include "tests/support/read_file.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"

namespace wattle {
namespace {

using test::read_text;
using test::run_wattle;
using test::TempDir;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

bool has(const std::string& tool) {
  return std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0;
}

// stdout and stderr of a script of sh; the test fails where it does.
std::string shell(const std::string& script) {
  std::FILE* pipe = ::popen(("(" + script + ") 2>&1").c_str(), "r");
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
    out.push_back(static_cast<char>(c));
  EXPECT_EQ(::pclose(pipe), 0) << script << "\n" << out;
  return out;
}

TEST(Reference, TheDocumentedCommandLineIsTheOneThereIs) {
  const auto result = run_wattle({"man", "--markdown"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(read_text(test::source_dir() / "docs/cli.md") == result.out)
      << "docs/cli.md is old; `wattle man --markdown > docs/cli.md` writes it";
}

TEST(Reference, KnowsValuesChoicesAndPositionals) {
  const auto reference = cli::describe(*cli::define_program());
  const cli::CommandReference* run = reference.find("run");
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->usage(), "wattle run [FLAGS] [PROMPT]");
  EXPECT_EQ(reference.find("logits")->usage(), "wattle logits --ids FILE --out FILE [FLAGS]");
  const auto flag = [&](const std::string& name) -> const cli::FlagReference& {
    for (const auto& one : run->flags) {
      if (one.names.back() == name) return one;
    }
    ADD_FAILURE() << name;
    return run->flags.front();
  };
  EXPECT_EQ(flag("--kv").choices, (std::vector<std::string>{"f16", "f32", "q8_0"}));
  EXPECT_EQ(flag("--model").names.front(), "-m");
  EXPECT_TRUE(flag("--model").takes_file());
  EXPECT_EQ(flag("--threads").value, "N");
  EXPECT_EQ(flag("--quiet").value, "");
  EXPECT_TRUE(flag("--logit-bias").repeatable);
  EXPECT_FALSE(flag("--temperature").repeatable);
  EXPECT_THAT(flag("--temperature").group, StartsWith("Sampling"));
  EXPECT_TRUE(flag("PROMPT").positional);
  EXPECT_EQ(reference.find("completion"), nullptr);  // not in --help
  EXPECT_EQ(reference.find("show")->notes, "");      // those of the program are not its own
}

TEST(Reference, EveryPageHasEveryFlagAndNoMistakeThatTroffSees) {
  const TempDir dir;
  EXPECT_EQ(run_wattle({"man", "--all", dir.path().string()}).exit_code, 0);
  const auto reference = cli::describe(*cli::define_program());
  for (const auto& command : reference.commands) {
    const auto path = dir.path() / "man1" / ("wattle-" + command.name + ".1");
    const std::string page = read_text(path);
    EXPECT_THAT(page, StartsWith(".TH WATTLE\\-"));
    if (!has("man")) continue;
    const std::string shown =
        shell("MANWIDTH=100 man --warnings -l -P cat '" + path.string() + "' | col -bx");
    EXPECT_THAT(shown, Not(HasSubstr("warning:")));
    for (const auto& flag : command.flags) EXPECT_THAT(shown, HasSubstr(flag.names.front()));
  }
  EXPECT_THAT(read_text(dir.path() / "man1/wattle.1"), HasSubstr("WATTLE_ISA"));
}

TEST(Reference, UnknownCommandsAndShellsAreRefused) {
  const auto page = run_wattle({"man", "rnu"});
  EXPECT_EQ(page.exit_code, 2);
  EXPECT_THAT(page.err, HasSubstr("did you mean 'run'?"));
  EXPECT_EQ(run_wattle({"completion", "tcsh"}).exit_code, 2);
}

// What bash offers for a line whose last word is being typed.
std::string bash_offers(const std::string& words) {
  return shell(std::string("bash -c 'source <(") + test::program_path() +
               " completion bash); COMP_WORDS=(" + words +
               "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _wattle; echo \"${COMPREPLY[*]}\"'");
}

TEST(Completion, BashOffersCommandsFlagsAndChoices) {
  EXPECT_EQ(bash_offers("wattle ru"), "run\n");
  EXPECT_EQ(bash_offers("wattle --ver"), "--version\n");
  EXPECT_EQ(bash_offers("wattle run --temp"), "--temp --temperature\n");
  EXPECT_EQ(bash_offers("wattle run -m x --kv \"\""), "f16 f32 q8_0\n");
  EXPECT_EQ(bash_offers("wattle run --think o"), "on off\n");
  EXPECT_EQ(bash_offers("wattle nonsense --"), "\n");
}

std::string fish_offers(const std::string& line) {
  const TempDir dir;
  return shell("HOME='" + dir.path().string() + "' fish -N -c '" + test::program_path() +
               " completion fish | source; complete -C \"" + line + "\"'");
}

TEST(Completion, FishOffersCommandsFlagsAndChoices) {
  if (!has("fish")) GTEST_SKIP() << "there is no fish here";
  EXPECT_THAT(fish_offers("wattle ru"), StartsWith("run\tanswer one prompt"));
  EXPECT_THAT(fish_offers("wattle run --tempe"), StartsWith("--temperature\t"));
  EXPECT_THAT(fish_offers("wattle run --kv "),
              AllOf(StartsWith("f16\t"), HasSubstr("\nf32\t"), HasSubstr("\nq8_0\t")));
}

// Its completion system needs a terminal; here it is asked what it would be given.
TEST(Completion, ZshGetsSpecificationsItCanRead) {
  if (!has("zsh")) GTEST_SKIP() << "there is no zsh here";
  const std::string specs =
      shell(std::string("zsh -f -c 'compdef() {}; _arguments() { state=arguments; print -rl -- "
                        "\"$@\" }; source <(") +
            test::program_path() + " completion zsh); words=(run); _wattle'");
  EXPECT_THAT(specs, HasSubstr("(--kv)--kv[type of the KV cache"));
  EXPECT_THAT(specs, HasSubstr(":TYPE:(f16 f32 q8_0)"));
  EXPECT_THAT(specs, HasSubstr(":MODEL:_files"));
}

}  // namespace
}  // namespace wattle
