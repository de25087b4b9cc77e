// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <vector>

#include "tests/support/read_file.h"
#include "tests/support/temp_dir.h"
#include "wattle/error.h"

namespace wattle {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

size_t n_files(const fs::path& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  const test::TempDir dir;
  const fs::path path = dir.path() / "result";
  AtomicFile file(path);
  file.write(bytes_of("one "));
  file.write(bytes_of("two"));
  EXPECT_FALSE(fs::exists(path));
  file.commit();
  EXPECT_EQ(test::read_text(path), "one two");
  EXPECT_EQ(n_files(dir.path()), 1u);
}

TEST(AtomicFile, KeepsTheOldContentUntilThen) {
  const test::TempDir dir;
  const fs::path path = dir.path() / "result";
  {
    AtomicFile file(path);
    file.write(bytes_of("old"));
    file.commit();
  }
  {
    AtomicFile file(path);
    file.write(bytes_of("half"));
  }
  EXPECT_EQ(test::read_text(path), "old");
  EXPECT_EQ(n_files(dir.path()), 1u);
  AtomicFile file(path);
  file.write(bytes_of("new"));
  file.commit();
  EXPECT_EQ(test::read_text(path), "new");
}

// A limit of the file size stands in for a full disk: the write fails half-way.
TEST(AtomicFile, AFailedWriteIsAnErrorAndLeavesNothing) {
  const test::TempDir dir;
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const fs::path path = dir.path() / "result";
  bool thrown = false;
  try {
    AtomicFile file(path);
    file.write(std::vector<std::byte>(4000));
    file.commit();
  } catch (const Error& error) {
    thrown = true;
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(std::string_view(error.what()).find(path.string()), std::string_view::npos);
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_DFL);
  EXPECT_TRUE(thrown);
  EXPECT_EQ(n_files(dir.path()), 0u);
}

TEST(AtomicFile, ObeysTheUmask) {
  const test::TempDir dir;
  const mode_t before = ::umask(027);
  AtomicFile file(dir.path() / "result");
  ::umask(before);
  file.commit();
  struct stat info{};
  ASSERT_EQ(::stat((dir.path() / "result").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST(AtomicFile, NamesThePlaceItCannotWriteTo) {
  const test::TempDir dir;
  try {
    AtomicFile(dir.path() / "absent" / "result");
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(std::string_view(error.what()).find("absent/result"), std::string_view::npos);
  }
  EXPECT_THROW(AtomicFile{dir.path()}, Error);
}

}  // namespace
}  // namespace wattle
