// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/program.h"

namespace wattle {
namespace {

using test::run_wattle;
using testing::HasSubstr;

const std::vector<std::string> kEmit = {"npu", "emit", "--type", "i8",  "--m",
                                        "128", "--k",  "2560",   "--n", "1024"};

TEST(Npu, DecodesWhatItEmits) {
  const auto emitted = run_wattle(kEmit);
  EXPECT_EQ(emitted.exit_code, 0);
  EXPECT_THAT(emitted.out, HasSubstr("# task 2: i8i8i32, 50 rows x 2560 x 1024, native, a tile"));
  EXPECT_THAT(emitted.out, HasSubstr("CHANNEL_REAL 2559, CHANNEL 2560"));
  const auto decoded = run_wattle({"npu", "decode"}, {.stdin_text = emitted.out});
  EXPECT_EQ(decoded.exit_code, 0);
  EXPECT_THAT(decoded.out, HasSubstr("# task 0: i8i8i32, 28 rows x 2560 x 1024, native, a tile"));

  std::vector<std::string> as_json = kEmit;
  as_json.emplace_back("--json");
  const auto tasks = nlohmann::json::parse(run_wattle(as_json).out)["tasks"];
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[1]["address"], "10000380");
  EXPECT_EQ(tasks[0]["words"].size(), 108u);
}

TEST(Npu, CommandsEndBeforeA) {
  const auto emitted = run_wattle({"npu", "emit", "--type", "i4", "--m", "16", "--k", "64", "--n",
                                   "64", "--orientation", "row-major"});
  EXPECT_THAT(emitted.out, HasSubstr("A 0x18000000, B 0x20000000, C 0x30000000"));
  EXPECT_THAT(emitted.out, HasSubstr("# task 15: "));
  EXPECT_THAT(emitted.out, HasSubstr("commands at 0x10003480"));  // 16 times 0x380 bytes
}

TEST(Npu, TheMainlineDriverHasColumns) {
  std::vector<std::string> args = {"npu", "emit", "--type", "i8",  "--m",    "128",
                                   "--k", "512",  "--n",    "256", "--form", "rocket"};
  const auto emitted = run_wattle(args);
  EXPECT_EQ(emitted.exit_code, 0) << emitted.err;
  EXPECT_THAT(emitted.out, HasSubstr("128 rows x 512 x 256, column"));
  args.insert(args.end(), {"--orientation", "native"});
  EXPECT_THAT(run_wattle(args).err, HasSubstr("only been seen to run columns"));
}

TEST(Npu, Rk3576HasProductsOfInt8) {
  const auto emitted = run_wattle({"npu", "emit", "--chip", "rk3576", "--type", "i8i8i32-wide",
                                   "--m", "4", "--k", "512", "--n", "64"});
  EXPECT_EQ(emitted.exit_code, 0) << emitted.err;
  const std::string_view summary =
      "# task 0: i8i8i32-wide, 4 rows x 512 x 64; A 0x18000000, B 0x20000000, C 0x30000000";
  EXPECT_THAT(emitted.out, HasSubstr(summary));
  EXPECT_THAT(emitted.out, HasSubstr("2001380000005020  DPU_RDMA  5020  0x38000000"));
  const auto decoded =
      run_wattle({"npu", "decode", "--chip", "rk3576"}, {.stdin_text = emitted.out});
  EXPECT_THAT(decoded.out, HasSubstr(summary));
  const auto refused = run_wattle(
      {"npu", "emit", "--chip", "rk3576", "--type", "f16", "--m", "4", "--k", "512", "--n", "64"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("i8i8i32-wide and i8i8i8"));
}

TEST(Npu, SelftestComparesProductsOfTheSimulator) {
  const auto text = run_wattle({"npu", "selftest"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("simulator, as rknpu: not run on silicon"));
  EXPECT_THAT(text.out, HasSubstr("i8i8i32    native     128 x  2560 x   64"));
  EXPECT_THAT(text.out, HasSubstr("all equal"));
  EXPECT_THAT(text.out, HasSubstr("projection, not measured"));

  const auto as_json = run_wattle({"npu", "selftest", "--form", "rocket", "--json"});
  EXPECT_EQ(as_json.exit_code, 0);
  const auto report = nlohmann::json::parse(as_json.out);
  EXPECT_EQ(report["passed"], true);
  EXPECT_EQ(report["on_silicon"], false);
  EXPECT_EQ(report["usage"]["is_projection"], true);
  ASSERT_EQ(report["products"].size(), 28u);
  EXPECT_EQ(report["i4_overflow"], "saturates at the end");
  EXPECT_EQ(report["products"][0]["orientation"], "column");
  EXPECT_EQ(report["products"][0]["cores"], 3);
}

TEST(Npu, SelftestTellsWhatGoesWrong) {
  const auto wrong = run_wattle({"npu", "selftest", "--faults", "timeout@2,corrupted@5"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.out, HasSubstr("a submit did not end"));
  EXPECT_THAT(wrong.out, HasSubstr("list 0: row 0 column 0 is"));
  EXPECT_THAT(wrong.out, HasSubstr("products, 2 wrong"));

  const auto lost = run_wattle({"npu", "selftest", "--faults", "lost@3"});
  EXPECT_EQ(lost.exit_code, 1);
  EXPECT_THAT(lost.err, HasSubstr("the device is gone"));
}

TEST(Npu, ModelsRunOnTheSimulator) {
  const std::vector<std::string> run = {
      "run", "-m", "stories", "--temp", "0",
      "-n",  "12", "-t",      "2",      "Once upon a time there was a little dog who"};
  const auto on_cpu = run_wattle(run);
  std::vector<std::string> on_npu = run;
  on_npu.insert(on_npu.end(), {"--npu", "sim", "--npu-rows", "1"});
  const auto result = run_wattle(on_npu);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, on_cpu.out);
  EXPECT_THAT(result.err, HasSubstr("NPU: simulator; not run on silicon"));
  EXPECT_THAT(result.err, HasSubstr("mJ (projection)"));
  EXPECT_THAT(on_cpu.err, testing::Not(HasSubstr("NPU")));

  std::vector<std::string> with_little_memory = on_npu;
  with_little_memory.insert(with_little_memory.end(), {"--npu-memory", "1"});
  const auto streamed = run_wattle(with_little_memory);
  EXPECT_EQ(streamed.out, on_cpu.out);
  EXPECT_THAT(streamed.err,
              testing::ContainsRegex("[1-9][0-9]* matrices stay on the NPU .[0-9.]+ kB., "
                                     "[1-9][0-9]* are streamed, 0 are on the CPU"));

  on_npu.emplace_back("-q");
  EXPECT_EQ(run_wattle(on_npu).err, "");
}

auto run_stories_on(const char* driver) {
  return run_wattle({"run", "-m", "stories", "--temp", "0", "-v", "-n", "1", "x", "--npu", driver});
}

TEST(Npu, DriversAreRefusedByName) {
  const auto result = run_stories_on("gpu");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("no driver is called 'gpu'"));
  EXPECT_THAT(result.err, HasSubstr("off, auto, vendor, rocket, sim and sim-rocket"));
}

TEST(Npu, WithoutADriverAutoComputesOnTheProcessorAndANamedOneIsAnError) {
  if (run_wattle({"doctor"}).out.find("no NPU that wattle knows") == std::string::npos) {
    GTEST_SKIP() << "this machine has an NPU";
  }
  const auto automatic = run_stories_on("auto");
  EXPECT_EQ(automatic.exit_code, 0) << automatic.err;
  EXPECT_THAT(automatic.err, HasSubstr("the CPU computes everything"));
  EXPECT_EQ(automatic.out, run_stories_on("off").out);
  for (const auto& [driver, name] : {std::pair{"vendor", "rknpu"}, {"rocket", "rocket"}}) {
    EXPECT_THAT(automatic.err, HasSubstr(name));
    const auto named = run_stories_on(driver);
    EXPECT_EQ(named.exit_code, 1);
    EXPECT_EQ(named.out, "");
    EXPECT_THAT(named.err, HasSubstr(name));
  }
}

TEST(Npu, BadUsageIsTold) {
  struct Case {
    std::vector<std::string> args;
    int exit_code;
    const char* message;
  };
  for (const auto& [args, exit_code, message] :
       {Case{{"npu"}, 2, "ACTION"},
        {{"npu", "emit", "--m", "4", "--k", "64", "--n", "32"}, 2, "--type is ''"},
        {{"npu", "emit", "--type", "i8"}, 2, "--m, --k and --n"},
        {{"npu", "emit", "--type", "i8", "--m", "4", "--k", "64", "--n", "32", "--form", "x"},
         2,
         "rocket"},
        {{"npu", "emit", "--type", "i8", "--m", "4", "--k", "65", "--n", "32"},
         1,
         "k is 65, expected a multiple of 32"},
        {{"npu", "emit", "--type", "i8", "--m", "4", "--k", "64", "--n", "32", "--c", "0xfffffe10"},
         2,
         "--c is 0xfffffe10, and 512 bytes from there do not end below 4 GiB"},
        {{"npu", "selftest", "--faults", "timeout@0"}, 2, "'timeout@0' is no fault"},
        {{"npu", "decode"}, 1, "no command words"}}) {
    const auto result = run_wattle(args);
    EXPECT_EQ(result.exit_code, exit_code) << message;
    EXPECT_THAT(result.err, HasSubstr(message));
  }
  EXPECT_EQ(run_wattle({"npu", "decode"}, {.stdin_text = "hello\n"}).exit_code, 1);
}

}  // namespace
}  // namespace wattle
