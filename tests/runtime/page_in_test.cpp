// SPDX-License-Identifier: Apache-2.0
#include "runtime/page_in.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/mapped_file.h"

namespace wattle::runtime {
namespace {

namespace fs = std::filesystem;

// The page cache drops it.
void forget(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  ::fsync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

// A file of `size` bytes that the page cache has been asked to forget.
class PageIn : public ::testing::Test {
 public:
  ~PageIn() override { fs::remove(path_); }

 protected:
  static constexpr size_t kSize = (size_t{9} << 20) + 123;

  PageIn()
      : path_(fs::path(::testing::TempDir()) /
              (std::string("page_in_") +
               ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::ofstream(path_, std::ios::binary) << std::string(kSize, 'x');
    forget(path_);
  }

  fs::path path_;
};

size_t pages_missing(std::span<const std::byte> bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> in((bytes.size() + page - 1) / page);
  EXPECT_EQ(::mincore(const_cast<std::byte*>(bytes.data()), bytes.size(), in.data()), 0);
  return static_cast<size_t>(
      std::count_if(in.begin(), in.end(), [](unsigned char f) { return (f & 1) == 0; }));
}

TEST_F(PageIn, BringsEveryPageIntoMemoryAndCountsUpToTheWhole) {
  const MappedFile file(path_);
  const std::span<const std::byte> mappings[] = {file.bytes(), file.bytes()};
  std::vector<uint64_t> seen;
  EXPECT_TRUE(page_in(mappings, [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, 2 * kSize);
    seen.push_back(done);
    return true;
  }));
  EXPECT_EQ(pages_missing(file.bytes()), 0u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_GT(seen.size(), 4u);
  EXPECT_EQ(seen.back(), 2 * kSize);
}

// KiB of the mapping that begins at `address` and lie in huge pages.
size_t kib_in_huge_pages(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  std::ostringstream begin;
  begin << std::hex << reinterpret_cast<uintptr_t>(address) << '-';
  bool is_it = false;
  for (std::string line; std::getline(smaps, line);) {
    if (line.find('-') != std::string::npos && line.find(" r") != std::string::npos)
      is_it = line.starts_with(begin.str());
    if (is_it && line.starts_with("FilePmdMapped:"))
      return std::stoul(line.substr(line.find_first_of("0123456789")));
  }
  return 0;
}

constexpr size_t kWholePagesKib = 8 << 10;  // of 9 MiB and some bytes

bool files_come_in_huge_pages(const fs::path& path) {
  size_t kib = 0;
  {
    const MappedFile file(path);
    for (size_t at = 0; at < file.bytes().size(); at += size_t{1} << 20)
      static_cast<void>(*const_cast<const volatile std::byte*>(file.bytes().data() + at));
    kib = kib_in_huge_pages(file.bytes().data());
  }
  forget(path);  // which it does to what nobody maps
  return kib >= kWholePagesKib;
}

// A page of the file, and nothing else that is not there yet.
void read_one_page(const fs::path& path, off_t at) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  char byte = 0;
  EXPECT_EQ(::pread(fd, &byte, 1, at), 1);
  ::close(fd);
}

TEST_F(PageIn, ReadsIntoHugePagesWhereTheKernelDoesThatForFiles) {
  if (!files_come_in_huge_pages(path_))
    GTEST_SKIP() << "this kernel keeps this file system's files in small pages";
  const MappedFile file(path_);
  const std::span<const std::byte> mappings[] = {file.bytes()};
  EXPECT_TRUE(page_in(mappings, {}));
  EXPECT_EQ(pages_missing(file.bytes()), 0u);
  EXPECT_GE(kib_in_huge_pages(file.bytes().data()), kWholePagesKib);
}

// What other programs read, or what is left where memory ran short.
TEST_F(PageIn, WhatWasThereLeavesTheOthersHuge) {
  if (!files_come_in_huge_pages(path_))
    GTEST_SKIP() << "this kernel keeps this file system's files in small pages";
  for (const off_t at : {0, 1 << 20, 3 << 20, 5 << 20}) {
    SCOPED_TRACE(at);
    forget(path_);
    read_one_page(path_, at);
    const MappedFile file(path_);
    const std::span<const std::byte> mappings[] = {file.bytes()};
    EXPECT_TRUE(page_in(mappings, {}));
    EXPECT_EQ(pages_missing(file.bytes()), 0u);
    EXPECT_GE(kib_in_huge_pages(file.bytes().data()), kWholePagesKib - (2 << 10));
  }
}

TEST_F(PageIn, EndsWhereProgressSaysSo) {
  const MappedFile file(path_);
  const std::span<const std::byte> mappings[] = {file.bytes()};
  int n_calls = 0;
  EXPECT_FALSE(page_in(mappings, [&](uint64_t, uint64_t) { return ++n_calls < 2; }));
  EXPECT_EQ(n_calls, 2);
}

TEST_F(PageIn, NeedsNobodyToListen) {
  const MappedFile file(path_);
  const std::span<const std::byte> mappings[] = {file.bytes()};
  EXPECT_TRUE(page_in(mappings, {}));
  EXPECT_EQ(pages_missing(file.bytes()), 0u);
}

}  // namespace
}  // namespace wattle::runtime
