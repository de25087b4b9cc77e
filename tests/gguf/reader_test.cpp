// SPDX-License-Identifier: Apache-2.0
#include "gguf/reader.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "gguf/writer.h"
#include "tests/gguf/expect_error.h"
#include "tests/support/needs_golden.h"

namespace wattle::gguf {
namespace {

using namespace std::string_view_literals;
using test::expect_error;

std::vector<std::byte> data_of(size_t size, int seed = 0) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + seed);
  return bytes;
}

TEST(Gguf, ReadsEveryScalarType) {
  Writer writer;
  writer.set<uint8_t>("u8", 200);
  writer.set<int8_t>("i8", -100);
  writer.set<uint16_t>("u16", 60000);
  writer.set<int16_t>("i16", -30000);
  writer.set<uint32_t>("u32", 4000000000u);
  writer.set<int32_t>("i32", -2000000000);
  writer.set<uint64_t>("u64", 1ull << 63);
  writer.set<int64_t>("i64", -(1ll << 62));
  writer.set<float>("f32", 0.25f);
  writer.set<double>("f64", 1e300);
  writer.set<bool>("yes", true);
  writer.set<bool>("no", false);
  writer.set<std::string_view>("text", "h\xc3\xa9 \n\0x"sv);
  writer.set<std::string_view>("empty", "");
  const auto bytes = writer.to_bytes();
  const File file(bytes, "test.gguf");
  const Metadata& keys = file.metadata();

  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(keys.values().size(), 14u);
  EXPECT_EQ(keys.get<uint32_t>("u8"), 200u);
  EXPECT_EQ(keys.get<int32_t>("i8"), -100);
  EXPECT_EQ(keys.get<uint32_t>("u16"), 60000u);
  EXPECT_EQ(keys.get<int64_t>("i16"), -30000);
  EXPECT_EQ(keys.get<uint32_t>("u32"), 4000000000u);
  EXPECT_EQ(keys.get<int32_t>("i32"), -2000000000);
  EXPECT_EQ(keys.get<uint64_t>("u64"), 1ull << 63);
  EXPECT_EQ(keys.get<int64_t>("i64"), -(1ll << 62));
  EXPECT_EQ(keys.get<float>("f32"), 0.25f);
  EXPECT_EQ(keys.get<double>("f64"), 1e300);
  EXPECT_EQ(keys.get<double>("f32"), 0.25);
  EXPECT_EQ(keys.get<float>("u8"), 200.0f);
  EXPECT_TRUE(keys.get<bool>("yes"));
  EXPECT_FALSE(keys.get<bool>("no"));
  EXPECT_EQ(keys.get<std::string_view>("text"), "h\xc3\xa9 \n\0x"sv);
  EXPECT_EQ(keys.get<std::string_view>("empty"), "");
  EXPECT_FALSE(keys.find<uint32_t>("absent").has_value());
  EXPECT_FALSE(keys.has("absent"));
  EXPECT_TRUE(keys.has("yes"));
}

TEST(Gguf, ConvertsIntegersOnlyWhereTheyFit) {
  Writer writer;
  writer.set<uint64_t>("big", 1ull << 32);
  writer.set<int32_t>("negative", -1);
  writer.set<uint64_t>("small", 7);
  writer.set<float>("real", 7.0f);
  writer.set<bool>("flag", true);
  writer.set<std::string_view>("text", "7");
  const auto bytes = writer.to_bytes();
  const File file(bytes, "test.gguf");
  const Metadata& keys = file.metadata();

  EXPECT_EQ(keys.get<uint32_t>("small"), 7u);
  EXPECT_EQ(keys.get<int32_t>("small"), 7);
  expect_error(ErrorCode::bad_input, {"test.gguf", "'big'", "u64 4294967296", "u32"},
               [&] { keys.get<uint32_t>("big"); });
  expect_error(ErrorCode::bad_input, {"'negative'", "i32 -1", "u64"},
               [&] { keys.get<uint64_t>("negative"); });
  expect_error(ErrorCode::bad_input, {"'real'", "found f32", "expected an integer"},
               [&] { keys.get<uint32_t>("real"); });
  expect_error(ErrorCode::bad_input, {"'flag'", "found bool"}, [&] { keys.get<int32_t>("flag"); });
  expect_error(ErrorCode::bad_input, {"'small'", "found u64 7", "expected bool"},
               [&] { keys.get<bool>("small"); });
  expect_error(ErrorCode::bad_input, {"'text'", "found string", "a number"},
               [&] { keys.get<float>("text"); });
  expect_error(ErrorCode::bad_input, {"'small'", "found u64", "expected string"},
               [&] { keys.get<std::string_view>("small"); });
  expect_error(ErrorCode::bad_input, {"test.gguf", "'absent'", "missing"},
               [&] { keys.get<uint32_t>("absent"); });
  // A wrong type is never taken for an absent key.
  EXPECT_THROW(keys.find<uint32_t>("text"), Error);
}

