// SPDX-License-Identifier: Apache-2.0
// Trees that nobody would expect: the examination goes on, and stays quick.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/split_mix64.h"
#include "doctor/examine.h"
#include "tests/doctor/recorded_tree.h"

namespace wattle::doctor {
namespace {

namespace fs = std::filesystem;
using test::RecordedTree;

constexpr const char* kTrees[] = {"rock-5b_vendor-5.10",   "rock-5b_vendor-6.1",
                                  "rock-5b_mainline-6.18", "orangepi-5_vendor-5.10",
                                  "orangepi-5_vendor-6.1", "orangepi-5_mainline-6.18",
                                  "desktop_6.12"};

std::vector<fs::path> files_of(const FileTree& tree) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(tree.at(""))) {
    if (!entry.is_directory()) files.push_back(entry.path());
  }
  return files;
}

void expect_findings(const FileTree& tree) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_GT(examine(tree, {.cpu = {}, .isa = Isa::scalar}).size(), 3u);
  // It takes milliseconds; this leaves room for emulation.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(DoctorHostile, AnEmptyRootIsExamined) {
  const RecordedTree tree;
  expect_findings(tree);
  expect_findings(FileTree("/nowhere/at/all"));
  expect_findings(FileTree(tree.at("a\nb")));
}

TEST(DoctorHostile, EachFileMayBeGone) {
  for (const char* name : kTrees) {
    const RecordedTree tree(name);
    for (const fs::path& file : files_of(tree)) {
      const fs::path away = tree.at("away");
      fs::rename(file, away);
      expect_findings(tree);
      fs::rename(away, file);
    }
  }
}

// A pipe would make a careless reader wait for ever.
TEST(DoctorHostile, FilesMayBeSomethingElse) {
  for (const char* name : kTrees) {
    for (int kind = 0; kind < 5; ++kind) {
      const RecordedTree tree(name);
      for (const fs::path& file : files_of(tree)) {
        fs::remove(file);
        switch (kind) {
          case 0: fs::create_directory(file); break;
          case 1: ASSERT_EQ(::mkfifo(file.c_str(), 0666), 0); break;
          case 2: fs::create_symlink(file.filename(), file); break;  // itself
          case 3:
            std::ofstream(file) << "x";
            fs::permissions(file, fs::perms::none);
            break;
          default: std::ofstream(file).flush();
        }
      }
      expect_findings(tree);
    }
  }
}

TEST(DoctorHostile, ContentsMayBeAnything) {
  SplitMix64 random(6);
  const std::string pieces[] = {"-1",
                                "18446744073709551616",
                                "[",
                                "]never[",
                                ":",
                                "v",
                                "v.",
                                "\n",
                                "\t",
                                "0",
                                "\x80\xff",
                                "::::",
                                std::string(1, '\0'),
                                "rockchip,",
                                "Max open files",
                                "Uid:",
                                "MemAvailable:",
                                "RKNPU driver: v9999999999",
                                std::string(1 << 17, '9')};
  for (int round = 0; round < 6; ++round) {
    for (const char* name : kTrees) {
      const RecordedTree tree(name);
      for (const fs::path& file : files_of(tree)) {
        if (fs::is_symlink(file) || random.next() % 4 != 0) continue;
        std::ofstream out(file, random.next() % 2 == 0 ? std::ios::app : std::ios::trunc);
        for (uint64_t n = random.next() % 8; n > 0; --n) {
          out << pieces[random.next() % std::size(pieces)];
        }
      }
      expect_findings(tree);
    }
  }
}

// More than there is memory, of zeros that take no room.
TEST(DoctorHostile, FilesMayBeLargerThanMemory) {
  RecordedTree tree("rock-5b_vendor-6.1");
  tree.add("proc/self/cgroup = 0::/box");
  for (const fs::path& file : files_of(tree)) {
    if (fs::is_symlink(file)) continue;
    std::ofstream(file).flush();
    fs::resize_file(file, uintmax_t{64} << 30);
  }
  expect_findings(tree);
}

TEST(DoctorHostile, AGroupMayHaveAPathWithoutEnd) {
  RecordedTree tree("rock-5b_vendor-6.1");
  std::string path;
  for (int i = 0; i < 30'000; ++i) path += "/a";
  tree.add("proc/self/cgroup = 0::" + path);
  expect_findings(tree);
}

TEST(FileTree, ReadsNoMoreThanItSays) {
  RecordedTree tree;
  tree.add("long = " + std::string(1 << 20, 'x'));
  EXPECT_EQ(tree.text("long")->size(), size_t{64} << 10);
  EXPECT_EQ(tree.number("long"), std::nullopt);
}

TEST(FileTree, ReadsNumbersAndKeys) {
  RecordedTree tree;
  tree.add("n =  -42000 millidegrees");
  tree.add("kv | Name:\ta:b ");
  tree.add("kv | NameLonger: no");
  tree.add("kv | Last:");
  EXPECT_EQ(tree.number("n"), -42000);
  EXPECT_EQ(tree.value("kv", "Name"), "a:b");
  EXPECT_EQ(tree.value("kv", "Last"), "");
  EXPECT_EQ(tree.value("kv", "Nam"), std::nullopt);
  EXPECT_EQ(tree.value("absent", "Name"), std::nullopt);
}

}  // namespace
}  // namespace wattle::doctor
