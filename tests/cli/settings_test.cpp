// SPDX-License-Identifier: Apache-2.0
// Flag, then environment, then configuration file: what wins, and what is refused.
#include "cli/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/config_file.h"
#include "tests/cli/program.h"
#include "tests/gguf/expect_error.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"

namespace wattle {
namespace {

using test::expect_error;
using test::ProgramResult;
using test::run_wattle;
using test::TempDir;
using testing::AllOf;
using testing::HasSubstr;

using Environment = std::vector<std::pair<std::string, std::string>>;

// A configuration file of its own for one test.
class Config {
 public:
  explicit Config(const std::string& text) : path_((dir_.path() / "config.toml").string()) {
    std::ofstream(path_) << text;
  }
  const std::string& path() const { return path_; }
  ProgramResult run(const std::vector<std::string>& args, Environment env = {}) const {
    env.emplace_back("WATTLE_CONFIG", path_);
    return run_wattle(args, {.env = env});
  }
  // Tokens of an answer, as far as the settings let it go.
  unsigned n_generated(std::vector<std::string> flags, const Environment& env = {}) const {
    std::vector<std::string> args{"run", "-q", "--json", "-m", "stories", "Once"};
    args.insert(args.end(), flags.begin(), flags.end());
    const ProgramResult result = run(args, env);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out)["timings"]["n_generated"];
  }

 private:
  TempDir dir_;
  std::string path_;
};

TEST(Settings, FlagThenEnvironmentThenTableThenTop) {
  const Config top("predict = 3\n");
  EXPECT_EQ(top.n_generated({}), 3u);
  const Config table("predict = 3\n[run]\npredict = 4\n[chat]\npredict = 9\n");
  EXPECT_EQ(table.n_generated({}), 4u);
  EXPECT_EQ(table.n_generated({}, {{"WATTLE_PREDICT", "5"}}), 5u);
  EXPECT_EQ(table.n_generated({"-n", "6"}, {{"WATTLE_PREDICT", "5"}}), 6u);
  // Other names of the same flag.
  EXPECT_EQ(top.n_generated({}, {{"WATTLE_N_PREDICT", "7"}}), 7u);
  EXPECT_EQ(Config("n-predict = 2").n_generated({}), 2u);
}

TEST(Settings, InfoShowsWhichWon) {
  const Config config("threads = 3\ntemp = 0.25\nthink = \"off\"\n[run]\ntemp = 0.5\n");
  const auto result = config.run({"info", "--config", "--json"}, {{"WATTLE_THREADS", "2"}});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["file"], config.path());
  EXPECT_EQ(json["settings"], nlohmann::json::parse(R"([
    {"name": "run.temp", "values": [{"value": "0.5", "from": "FILE:5"},
                                    {"value": "0.25", "from": "FILE:2"}]},
    {"name": "temp", "values": [{"value": "0.25", "from": "FILE:2"}]},
    {"name": "think", "values": [{"value": "off", "from": "FILE:3"}]},
    {"name": "threads", "values": [{"value": "2", "from": "WATTLE_THREADS"},
                                   {"value": "3", "from": "FILE:1"}]}])",
                                                    [&](int, auto, nlohmann::json& value) {
                                                      if (!value.is_string()) return true;
                                                      auto text = value.get<std::string>();
                                                      if (text.starts_with("FILE")) {
                                                        value = config.path() + text.substr(4);
                                                      }
                                                      return true;
                                                    }));
  const auto text = config.run({"info", "--config"}, {{"WATTLE_THREADS", "2"}});
  EXPECT_THAT(text.out, HasSubstr("2 (WATTLE_THREADS); not 3 (" + config.path() + ":1)"));
}

TEST(Settings, SwitchesAndListsComeFromTheFileToo) {
  const Config config(
      "quiet = true\nverbose = false\npin = false\npredict = 2\nmodel = \"stories\"\n"
      "dry-sequence-breaker = [\".\", \"none\"]\n");
  const auto quiet = config.run({"run", "Once"});
  EXPECT_EQ(quiet.exit_code, 0) << quiet.err;
  EXPECT_EQ(quiet.err, "");
  EXPECT_NE(config.run({"run", "Once"}, {{"WATTLE_QUIET", "0"}}).err, "");
}

TEST(Settings, UnknownKeysAreToldWithFileLineAndNearest) {
  struct Case {
    const char* text;
    const char* where;
    const char* what;
    const char* hint;
  };
  for (const auto& [text, where, what, hint] : {
           Case{"model = \"stories\"\nthread = 2\n", ":2:", "'thread'", "did you mean 'threads'?"},
           Case{"[run]\ntmep = 0\n", ":2:", "no setting of run is called 'tmep'",
                "did you mean 'temp'?"},
           Case{"[rnu]\ntemp = 0\n", ":2:", "'rnu'", "did you mean 'run'?"},
           Case{"[info]\njson = true\n", ":2:", "'info'", "hint:"},
           Case{"json = true\n", ":1:", "'json'", "hint:"},  // of one call
           Case{"temp = 1\ntemperature = 0\n", ":2:", "'temperature'", "keep one"},
       }) {
    const Config config(text);
    const auto result = config.run({"run", "-m", "stories", "Once"});
    EXPECT_EQ(result.exit_code, 1) << text;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err,
                AllOf(HasSubstr(config.path() + where), HasSubstr(what), HasSubstr(hint)));
  }
}

