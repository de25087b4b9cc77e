// SPDX-License-Identifier: Apache-2.0
// Plans as such: every element of C is computed once, whatever the shape; what cannot be, is
// refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/program.h"
#include "tests/support/error_text.h"
#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

// Rows and columns that a task computes, worked back from its addresses.
struct Place {
  uint32_t row, rows, column, columns;
};

Place place_of(const MatmulTask& task, const Matmul& m, Orientation orientation) {
  const MatmulTypeInfo& type = info(m.type);
  const uint32_t row = orientation == Orientation::native ? (task.a - m.a) / 16
                                                          : (task.a - m.a) / type.row_bytes(m.k);
  return {row, task.width * task.height, (task.b - m.b) / type.row_bytes(m.k), task.n};
}

void expect_whole(const Matmul& m, Orientation orientation) {
  std::vector<uint8_t> n_times(size_t{m.m} * m.n);
  const uint32_t row_bytes = info(m.type).row_bytes(m.k);
  for (const MatmulTask& task : plan_matmul(m, orientation)) {
    const Place place = place_of(task, m, orientation);
    for (uint32_t row = place.row; row < place.row + place.rows; ++row) {
      for (uint32_t n = place.column; n < place.column + place.columns; ++n)
        ++n_times.at(size_t{row} * m.n + n);
    }
    ASSERT_LE(task.n, 8191U);
    ASSERT_LE(task.data_bank, kBanks - 1);
    ASSERT_LE(info(m.type).kernel_group * row_bytes, (kBanks - task.data_bank) * kBankBytes);
  }
  EXPECT_TRUE(std::ranges::all_of(n_times, [](uint8_t n) { return n == 1; }));
}

TEST(RknpuPlan, ComputesEveryElementOnce) {
  std::mt19937 random(1);
  const auto up_to = [&](uint32_t n) { return 1 + static_cast<uint32_t>(random() % n); };
  for (int i = 0; i < 300; ++i) {
    const MatmulTypeInfo& type = matmul_types()[random() % matmul_types().size()];
    Matmul m{.type = type.type,
             .m = up_to(300),
             .k = 32 * up_to(320),
             .n = type.kernel_group * up_to(700 / type.kernel_group + (i % 10 == 0 ? 300 : 0))};
    m.a = 0x10000000;
    m.b = 0x40000000;
    m.c = 0x80000000;
    SCOPED_TRACE(std::string(type.name) + " " + std::to_string(m.m) + " x " + std::to_string(m.k) +
                 " x " + std::to_string(m.n));
    if (m.type != MatmulType::i4_i4_i16 || m.m * m.k / 2 <= 128 * 1024) {
      expect_whole(m, Orientation::native);
    }
    expect_whole(m, Orientation::row_major);
  }
}

TEST(RknpuPlan, RefusesWhatTheHardwareDoesNotTake) {
  const auto refused = [](const Matmul& m, Orientation orientation, Form form = Form::vendor) {
    const ErrorCode code = form == Form::rocket ? ErrorCode::unsupported : ErrorCode::bad_input;
    return test::error_text(code, [&] { plan_matmul(m, orientation, form); });
  };
  using enum MatmulType;
  EXPECT_THAT(refused({.type = i8_i8_i32, .m = 4, .k = 40, .n = 32}, Orientation::native),
              testing::HasSubstr("k is 40, expected a multiple of 32"));
  EXPECT_THAT(refused({.type = i4_i4_i16, .m = 4, .k = 64, .n = 32}, Orientation::row_major),
              testing::HasSubstr("n is 32, expected a multiple of 64"));
  EXPECT_THAT(refused({.type = i8_i8_i32, .m = 4, .k = 10272, .n = 32}, Orientation::native),
              testing::HasSubstr("expected 10240 at most"));
  EXPECT_THAT(refused({.type = i4_i4_i16, .m = 256, .k = 2048, .n = 64}, Orientation::native),
              testing::HasSubstr("128 KiB"));
  EXPECT_THAT(refused({.type = i8_i8_i32, .m = 3, .k = 64, .n = 32}, Orientation::column),
              testing::HasSubstr("expected 1 or a multiple of 4"));
  EXPECT_THAT(refused({.type = i8_i8_i32, .m = 4, .k = 40, .n = 32}, Orientation::column),
              testing::HasSubstr("k is 40, expected a multiple of 32"));
  EXPECT_THAT(refused({.type = i8_i8_i32, .m = 4, .k = 32, .n = 8224}, Orientation::column),
              testing::HasSubstr("n is 8224 in one task, expected 8192 at most"));
  EXPECT_THAT(refused({.type = f16_f16_f32, .m = 128, .k = 2048, .n = 16}, Orientation::column),
              testing::HasSubstr("banks of 12"));
  EXPECT_THAT(refused({.type = i8_i8_i32, .m = 4, .k = 64, .n = 0xffffffe0}, Orientation::native),
              testing::HasSubstr("does not fit 32-bit addresses"));
  EXPECT_THAT(refused({.type = i8_i8_i32, .m = 0, .k = 64, .n = 32}, Orientation::native),
              testing::HasSubstr("0 rows"));
  EXPECT_THAT(
      refused({.type = i8_i8_i32, .m = 4, .k = 64, .n = 32}, Orientation::native, Form::rocket),
      testing::HasSubstr("columns"));
  EXPECT_THAT(test::error_text(ErrorCode::bad_input, [] { commands_of({}, Form::vendor, 8); }),
              testing::HasSubstr("multiple of 16"));
  const std::vector<MatmulTask> two(2);
  EXPECT_EQ(commands_of(two, Form::vendor, 0xfffff900)[1].address, 0xfffffc80U);
  EXPECT_THAT(
      test::error_text(ErrorCode::bad_input, [&] { commands_of(two, Form::vendor, 0xfffff910); }),
      testing::HasSubstr("commands of 2 tasks at 0xfffff910 do not fit 32-bit addresses"));
  const Rk3576Task other{.m = 4, .k = 64, .n = 32};
  EXPECT_THAT(test::error_text(ErrorCode::bad_input, [&] { commands_of(other, 0xfffffff0); }),
              testing::HasSubstr("commands of 1 task at 0xfffffff0 do not fit"));
}

}  // namespace
}  // namespace wattle::rknpu
