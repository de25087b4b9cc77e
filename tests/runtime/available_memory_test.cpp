// SPDX-License-Identifier: Apache-2.0
#include "runtime/available_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace wattle::runtime {
namespace {

namespace fs = std::filesystem;

class AvailableMemory : public ::testing::Test {
 protected:
  AvailableMemory()
      : root_(fs::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(root_);
    write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable:     800 kB\n");
  }
  ~AvailableMemory() override { fs::remove_all(root_); }

  void write(const fs::path& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  std::optional<uint64_t> ask() const { return available_memory(root_ / "proc", root_ / "cgroup"); }

  fs::path root_;
};

TEST_F(AvailableMemory, IsWhatTheKernelSaysWithoutControlGroups) { EXPECT_EQ(ask(), 800 * 1024u); }

TEST_F(AvailableMemory, IsNothingWhereNobodyTells) {
  fs::remove_all(root_);
  EXPECT_EQ(ask(), std::nullopt);
}

TEST_F(AvailableMemory, ObeysTheTightestGroupAboveAndCountsPageCacheAsFree) {
  write("proc/self/cgroup", "0::/a/b\n");
  write("cgroup/a/memory.max", "500000\n");
  write("cgroup/a/memory.current", "400000\n");
  write("cgroup/a/memory.stat", "anon 100000\ninactive_file 200000\nactive_file 50000\n");
  write("cgroup/a/b/memory.max", "max\n");
  write("cgroup/a/b/memory.current", "300000\n");
  EXPECT_EQ(ask(), 500000u - (400000u - 250000u));
}

TEST_F(AvailableMemory, ObeysGroupsOfTheFirstVersion) {
  write("proc/self/cgroup", "9:name=systemd:/\n5:cpu,memory:/x\n0::/\n");
  write("cgroup/memory/x/memory.limit_in_bytes", "300000\n");
  write("cgroup/memory/x/memory.usage_in_bytes", "300001\n");
  EXPECT_EQ(ask(), 0u);
}

TEST_F(AvailableMemory, IgnoresAGroupWithoutALimitOrOutsideOfTheMount) {
  write("proc/self/cgroup", "5:memory:/docker/0123\n");
  write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("cgroup/memory/memory.usage_in_bytes", "5000\n");
  EXPECT_EQ(ask(), 800 * 1024u);
}

TEST(AvailableMemoryHere, IsPositive) { EXPECT_GT(available_memory().value_or(1), 0u); }

}  // namespace
}  // namespace wattle::runtime
