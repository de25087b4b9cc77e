// SPDX-License-Identifier: Apache-2.0
// `wattle list` and `wattle rm`, and models found by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"

namespace wattle {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::run_wattle;
using testing::HasSubstr;
using testing::Not;

class StoreCommands : public testing::Test {
 protected:
  StoreCommands() {
    fs::create_directories(models());
    fs::copy_file(test::stories_model(), models() / "tales.gguf");
  }
  fs::path models() const { return dir_.path() / "models"; }

  test::ProgramResult run(const std::vector<std::string>& args, const std::string& home = {}) {
    return run_wattle(args, {.env = {{"WATTLE_MODELS", models()},
                                     {"HOME", home.empty() ? dir_.path().string() : home}}});
  }
  json list() {
    const auto result = run({"list", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  }

  test::TempDir dir_;
};

TEST_F(StoreCommands, ListSaysWhatEachFileIs) {
  std::ofstream(models() / "broken.gguf") << "GGUF, but not for long";
  const json rows = list();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["name"], "broken.gguf");
  EXPECT_THAT(rows[0]["problem"].get<std::string>(), HasSubstr("broken.gguf"));
  EXPECT_EQ(rows[1]["name"], "tales.gguf");
  EXPECT_EQ(rows[1]["architecture"], "gemma4");
  EXPECT_EQ(rows[1]["size_bytes"], fs::file_size(models() / "tales.gguf"));
  const json shown = json::parse(run({"show", "tales", "--json"}).out);
  EXPECT_EQ(rows[1]["context"], shown["hparams"]["n_ctx_train"]);
  EXPECT_TRUE(rows[1]["quant"].is_string());
  EXPECT_TRUE(rows[1]["last_used"].is_null());
  EXPECT_FALSE(rows[1].contains("problem"));
  const auto text = run({"list"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("tales.gguf"));
  EXPECT_THAT(text.out, HasSubstr("never"));
  EXPECT_EQ(text.err, "");
}

TEST_F(StoreCommands, RunningAModelIsNoted) {
  const auto answer = run({"run", "-m", "tales", "-n", "1", "-q", "The"});
  EXPECT_EQ(answer.exit_code, 0) << answer.err;
  EXPECT_THAT(list()[0]["last_used"].get<std::string>(), testing::MatchesRegex("20.*T.*Z"));
  EXPECT_THAT(run({"list"}).out, HasSubstr("just now"));
  std::ofstream(models() / "broken.gguf") << "GGUF, but not for long";
  EXPECT_EQ(run({"run", "-m", "broken", "The"}).exit_code, 1);
  EXPECT_TRUE(list()[0]["last_used"].is_null()) << "it could not be opened";
}

// A home that cannot be written to, or is none, is no reason not to answer.
TEST_F(StoreCommands, ModelsRunWithoutAHome) {
  const std::string expected = run({"run", "-m", "tales", "-n", "4", "--temp", "0", "The"}).out;
  for (const char* home : {"/proc/1/fd", "/dev/null", "/nobody"}) {
    const auto answer = run({"run", "-m", "tales", "-n", "4", "--temp", "0", "The"}, home);
    EXPECT_EQ(answer.exit_code, 0) << home << answer.err;
    EXPECT_EQ(answer.out, expected) << home;
  }
  const auto nowhere = run_wattle({"list"}, {.env = {{"WATTLE_MODELS", ""}, {"HOME", ""}}});
  EXPECT_EQ(nowhere.exit_code, 0) << nowhere.err;
  EXPECT_EQ(nowhere.out, "");
  const auto unknown =
      run_wattle({"run", "-m", "tales", "The"}, {.env = {{"WATTLE_MODELS", ""}, {"HOME", ""}}});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("set WATTLE_MODELS"));
}

TEST_F(StoreCommands, NamesOfFilesDoNotSteerTheTerminal) {
  std::ofstream(models() / "a\x1b[31m\nb.gguf") << "x";
  EXPECT_THAT(run({"list"}).out, HasSubstr("a?[31m?b.gguf"));
  EXPECT_EQ(list()[0]["name"], "a\x1b[31m\nb.gguf");
}

TEST_F(StoreCommands, AliasesAreListedWithWhatTheyNeed) {
  std::ofstream(models() / "aliases.txt") << "tales-for-all hf:o/r:tales.gguf 12 made up\n";
  const auto text = run({"list", "--aliases"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("gemma4-26b-a4b   14.44 GB  needs 14.9 GB: a 16 GB board"));
  const json rows = json::parse(run({"list", "--aliases", "--json"}).out);
  EXPECT_EQ(rows[0]["name"], "tales-for-all");
  EXPECT_EQ(run({"show", "tales-for-all"}).exit_code, 0);
  std::ofstream(models() / "aliases.txt") << "nonsense\n";
  const auto bad = run({"list", "--aliases"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, HasSubstr("aliases.txt, line 1"));
}

TEST_F(StoreCommands, RmTakesWhatItIsTold) {
  std::ofstream(models() / "other.gguf") << "x";
  const auto none = run({"rm", "tale-of-nobody"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("other.gguf, tales.gguf"));
  const auto result = run({"rm", "tales"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("removed tales.gguf"));
  EXPECT_FALSE(fs::exists(models() / "tales.gguf"));
  EXPECT_TRUE(fs::exists(models() / "other.gguf"));
  EXPECT_EQ(run({"rm"}).exit_code, 2);
}

}  // namespace
}  // namespace wattle
