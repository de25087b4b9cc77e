// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cli/program.h"
#include "tests/support/read_file.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"

namespace wattle {
namespace {

using test::run_wattle;
using testing::HasSubstr;

TEST(DoctorCommand, ExaminesThisMachine) {
  const auto text = run_wattle({"doctor"});
  EXPECT_THAT(text.out, HasSubstr("machine\n"));
  EXPECT_THAT(text.out, HasSubstr("kernels: "));
  EXPECT_EQ(text.err, "");
  const auto as_json = run_wattle({"doctor", "--json"});
  const auto report = nlohmann::json::parse(as_json.out);
  EXPECT_GT(report["findings"].size(), 5u);
  // Whatever the machine that runs the tests is like.
  EXPECT_EQ(as_json.exit_code, report["problems"] == 0 ? 0 : 1);
}

TEST(DoctorCommand, EndsWithOneWhereSomethingDoesNotWork) {
  const test::TempDir root;
  std::filesystem::create_directories(root.path() / "proc/device-tree");
  std::ofstream(root.path() / "proc/device-tree/compatible")
      << std::string("x,board\x1b[2J\0rockchip,rk3588\0", 28);
  std::ofstream(root.path() / "proc/device-tree/model") << "Board\x1b[2J";
  const auto result = run_wattle({"doctor", "--root", root.path().string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("1 problem, "));
  EXPECT_THAT(result.out, HasSubstr("Board?[2J, rk3588"));
}

TEST(DoctorCommand, AsksWhetherAModelFits) {
  const auto result = run_wattle({"doctor", "-m", "stories", "-c", "256", "--json"});
  const auto report = nlohmann::json::parse(result.out);
  bool asked = false;
  for (const auto& finding : report["findings"]) asked |= finding["id"] == "memory.model";
  EXPECT_TRUE(asked) << result.out;
  const auto absent = run_wattle({"doctor", "-m", "no-such-model"});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.err, HasSubstr("no-such-model"));
}

// With less it could say that a model fits which `run` then refuses.
TEST(DoctorCommand, AsksForTheContextThatModelsRunWith) {
  std::string bytes =
      test::read_text(test::source_dir() / "tests/golden/data/models/qwen3-q8_0.gguf");
  const std::string key = "qwen3.context_length";
  const uint32_t trained = 40960;
  // Behind the key stands the type of its value, u32.
  std::memcpy(&bytes[bytes.find(key) + key.size() + 4], &trained, sizeof trained);
  const test::TempDir folder;
  const std::string model = (folder.path() / "long.gguf").string();
  std::ofstream(model, std::ios::binary) << bytes;
  EXPECT_THAT(run_wattle({"doctor", "-m", model}).out, HasSubstr("for 8192 tokens"));
}

TEST(DoctorCommand, TestsNoNpuThatIsNotThere) {
  if (std::filesystem::exists("/sys/bus/platform/devices/fdab0000.npu/driver")) {
    GTEST_SKIP() << "this machine has an NPU; its self-test is for people to start";
  }
  const auto result = run_wattle({"doctor", "--npu-selftest"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("machine\n"));
  EXPECT_THAT(result.err, HasSubstr("no kernel driver has an NPU here"));
  for (const char* device : {"vendor", "rocket"}) {
    const auto direct = run_wattle({"npu", "selftest", "--device", device});
    EXPECT_EQ(direct.exit_code, 1);
    EXPECT_THAT(direct.err, HasSubstr("wattle doctor"));
  }
  EXPECT_EQ(run_wattle({"npu", "selftest", "--device", "rocket", "--faults", "lost@1"}).exit_code,
            2);
}

}  // namespace
}  // namespace wattle
