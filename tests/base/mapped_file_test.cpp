// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"
#include "wattle/error.h"

namespace wattle {
namespace {

ErrorCode code_of_opening(const std::filesystem::path& path) {
  try {
    MappedFile{path};
  } catch (const Error& error) {
    EXPECT_NE(std::string_view(error.what()).find(path.string()), std::string_view::npos);
    return error.code();
  }
  ADD_FAILURE() << path << " opened";
  return ErrorCode::usage;
}

TEST(MappedFile, ShowsTheBytesAlsoAfterAMove) {
  const test::TempDir dir;
  std::ofstream(dir.path() / "file") << "content";
  MappedFile first(dir.path() / "file");
  const std::byte* data = first.bytes().data();
  MappedFile second(std::move(first));
  MappedFile third;
  third = std::move(second);
  EXPECT_EQ(third.bytes().data(), data);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(data), third.bytes().size()), "content");
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  const test::TempDir dir;
  std::ofstream(dir.path() / "empty");
  EXPECT_EQ(code_of_opening(dir.path() / "absent"), ErrorCode::io);
  EXPECT_EQ(code_of_opening(dir.path()), ErrorCode::bad_input);
  EXPECT_EQ(code_of_opening(dir.path() / "empty"), ErrorCode::bad_input);
}

}  // namespace
}  // namespace wattle
