// SPDX-License-Identifier: Apache-2.0
// The format is that of llama-perplexity v0.5.0; tests/cli/perplexity_test.cpp exchanges files with
// it. Here: what is written comes back, and what is wrong is refused.
#include "measure/logits_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "tests/support/read_file.h"
#include "tests/support/temp_dir.h"
#include "wattle/error.h"

namespace wattle::measure {
namespace {

using testing::HasSubstr;

constexpr LogitsFileHeader kHeader{.n_ctx = 8, .n_vocab = 5, .n_chunk = 2};

std::vector<TokenId> some_tokens() {
  std::vector<TokenId> ids;
  for (int32_t i = 0; i < 16; ++i) ids.push_back(TokenId{i % 5});
  return ids;
}

// The row with index `at` of the file.
std::vector<float> some_logits(int at) {
  const auto x = static_cast<float>(at);
  return {x, 1.5f - x, -3.25f, 2.0f, x * x - 40.0f};
}

class LogitsFileTest : public testing::Test {
 protected:
  void SetUp() override {
    LogitsFileWriter writer(path(), kHeader, some_tokens());
    for (int i = 0; i < 6; ++i) writer.add(some_logits(i));
    writer.commit();
  }
  std::filesystem::path path() const { return dir_.path() / "base.kld"; }
  std::vector<std::byte> bytes() const {
    const std::string text = test::read_text(path());
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
  }

  test::TempDir dir_;
};

TEST_F(LogitsFileTest, GivesBackWhatWasWritten) {
  const LogitsFile file(path());
  EXPECT_EQ(file.header().n_ctx, 8u);
  EXPECT_EQ(file.header().n_vocab, 5u);
  EXPECT_EQ(file.header().n_chunk, 2u);
  EXPECT_EQ(file.tokens(), some_tokens());
  for (int i = 0; i < 6; ++i) {
    const std::vector<float> logits = some_logits(i);
    const float best = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(double{logit});
    const LogProbs row = file.row(static_cast<uint32_t>(i) / 3, static_cast<uint32_t>(i) % 3);
    for (size_t token = 0; token < logits.size(); ++token) {
      // Half a step of at most 16 / 65535, and the depth at which the file ends.
      const double exact = std::max(logits[token], best - 16.0f) - std::log(sum);
      EXPECT_NEAR(row[token], exact, 0.5 * 16 / 65535 + 1e-5) << i << " " << token;
    }
  }
}

// 20 bytes, 16 tokens, 6 rows of 8 bytes and 5 codes, which are 6.
TEST_F(LogitsFileTest, IsLaidOutAsDescribed) {
  const auto file = bytes();
  EXPECT_EQ(file.size(), 20u + 16 * 4 + 6 * (8 + 6 * 2));
  EXPECT_EQ(std::memcmp(file.data(), "_logits_\x08\0\0\0\x05\0\0\0\x02\0\0\0", 20), 0);
}

TEST_F(LogitsFileTest, EveryCutIsRefused) {
  const auto whole = bytes();
  for (size_t n = 0; n < whole.size(); ++n) {
    const std::vector<std::byte> part(whole.begin(),
                                      whole.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_THROW(LogitsFile(part, "cut"), Error) << n;
  }
  auto more = whole;
  more.push_back(std::byte{0});
  EXPECT_THROW(LogitsFile(more, "more"), Error);
}

TEST_F(LogitsFileTest, WhatIsWrongIsNamed) {
  const auto refuse = [&](size_t at, const void* value, size_t size, const char* message) {
    auto file = bytes();
    std::memcpy(&file[at], value, size);
    try {
      const LogitsFile opened(file, "bad.kld");
      (void)opened.row(0, 0);
      ADD_FAILURE() << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input);
      EXPECT_THAT(error.what(), HasSubstr("bad.kld"));
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  };
  const auto number = [&](size_t at, uint32_t value, const char* message) {
    refuse(at, &value, sizeof value, message);
  };
  number(0, 0x11111111, "does not begin");
  number(8, 2, "n_ctx is 2");
  number(8, UINT32_MAX, "n_ctx is 4294967295");
  number(12, 0, "n_vocab is 0");
  number(12, 0x80000000, "n_vocab is 2147483648");
  number(16, 0, "n_chunk is 0");
  number(16, 3, "3 chunks");
  number(16, 1 << 24, "16777216 chunks");
  number(20, 5, "token 0 is 5");
  number(24, UINT32_MAX, "token 1 is -1");
  for (const float scale : {-1.0f, std::numeric_limits<float>::quiet_NaN(), 1e30f,
                            std::numeric_limits<float>::infinity()}) {
    refuse(84, &scale, sizeof scale, "no log probabilities");
  }
  for (const float lowest :
       {1.0f, std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    refuse(88, &lowest, sizeof lowest, "no log probabilities");
  }
}

// Of the bytes that this header asks for, the lower 64 bits say 20.
TEST(LogitsFile, ASizeThatOverflowsIsRefused) {
  const uint32_t fields[] = {242739, 9059238, 1 << 24};
  std::vector<std::byte> file(20);
  std::memcpy(file.data(), "_logits_", 8);
  std::memcpy(&file[8], fields, sizeof fields);
  EXPECT_THROW(LogitsFile(file, "huge.kld"), Error);
}

TEST_F(LogitsFileTest, AppearsOnlyWhenComplete) {
  const auto other = dir_.path() / "other.kld";
  {
    LogitsFileWriter writer(other, kHeader, some_tokens());
    writer.add(some_logits(0));
  }
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST(LogitsFileWriter, LevelLogitsAreEquallyLikely) {
  const test::TempDir dir;
  const auto path = dir.path() / "level.kld";
  LogitsFileWriter writer(path, {.n_ctx = 3, .n_vocab = 4, .n_chunk = 1}, std::vector<TokenId>(3));
  writer.add(std::vector<float>(4, 7.0f));
  writer.commit();
  EXPECT_NEAR(LogitsFile(path).row(0, 0)[2], std::log(0.25), 1e-6);
}

}  // namespace
}  // namespace wattle::measure
