// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/program.h"
#include "tests/support/error_text.h"
#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

TEST(RknpuListing, NamesRegisterAndFields) {
  EXPECT_EQ(annotated(0x0201001f00201024),
            "0201001f00201024  CNA       1024  DATA_SIZE1            CHANNEL_REAL 31, CHANNEL 32");
  EXPECT_EQ(annotated(0x0201100020001070),
            "0201100020001070  CNA       1070  FEATURE_DATA_ADDR     0x10002000");
  EXPECT_EQ(annotated(0x00810000000d0008),
            "00810000000d0008  ENABLE    0008  OPERATION_ENABLE      DPU 1, CORE 1, CNA 1");
  EXPECT_EQ(annotated(0), "0000000000000000  nothing");
  EXPECT_EQ(annotated(0x0777000000051234),
            "0777000000051234  ?         1234  ?                     0x5");
}

TEST(RknpuListing, EveryWordOfAProductHasAName) {
  for (const Form form : {Form::vendor, Form::rocket}) {
    const auto tasks = plan_matmul({.type = MatmulType::i8_i8_i32, .m = 4, .k = 64, .n = 32},
                                   Orientation::column, form);
    const auto commands = commands_of(tasks, form, 0);
    for (const uint64_t word : commands[0].words) {
      EXPECT_THAT(annotated(word), testing::Not(testing::HasSubstr("?")));
    }
  }
}

TEST(RknpuListing, ReadsBackWhatItPrints) {
  const auto tasks = plan_matmul({.type = MatmulType::f16_f16_f32,
                                  .m = 512,
                                  .k = 1024,
                                  .n = 16,
                                  .a = 0x10003000,
                                  .b = 0x20000000,
                                  .c = 0x30000000},
                                 Orientation::native);
  std::vector<uint64_t> all;
  std::string text = "# a remark\n\n";
  for (const TaskCommands& task : commands_of(tasks, Form::vendor, 0x10000000)) {
    for (const uint64_t word : task.words) {
      all.push_back(word);
      text += annotated(word) + "\n";
    }
  }
  EXPECT_EQ(parse_listing(text), all);
  const auto parts = tasks_of(all);
  ASSERT_EQ(parts.size(), tasks.size());
  EXPECT_EQ(summary(parts.back()),
            "f16f16f32, 64 rows x 1024 x 16, native, a tile; A 0x10003000, B 0x20000000, "
            "C 0x30000000");
  EXPECT_THAT(summary(parts[0].first(10)), testing::HasSubstr("no product"));
}

TEST(RknpuListing, RefusesWhatIsNoWord) {
  for (const char* text :
       {"0201001f0020102", "0201001f00201024x", "x201001f00201024", "-0201001f0020102"}) {
    EXPECT_THAT(test::error_text(ErrorCode::bad_input,
                                 [&] { parse_listing(std::string("# one\n") + text); }),
                testing::HasSubstr("line 2"))
        << text;
  }
  EXPECT_THAT(test::error_text(ErrorCode::bad_input,
                               [] { parse_listing(std::string_view("\x08\0\x0d\0", 4)); }),
              testing::HasSubstr("is no command word"));
}

}  // namespace
}  // namespace wattle::rknpu