TEST(Gguf, ReadsArrays) {
  Writer writer;
  writer.set_array<std::string_view>("words", std::vector{"a"sv, ""sv, "long\0er"sv});
  writer.set_array<int32_t>("ints", std::vector<int32_t>{1, -2, 3});
  writer.set_array<float>("floats", std::vector<float>{0.5f, -1.5f});
  const bool flags[] = {true, false, true};
  writer.set_array<bool>("flags", flags);
  writer.set_array<uint8_t>("empty", {});
  writer.set<uint32_t>("scalar", 1);
  const auto bytes = writer.to_bytes();
  const File file(bytes, "test.gguf");
  const Metadata& keys = file.metadata();

  EXPECT_EQ(keys.get_array<std::string_view>("words"), (std::vector{"a"sv, ""sv, "long\0er"sv}));
  EXPECT_EQ(keys.get_array<int32_t>("ints"), (std::vector<int32_t>{1, -2, 3}));
  EXPECT_EQ(keys.get_array<float>("floats"), (std::vector<float>{0.5f, -1.5f}));
  EXPECT_EQ(keys.get_array<bool>("flags"), (std::vector<bool>{true, false, true}));
  EXPECT_TRUE(keys.get_array<uint32_t>("empty").empty());
  EXPECT_EQ(keys.find_value("ints")->count, 3u);
  EXPECT_FALSE(keys.find_array<float>("absent").has_value());
  expect_error(ErrorCode::bad_input, {"'ints'", "array of 3 i32", "-2", "index 1", "u32"},
               [&] { keys.get_array<uint32_t>("ints"); });
  expect_error(ErrorCode::bad_input, {"'scalar'", "found u32", "array"},
               [&] { keys.get_array<uint32_t>("scalar"); });
  expect_error(ErrorCode::bad_input, {"'words'", "array of 3 string"},
               [&] { keys.get_array<float>("words"); });
  expect_error(ErrorCode::bad_input, {"'ints'", "array of 3 i32", "expected string"},
               [&] { keys.get<std::string_view>("ints"); });
}

TEST(Gguf, FindsTensorsWithShapesOutermostFirst) {
  const auto matrix = data_of(3 * 2 * 34);
  const auto vector = data_of(5 * 4, 1);
  const auto experts = data_of(2 * 3 * 4 * 2, 2);
  Writer writer;
  writer.add_tensor("matrix", DType::q8_0, std::vector<uint64_t>{3, 64}, matrix);
  writer.add_tensor("vector", DType::f32, std::vector<uint64_t>{5}, vector);
  writer.add_tensor("experts", DType::f16, std::vector<uint64_t>{2, 3, 4}, experts);
  const auto bytes = writer.to_bytes();
  const File file(bytes, "test.gguf");

  ASSERT_EQ(file.tensors().size(), 3u);
  const TensorView m = file.get("matrix");
  EXPECT_EQ(m.name, "matrix");
  EXPECT_EQ(m.dtype, DType::q8_0);
  EXPECT_EQ(m.n_dims, 2u);
  EXPECT_EQ(m.shape, (std::array<uint64_t, 4>{3, 64, 1, 1}));
  EXPECT_EQ(m.n_cols(), 64u);
  EXPECT_TRUE(std::equal(matrix.begin(), matrix.end(), m.data, m.data + m.size_bytes));
  const TensorView v = file.get("vector");
  EXPECT_EQ(v.n_cols(), 5u);
  EXPECT_TRUE(std::equal(vector.begin(), vector.end(), v.data, v.data + v.size_bytes));
  EXPECT_EQ(file.get("experts").shape, (std::array<uint64_t, 4>{2, 3, 4, 1}));
  EXPECT_EQ((v.data - bytes.data()) % 32, 0);
  EXPECT_FALSE(file.find("absent").has_value());
  expect_error(ErrorCode::bad_input, {"test.gguf", "'absent'", "missing"},
               [&] { file.get("absent"); });
}

TEST(Gguf, StaysValidWhenMoved) {
  const auto data = data_of(32);
  Writer writer;
  writer.set<std::string_view>("k", "value");
  writer.add_tensor("t", DType::f32, std::vector<uint64_t>{8}, data);
  const auto path = std::filesystem::path(testing::TempDir()) / "wattle_moved.gguf";
  writer.write(path);
  File first(path);
  const TensorView before = first.get("t");
  const File second = std::move(first);
  EXPECT_EQ(second.get("t").data, before.data);
  EXPECT_EQ(second.metadata().get<std::string_view>("k"), "value");
  EXPECT_EQ(second.size_bytes(), std::filesystem::file_size(path));
  std::filesystem::remove(path);
}

TEST(Gguf, OpensEveryReferenceFile) {
  WATTLE_NEEDS_GOLDEN("");
  size_t n_files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test::golden_dir())) {
    if (entry.path().extension() != ".gguf") continue;
    const File file(entry.path());
    EXPECT_TRUE(file.metadata().find<std::string_view>("general.architecture")) << entry.path();
    for (const TensorInfo& tensor : file.tensors()) {
      const TensorView view = file.get(tensor.name);
      EXPECT_EQ(view.data, tensor.data);
      EXPECT_EQ(view.size_bytes, row_bytes(view.dtype, view.n_elements())) << tensor.name;
    }
    ++n_files;
  }
  EXPECT_GT(n_files, 0u) << "no .gguf under " << test::golden_dir();
}

TEST(Gguf, OpensAVocabularyOfAQuarterMillionInMilliseconds) {
  std::vector<std::string> storage(262144);
  std::vector<std::string_view> words;
  for (size_t i = 0; i < storage.size(); ++i) {
    storage[i] = "token" + std::to_string(i);
    words.push_back(storage[i]);
  }
  Writer writer;
  writer.set_array<std::string_view>("tokenizer.ggml.tokens", words);
  const auto bytes = writer.to_bytes();
  const auto start = std::chrono::steady_clock::now();
  const File file(bytes, "test.gguf");
  const auto found = file.metadata().get_array<std::string_view>("tokenizer.ggml.tokens");
  const auto elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(found, words);
  // Takes 2 to 5 ms; the bound is for a busy machine with sanitizers and still far below what a
  // string per token would cost there.
  EXPECT_LT(elapsed, std::chrono::milliseconds(500));
}

}  // namespace
}  // namespace wattle::gguf
