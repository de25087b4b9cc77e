// SPDX-License-Identifier: Apache-2.0
// Damaged and hostile files: each gives an Error that says what is wrong, and none makes the reader
// allocate more than the file is worth.
#include <gtest/gtest.h>

#include <cstring>

#include "gguf/reader.h"
#include "gguf/writer.h"
#include "tests/gguf/allocation_meter.h"
#include "tests/gguf/expect_error.h"
#include "tests/gguf/raw_file.h"

namespace wattle::gguf {
namespace {

using namespace std::string_view_literals;
using test::expect_error;
using test::RawFile;
using enum ErrorCode;

constexpr uint32_t kF32 = 0;
constexpr uint32_t kQ4K = 12;

void expect_refused(std::initializer_list<std::string_view> parts, const RawFile& file,
                    ErrorCode code = bad_input) {
  test::reset_largest_allocation();
  expect_error(code, parts, [&] { File(file.bytes(), "bad.gguf"); });
  EXPECT_LT(test::largest_allocation(), 64 * file.bytes().size() + 4096);
}

// Every kind of value and tensor, and data after them.
std::vector<std::byte> small_valid_file() {
  static const std::vector<std::byte> data(256);
  Writer writer;
  writer.set<std::string_view>("general.architecture", "test");
  writer.set_array<std::string_view>("words", std::vector{"one"sv, ""sv, "three"sv});
  writer.set_array<float>("floats", std::vector<float>{1, 2, 3});
  writer.set<bool>("flag", true);
  writer.set<uint64_t>("big", 5);
  writer.add_tensor("a", DType::f32, std::vector<uint64_t>{2, 8}, std::span(data).first(64));
  writer.add_tensor("b", DType::q8_0, std::vector<uint64_t>{2, 2, 32}, std::span(data).first(136));
  return writer.to_bytes();
}

TEST(GgufHostile, EveryTruncationIsRefused) {
  const auto bytes = small_valid_file();
  const size_t end_of_data = bytes.size() - 24;  // behind that is padding only: 136 -> 160
  ASSERT_NO_THROW(File(bytes, "whole.gguf"));
  ASSERT_NO_THROW(File(std::span(bytes).first(end_of_data), "whole.gguf"));
  for (size_t size = 0; size < end_of_data; ++size) {
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + size);
    EXPECT_THROW(File(cut, "cut.gguf"), Error) << size;
  }
}

// Every field is blown up, because a number is written at every position.
TEST(GgufHostile, AnyNumberAnywhereIsReadOrRefused) {
  const auto bytes = small_valid_file();
  size_t n_refused = 0;
  for (const uint64_t number : {~0ull, 1ull << 63, (1ull << 63) - 1, 1ull << 40, 1ull << 32,
                                0xffffffffull, 0x10000ull, 1ull, 0ull}) {
    for (const size_t n_bytes : {1, 4, 8}) {
      for (size_t at = 0; at + n_bytes <= bytes.size(); ++at) {
        auto damaged = bytes;
        std::memcpy(damaged.data() + at, &number, n_bytes);
        test::reset_largest_allocation();
        try {
          const File file(damaged, "damaged.gguf");
          for (const TensorInfo& tensor : file.tensors()) {
            ASSERT_GE(tensor.data, damaged.data());
            ASSERT_LE(tensor.data + tensor.size_bytes, damaged.data() + damaged.size());
          }
        } catch (const Error& error) {
          ++n_refused;
          EXPECT_NE(std::string_view(error.what()).find("damaged.gguf"), std::string_view::npos);
        }
        ASSERT_LT(test::largest_allocation(), 64 * bytes.size()) << number << " at " << at;
      }
    }
  }
  EXPECT_GT(n_refused, 1000u);
}

TEST(GgufHostile, OtherFilesAreNamed) {
  RawFile zip;
  expect_refused({"bad.gguf", "not a GGUF file", "50 4b 03 04"}, zip.text("PK\x03\x04 and more"));
  RawFile pointer;
  pointer.text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  try {
    File(pointer.bytes(), "bad.gguf");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(error.hint().find("git lfs pull"), std::string::npos);
  }
}

TEST(GgufHostile, VersionsAreTold) {
  expect_refused({"version 1", "expected 2 or 3"}, RawFile::with_counts(0, 0, 1), unsupported);
  expect_refused({"version 4", "expected 2 or 3"}, RawFile::with_counts(0, 0, 4), unsupported);
  expect_refused({"big-endian"}, RawFile::with_counts(0, 0, 0x03000000), unsupported);
  EXPECT_EQ(File(RawFile::with_counts(0, 0, 2).bytes(), "v2.gguf").version(), 2u);
}

TEST(GgufHostile, AbsurdCountsAllocateNothing) {
  expect_refused({"tensors", "more than the"}, RawFile::with_counts(~0ull, 0).data(64));
  expect_refused({"keys", "more than the"}, RawFile::with_counts(0, 1ull << 62).data(64));
  const auto with_array = [](ValueType element, uint64_t count) {
    return RawFile::with_counts(0, 1)
        .string("array")
        .type(ValueType::array)
        .type(element)
        .u64(count)
        .data(64);
  };
  // 2^61 * 8 bytes wraps to 0 in 64 bits.
  expect_refused({"'array'", "2305843009213693952 elements"},
                 with_array(ValueType::u64, 1ull << 61));
  expect_refused({"'array'", "elements"}, with_array(ValueType::string, 1ull << 60));
  expect_refused({"'array'", "elements"}, with_array(ValueType::u8, ~0ull));
}

// A damaged count of a large file: the data would have room for that many.
TEST(GgufHostile, CountsThatTheFileCouldHoldAllocateNothing) {
  constexpr size_t kSize = 1 << 20;
  const auto allocates = [](const RawFile& file) {
    test::reset_largest_allocation();
    EXPECT_THROW(File(file.bytes(), "bad.gguf"), Error);
    return test::largest_allocation();
  };
  const size_t largest = allocates(RawFile::with_counts(0, kSize / 32).data(kSize));
  EXPECT_GT(largest, 0u);  // the meter works
  EXPECT_LT(largest, kSize / 64);
  EXPECT_LT(allocates(RawFile::with_counts(kSize / 64, 0).data(kSize)), kSize / 64);
}

TEST(GgufHostile, StringsPastTheEndAreRefused) {
  expect_refused({"a key", "ends too early"}, RawFile::with_counts(0, 1).u64(~0ull).data(64));
  expect_refused(
      {"'text'", "ends too early"},
      RawFile::with_counts(0, 1).string("text").type(ValueType::string).u64(1ull << 63).data(64));
}

TEST(GgufHostile, ValueTypesAreChecked) {
  expect_refused({"'odd'", "value type 13"},
                 RawFile::with_counts(0, 1).string("odd").u32(13).data(64));
  expect_refused({"'nested'", "array of arrays"}, RawFile::with_counts(0, 1)
                                                      .string("nested")
                                                      .type(ValueType::array)
                                                      .type(ValueType::array)
                                                      .u64(1)
                                                      .data(64));
  expect_refused({"'flag'", "bool of value 2"},
                 RawFile::with_counts(0, 1).string("flag").type(ValueType::boolean).u8(2).data(64));
}

TEST(GgufHostile, NamesAreChecked) {
  expect_refused({"'same'", "twice"},
                 RawFile::with_counts(0, 2).key_u32("same", 1).key_u32("same", 2));
  expect_refused({"'same'", "twice"}, RawFile::with_counts(2, 0)
                                          .tensor("same", {8}, kF32, 0)
                                          .tensor("same", {8}, kF32, 32)
                                          .data(64));
  expect_refused({"a name of 0 bytes"}, RawFile::with_counts(0, 1).key_u32("", 1).data(64));
  expect_refused({"a name of 65 bytes"},
                 RawFile::with_counts(1, 0).tensor(std::string(65, 'x'), {8}, kF32, 0).data(64));
  expect_refused({"control characters", "'red?[31m'"},
                 RawFile::with_counts(0, 1).key_u32("red\x1b[31m", 1).data(64));
}

TEST(GgufHostile, ShapesAreChecked) {
  const auto with_dims = [](const std::vector<uint64_t>& dims, uint32_t type = kF32) {
    return RawFile::with_counts(1, 0).tensor("t", dims, type, 0).data(4096);
  };
  expect_refused({"'t'", "0 dimensions"}, with_dims({}));
  expect_refused({"'t'", "5 dimensions"}, with_dims({1, 1, 1, 1, 1}));
  expect_refused({"'t'", "dimension of 0"}, with_dims({8, 0}));
  expect_refused({"'t'", "63 bits"}, with_dims({1ull << 32, 1ull << 32}));
  expect_refused({"'t'", "63 bits"}, with_dims({1ull << 63}));
  // 2^62 elements fit, 2^64 bytes do not.
  expect_refused({"'t'", "64 bits"}, with_dims({1ull << 31, 1ull << 31}));
  expect_refused({"'t'", "past the end"}, with_dims({1025}));
  expect_refused({"'t'", "rows of 128 elements", "q4_k", "multiple of 256"},
                 with_dims({128}, kQ4K));
  EXPECT_NO_THROW(File(with_dims({1024}).bytes(), "good.gguf"));
}

TEST(GgufHostile, OffsetsAreChecked) {
  const auto with_offsets = [](uint64_t first, uint64_t second) {
    return RawFile::with_counts(2, 0)
        .tensor("a", {8}, kF32, first)
        .tensor("b", {8}, kF32, second)
        .data(64);
  };
  EXPECT_NO_THROW(File(with_offsets(0, 32).bytes(), "good.gguf"));
  expect_refused({"'b'", "offset 33", "multiple of 32"}, with_offsets(0, 33));
  expect_refused({"'b'", "offset 64", "expected 32"}, with_offsets(0, 64));
  expect_refused({"'b'", "offset 0", "expected 32"}, with_offsets(0, 0));
  expect_refused({"'a'", "expected 0"}, with_offsets(~31ull, 32));
  expect_refused({"'a'", "past the end"},
                 RawFile::with_counts(1, 0).tensor("a", {8}, kF32, 0).data(31));
}

TEST(GgufHostile, AlignmentIsChecked) {
  for (const uint32_t alignment : {0u, 1u, 3u, 4u, 48u, 0xffffffffu}) {
    expect_refused({"general.alignment", "power of two"},
                   RawFile::with_counts(0, 1).key_u32("general.alignment", alignment).data(64));
  }
  expect_refused({"general.alignment", "found bool", "expected u32"},
                 RawFile::with_counts(0, 1)
                     .string("general.alignment")
                     .type(ValueType::boolean)
                     .u8(1)
                     .data(64));
  // 2^31 pads far behind the end of the file.
  expect_refused({"'t'", "past the end"}, RawFile::with_counts(1, 1)
                                              .key_u32("general.alignment", 1u << 31)
                                              .tensor("t", {8}, kF32, 0)
                                              .data(64));
  const RawFile wide = RawFile::with_counts(1, 1)
                           .key_u32("general.alignment", 128)
                           .tensor("t", {8}, kF32, 0)
                           .data(32, 128);
  EXPECT_EQ(File(wide.bytes(), "wide.gguf").get("t").data - wide.bytes().data(), 128);
}

TEST(Gguf, ListsTypesItCannotReadAndRefusesToUseThem) {
  const RawFile raw = RawFile::with_counts(3, 0)
                          .tensor("known", {8}, kF32, 0)
                          .tensor("iq", {256}, 16, 32)
                          .tensor("new", {7}, 1000, 128)
                          .data(160);
  const File file(raw.bytes(), "mixed.gguf");
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_FALSE(file.tensors()[1].dtype.has_value());
  EXPECT_EQ(file.tensors()[1].type_id, 16u);
  EXPECT_EQ(file.tensors()[2].shape[0], 7u);
  EXPECT_NO_THROW(file.get("known"));
  expect_error(unsupported, {"mixed.gguf", "'iq'", "type 16", "iq2_xxs"}, [&] { file.get("iq"); });
  expect_error(unsupported, {"'new'", "type 1000", "unknown"}, [&] { file.find("new"); });
}

}  // namespace
}  // namespace wattle::gguf
