// SPDX-License-Identifier: Apache-2.0
#include "measure/number_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "wattle/error.h"

namespace wattle::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<uint32_t> list(std::string_view text) { return parse_number_list(text, "-p"); }

TEST(NumberList, TakesNumbersAndRanges) {
  EXPECT_THAT(list("512"), ElementsAre(512));
  EXPECT_THAT(list("0,1,1"), ElementsAre(0, 1, 1));
  EXPECT_THAT(list("1-4"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(list("512-2048+512"), ElementsAre(512, 1024, 1536, 2048));
  EXPECT_THAT(list("1-20*2"), ElementsAre(1, 2, 4, 8, 16));
  EXPECT_THAT(list("7,1-2,4294967294-4294967295"), ElementsAre(7, 1, 2, 4294967294, 4294967295));
}

TEST(NumberList, RefusesWhatIsNone) {
  for (const char* text : {"", ",", "1,", "a", "1 ", "-1", "1-", "2-1", "1-2+0", "1-2*1", "1-2*0",
                           "0-4*2", "1-2+", "4294967296", "1.5", "1-9999", "1-4294967295"}) {
    try {
      list(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(error.what(), HasSubstr("-p: '" + std::string(text) + "'"));
    }
  }
}

TEST(NumberList, APairIsTwo) {
  const NumberPair pair = parse_number_pair("512,128", "-pg");
  EXPECT_EQ(pair.first, 512u);
  EXPECT_EQ(pair.second, 128u);
  EXPECT_THROW(parse_number_pair("512", "-pg"), Error);
  EXPECT_THROW(parse_number_pair("512,128,1", "-pg"), Error);
}

}  // namespace
}  // namespace wattle::measure
