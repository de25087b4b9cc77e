// SPDX-License-Identifier: Apache-2.0
// Where elements lie, against published tables and recorded buffers.
#include "backend/rknpu/pack.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "backend/rknpu/layout.h"
#include "base/half.h"
#include "tests/backend/rknpu/recorded_inputs.h"
#include "tests/support/needs_golden.h"
#include "tests/support/read_file.h"

namespace wattle::rknpu {
namespace {

using nlohmann::json;

// The type whose layout a table describes; nullptr for those that products here do not have.
const MatmulTypeInfo* type_of_table(const json& table) {
  const std::string function = table["function"];
  if (function == "weight_int4") return &info(MatmulType::i4_i4_i16);
  if (function == "wint8") return &info(MatmulType::i8_i8_i32);
  if (function == "wfp16") return &info(MatmulType::f16_f16_f32);
  if (function != "feature" && function != "feature_data") return nullptr;
  const int per_cell = table["C2"];  // of A, or of C where there is none of such elements
  if (per_cell == 32) return &info(MatmulType::i4_i4_i16);
  if (per_cell == 16) return &info(MatmulType::i8_i8_i32);
  if (per_cell == 8) return &info(MatmulType::f16_f16_f32);
  return per_cell == 4 ? &info(MatmulType::i8_i8_i32) : nullptr;
}

size_t position(const json& table, const MatmulTypeInfo& type, size_t row, size_t channel) {
  const size_t n_rows = table["rows"];
  if (table["function"].get<std::string>().starts_with('w'))
    return native_b(type, table["C"], n_rows, channel, row);
  return table["C2"] == 4 ? native_c(type, n_rows, row, channel)
                          : native_a(type, n_rows, row, channel);
}

void check_tables(const char* name) {
  const json file = json::parse(test::read_text(test::golden_dir() / "rknpu" / name));
  size_t n_equal = 0;
  size_t n_others = 0;
  for (const json& table : file["tables"]) {
    const MatmulTypeInfo* type = type_of_table(table);
    if (type == nullptr) {
      ++n_others;
      continue;
    }
    SCOPED_TRACE(fmt::format("{} {} x {}", table["function"].get<std::string>(),
                             table["rows"].get<int>(), table["C"].get<int>()));
    const size_t n_channels = table["C"];
    const auto index = table["index"].get<std::vector<size_t>>();
    for (size_t i = 0; i < index.size(); ++i)
      ASSERT_EQ(position(table, *type, i / n_channels, i % n_channels), index[i]) << i;
    ++n_equal;
  }
  fmt::print("{}: {} tables equal, {} of other types\n", name, n_equal, n_others);
  EXPECT_GT(n_equal, 0U);
}

TEST(RknpuPack, LayoutsAreThePublishedOnes) {
  WATTLE_NEEDS_GOLDEN("rknpu");
  check_tables("mtx512_layout_tables.json");
  check_tables("rocket_userspace_layout_tables.json");
}

// ---- recorded buffers ----

std::vector<std::byte> from_base64(const std::string& text) {
  std::vector<std::byte> bytes;
  uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : text) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;  // '='
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if ((n_bits += 6) >= 8) bytes.push_back(static_cast<std::byte>(bits >> (n_bits -= 8)));
  }
  return bytes;
}

void check_buffers(const json& line) {
  const MatmulType type = *matmul_type_of(line["type"].get<std::string>());
  const Matmul p{.type = type, .m = line["M"], .k = line["K"], .n = line["N"]};
  const Orientation orientation =
      line["AC_layout"] == 1 ? Orientation::native : Orientation::row_major;
  const auto [a, b] = RecordedInputs(p);
  std::vector<std::byte> packed(bytes_of_b(p));
  pack_b(p, b, packed);
  EXPECT_EQ(packed, from_base64(line["B_native_buffer"])) << "B";
  packed.resize(bytes_of_a(p, orientation));
  pack_a(p, orientation, a, packed);
  auto recorded = from_base64(line["A_buffer"]);
  EXPECT_EQ(packed, recorded) << "A";
  recorded = from_base64(line["C_buffer"]);
  std::vector<double> c(size_t{p.m} * p.n);
  ASSERT_GE(recorded.size(), bytes_of_c(p, orientation));
  unpack_c(p, orientation, recorded, c);
  for (size_t i = 0; i < c.size(); ++i) {
    double sum = 0;
    for (size_t k = 0; k < p.k; ++k) sum += double{a[i / p.n * p.k + k]} * b[i % p.n * p.k + k];
    ASSERT_EQ(c[i], sum) << "C " << i;
  }
}

TEST(RknpuPack, BuffersAreTheRecordedOnes) {
  WATTLE_NEEDS_GOLDEN("rknpu");
  std::istringstream lines(
      test::read_text(test::golden_dir() / "rknpu/vendor_runtime_small.jsonl"));
  size_t n_equal = 0;
  size_t n_without = 0;
  for (std::string text; std::getline(lines, text);) {
    const json line = json::parse(text);
    if (!line.contains("A_buffer")) {
      ++n_without;
      continue;
    }
    SCOPED_TRACE(fmt::format("{} {} x {} x {}", line["type"].get<std::string>(),
                             line["M"].get<int>(), line["K"].get<int>(), line["N"].get<int>()));
    check_buffers(line);
    if (testing::Test::HasFailure()) return;
    ++n_equal;
  }
  fmt::print("vendor_runtime_small.jsonl: buffers of {} lines equal, {} have none\n", n_equal,
             n_without);
  EXPECT_GT(n_equal, 0U);
}

}  // namespace
}  // namespace wattle::rknpu
