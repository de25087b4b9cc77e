// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/shard_name.h"
#include "gguf/reader.h"
#include "gguf/writer.h"
#include "tests/gguf/expect_error.h"
#include "tests/support/temp_dir.h"

namespace wattle::gguf {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

struct Part {
  uint16_t no = 0;
  uint16_t count = 3;
  int32_t n_tensors = 3;
  std::string tensor;
};

// One tensor per part, named after it, its data all of one byte.
class Shards : public testing::Test {
 protected:
  fs::path path(int number) const {
    return dir_.path() / ("model-0000" + std::to_string(number) + "-of-00003.gguf");
  }
  void write(int number, const Part& part) const {
    const std::vector<std::byte> data(32, static_cast<std::byte>(number));
    Writer writer;
    if (number == 1) writer.set<std::string_view>("general.architecture", "test");
    writer.set<uint16_t>("split.no", part.no);
    writer.set<uint16_t>("split.count", part.count);
    writer.set<int32_t>("split.tensors.count", part.n_tensors);
    writer.add_tensor(part.tensor, DType::f32, std::vector<uint64_t>{8}, data);
    writer.write(path(number));
  }
  void write_all() const {
    for (uint16_t i = 0; i < 3; ++i) write(i + 1, {.no = i, .tensor = std::string(1, 'a' + i)});
  }

  test::TempDir dir_;
};

TEST_F(Shards, AnyPartOpensTheModel) {
  write_all();
  for (int number = 1; number <= 3; ++number) {
    const File file(path(number));
    EXPECT_EQ(file.n_shards(), 3u);
    EXPECT_EQ(file.tensors().size(), 3u);
    EXPECT_EQ(file.metadata().get<std::string_view>("general.architecture"), "test");
    EXPECT_EQ(file.get("a").data[0], std::byte{1});
    EXPECT_EQ(file.get("c").data[0], std::byte{3});
    EXPECT_EQ(file.name(), path(1).string());
    EXPECT_EQ(file.size_bytes(), fs::file_size(path(1)) * 3 - 64);  // parts 2 and 3 lack one key
  }
}

TEST_F(Shards, AMissingPartIsNamed) {
  write_all();
  fs::remove(path(2));
  expect_error(ErrorCode::bad_input, {"model-00002-of-00003.gguf", "part 2 of 3 is missing"},
               [&] { File{path(1)}; });
  expect_error(ErrorCode::bad_input, {"model-00002-of-00003.gguf", "part 2 of 3 is missing"},
               [&] { File{path(3)}; });
}

TEST_F(Shards, PartsOfAnotherPlaceAreRefused) {
  write_all();
  write(2, {.no = 2, .tensor = "b"});
  expect_error(ErrorCode::bad_input, {"model-00002-of-00003.gguf", "'split.no' is 2, expected 1"},
               [&] { File{path(1)}; });
  write(2, {.no = 1, .count = 4, .tensor = "b"});
  expect_error(ErrorCode::bad_input, {"'split.count' is 4, expected 3"}, [&] { File{path(1)}; });
  expect_error(ErrorCode::bad_input, {"'split.count' is 4, expected 3 from the file name"},
               [&] { File{path(2)}; });
}

TEST_F(Shards, ATensorInTwoPartsIsRefused) {
  write_all();
  write(3, {.no = 2, .tensor = "a"});
  expect_error(ErrorCode::bad_input, {"tensor 'a' occurs twice"}, [&] { File{path(1)}; });
}

TEST_F(Shards, TheTotalOfTensorsIsChecked) {
  write_all();
  write(1, {.no = 0, .n_tensors = 5, .tensor = "a"});
  expect_error(ErrorCode::bad_input, {"'split.tensors.count' is 5", "hold 3 tensors"},
               [&] { File{path(1)}; });
}

TEST_F(Shards, ARenamedPartIsRefused) {
  write_all();
  fs::rename(path(1), dir_.path() / "other.gguf");
  expect_error(ErrorCode::bad_input, {"other.gguf", "3 parts", "-00001-of-00003.gguf"},
               [&] { File{dir_.path() / "other.gguf"}; });
}

TEST_F(Shards, AFileOfOnePartNeedsNoSuchName) {
  Writer writer;
  writer.set<uint16_t>("split.no", 0);
  writer.set<uint16_t>("split.count", 1);
  writer.write(dir_.path() / "one.gguf");
  EXPECT_EQ(File{dir_.path() / "one.gguf"}.n_shards(), 1u);
}

TEST(ShardName, ReadsAndMakesNames) {
  const auto name = parse_shard_name("/models/big-00002-of-00011.gguf");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->number, 2u);
  EXPECT_EQ(name->count, 11u);
  EXPECT_EQ(name->path_of(10), "/models/big-00010-of-00011.gguf");
  for (const char* other :
       {"model.gguf", "-00001-of-00002.gguf", "m-0001-of-0002.gguf", "m-00003-of-00002.gguf",
        "m-00000-of-00002.gguf", "m-0000x-of-00002.gguf", "m-00001-of-00002.bin", "",
        "m-+0001-of-00002.gguf"}) {
    EXPECT_FALSE(parse_shard_name(other).has_value()) << other;
  }
}

}  // namespace
}  // namespace wattle::gguf