TEST(Settings, ValuesThatDoNotFitAreToldWithTheirPlace) {
  for (const char* text : {"threads = \"many\"", "threads = -1", "kv = \"q4_0\"", "pin = 3",
                           "threads = [1, 2]", "temp = true"}) {
    const Config config(text);
    const auto result = config.run({"run", "-m", "stories", "Once"});
    EXPECT_EQ(result.exit_code, 1) << text;
    EXPECT_THAT(result.err, AllOf(HasSubstr(config.path() + ":1: "), HasSubstr("--"))) << text;
  }
  const Config empty("");
  const auto result = empty.run({"run", "-m", "stories", "Once"}, {{"WATTLE_THREADS", "many"}});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("WATTLE_THREADS: "), HasSubstr("many")));
}

TEST(Settings, WhatIsNoTomlIsToldWithItsLine) {
  const Config config("threads = 2\nthink on\n");
  const auto result = config.run({"run", "-m", "stories", "Once"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr(config.path() + ":2: "));
}

TEST(Settings, AFileThatIsNamedMustBeThere) {
  const auto result = run_wattle({"run", "-m", "stories", "Once"},
                                 {.env = {{"WATTLE_CONFIG", "/no/such/config.toml"}}});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/no/such/config.toml"));
}

TEST(Settings, LiesInTheFolderOfConfigurations) {
  const TempDir dir;
  std::filesystem::create_directories(dir.path() / "wattle");
  std::ofstream(dir.path() / "wattle/config.toml") << "nonsense = 1\n";
  const auto result = run_wattle({"run", "-m", "stories", "Once"},
                                 {.env = {{"XDG_CONFIG_HOME", dir.path().string()}}});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("wattle/config.toml:1: "));
}

TEST(Settings, ATypedFlagShutsOutTheSettingsBesideIt) {
  const Config config("model = \"stories\"\n");
  const std::string other =
      (test::source_dir() / "tests/golden/data/models/qwen3-q8_0.gguf").string();
  EXPECT_THAT(config.run({"show", other}).out, HasSubstr("qwen3"));
  EXPECT_THAT(config.run({"show"}).out, HasSubstr("stories"));
  const Config spoken("system = \"Be brief.\"\nthink = \"off\"\n");
  EXPECT_EQ(spoken.n_generated({"--raw", "-n", "1"}), 1u);
}

TEST(Settings, MeasuringCommandsHaveNone) {
  const Config broken("nonsense = 1\n");
  EXPECT_EQ(broken.run({"info"}).exit_code, 0);
  EXPECT_EQ(broken.run({"info", "--config"}).exit_code, 1);
}

TEST(ConfigFile, RefusesWhatNoFlagCanBe) {
  const auto parse = [](const char* text) { return cli::parse_config(text, "c.toml"); };
  expect_error(ErrorCode::bad_input, {"c.toml:2", "'temp'"},
               [&] { parse("threads = 1\ntemp = 1979-05-27\n"); });
  expect_error(ErrorCode::bad_input, {"c.toml:2", "'deep'"},
               [&] { parse("[run]\ndeep = {a = 1}\n"); });
  expect_error(ErrorCode::bad_input, {"c.toml:1", "'stop'", "empty"}, [&] { parse("stop = []"); });
  expect_error(ErrorCode::bad_input, {"c.toml:1", "'stop'"}, [&] { parse("stop = [[1]]"); });
  expect_error(ErrorCode::bad_input, {"c.toml:2"}, [&] { parse("temp = 1\ntemp = 2\n"); });
}

TEST(ConfigFile, ReadsValuesAsTheyWouldBeTyped) {
  const auto entries = cli::parse_config(
      "a = 1\nb = 0.1\nc = true\nd = \"x y\"\n[run]\ne = [1, \"two\"]  # both\n", "c.toml");
  ASSERT_EQ(entries.size(), 5u);
  EXPECT_EQ(entries[1].values, (std::vector<std::string>{"0.1"}));
  EXPECT_EQ(entries[2].values, (std::vector<std::string>{"true"}));
  EXPECT_EQ(entries[3].values, (std::vector<std::string>{"x y"}));
  EXPECT_EQ(entries[4].command, "run");
  EXPECT_EQ(entries[4].line, 6u);
  EXPECT_EQ(entries[4].values, (std::vector<std::string>{"1", "two"}));
}

}  // namespace
}  // namespace wattle
