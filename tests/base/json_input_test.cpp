// SPDX-License-Identifier: Apache-2.0
#include "base/json_input.h"

#include <gtest/gtest.h>

#include <string>

#include "wattle/error.h"

namespace wattle {
namespace {

TEST(JsonInput, KeepsOrderAndTheLastOfEqualKeys) {
  EXPECT_EQ(parse_json(R"({"b": 1, "a": [2.0, null], "b": "x"})", "t").dump(),
            R"({"b":"x","a":[2.0,null]})");
}

TEST(JsonInput, RefusesWhatWouldReachThePromptAsSomethingElseOrTakeTooLong) {
  const auto error_of = [](const std::string& text) -> std::string {
    try {
      return "parsed: " + parse_json(text, "file.json").dump();
    } catch (const Error& e) {
      return e.what();
    }
  };
  EXPECT_EQ(error_of("[9223372036854775808]"),
            "file.json: the integer 9223372036854775808 does not fit into 64 bits");
  EXPECT_EQ(error_of("[-123456789012345678901234567890]"),
            "file.json: the integer -123456789012345678901234567890 does not fit into 64 bits");
  EXPECT_EQ(error_of(std::string(101, '[')), "file.json: nested more than 100 levels deep");
  std::string keys;
  for (int i = 0; i <= 10'000; ++i) keys += (i == 0 ? "{\"" : ",\"") + std::to_string(i) + "\":0";
  EXPECT_EQ(error_of(keys + "}"), "file.json: an object has more than 10000 keys");
  EXPECT_NE(error_of("[1,]").find("file.json: parse error at line 1, column 4"), std::string::npos)
      << error_of("[1,]");
  EXPECT_NE(error_of("[\"\xff\"]").find("file.json: "), std::string::npos);
  EXPECT_NE(error_of("").find("file.json: "), std::string::npos);
}

}  // namespace
}  // namespace wattle
