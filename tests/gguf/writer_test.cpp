// SPDX-License-Identifier: Apache-2.0
#include "gguf/writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

#include "gguf/reader.h"
#include "tests/gguf/expect_error.h"
#include "tests/support/read_file.h"
#include "tests/support/temp_dir.h"

namespace wattle::gguf {
namespace {

using test::expect_error;

const std::vector<uint64_t> kShape{4, 8};

TEST(GgufWriter, StreamsWhatToBytesReturns) {
  const test::TempDir dir;
  Writer writer;
  writer.set<uint32_t>("k", 1);
  writer.add_tensor("t", DType::f32, kShape, [](const Writer::Sink& sink) {
    for (int row = 0; row < 4; ++row) {
      const std::vector<std::byte> piece(32, static_cast<std::byte>(row));
      sink(piece);
    }
  });
  writer.write(dir.path() / "model.gguf");
  EXPECT_EQ(test::read_file(dir.path() / "model.gguf"), writer.to_bytes());
  const File file(dir.path() / "model.gguf");
  EXPECT_EQ(file.get("t").data[96], std::byte{3});
}

TEST(GgufWriter, LeavesNothingBehindWhenASourceFails) {
  const test::TempDir dir;
  Writer writer;
  writer.add_tensor("t", DType::f32, kShape,
                    [](const Writer::Sink&) { throw std::runtime_error("no data"); });
  EXPECT_THROW(writer.write(dir.path() / "model.gguf"), std::runtime_error);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(GgufWriter, RefusesWhatAReaderWouldRefuse) {
  Writer writer;
  const std::vector<std::byte> data(128);
  writer.set<uint32_t>("k", 1);
  expect_error(ErrorCode::usage, {"'k'", "twice"}, [&] { writer.set<uint32_t>("k", 2); });
  expect_error(ErrorCode::usage, {"key", "empty"}, [&] { writer.set<uint32_t>("", 2); });
  writer.add_tensor("t", DType::f32, kShape, data);
  expect_error(ErrorCode::usage, {"'t'", "twice"},
               [&] { writer.add_tensor("t", DType::f32, kShape, data); });
  expect_error(ErrorCode::usage, {"5 dimensions"}, [&] {
    writer.add_tensor("u", DType::f32, std::vector<uint64_t>{1, 1, 1, 1, 1}, data);
  });
  expect_error(ErrorCode::usage, {"rows of 8 elements", "q8_0"},
               [&] { writer.add_tensor("u", DType::q8_0, kShape, data); });
  expect_error(ErrorCode::usage, {"a dimension of 0"},
               [&] { writer.add_tensor("u", DType::f32, std::vector<uint64_t>{0, 8}, data); });
  expect_error(ErrorCode::usage, {"63 bits"}, [&] {
    writer.add_tensor("u", DType::f32, std::vector<uint64_t>{1ull << 40, 1ull << 40}, data);
  });
  expect_error(ErrorCode::usage, {"65 bytes"},
               [&] { writer.add_tensor(std::string(65, 'x'), DType::f32, kShape, data); });
  writer.add_tensor("short", DType::f32, std::vector<uint64_t>{33}, data);
  expect_error(ErrorCode::usage, {"'short'", "128 bytes of data, expected 132"},
               [&] { writer.to_bytes(); });
}

}  // namespace
}  // namespace wattle::gguf
