// SPDX-License-Identifier: Apache-2.0
#include "runtime/pooling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gguf/writer.h"
#include "tests/support/temp_dir.h"
#include "wattle/error.h"

namespace wattle::runtime {
namespace {

using Vector = std::vector<float>;

Vector pooled(Pooling pooling, bool normalize) {
  const Vector rows{1, 2, 3, -4, 2, 8};  // three of two
  Pooler pooler(pooling, 2);
  pooler.add({rows.data(), 2, 2});
  pooler.add({rows.data() + 4, 1, 2});
  return pooler.result(normalize);
}

TEST(Pooling, TakesMeanFirstOrLast) {
  EXPECT_EQ(pooled(Pooling::mean, false), (Vector{2, 2}));
  EXPECT_EQ(pooled(Pooling::first, false), (Vector{1, 2}));
  EXPECT_EQ(pooled(Pooling::last, false), (Vector{2, 8}));
}

TEST(Pooling, NormalisesToALengthOfOne) {
  const float half = std::sqrt(0.5f);
  EXPECT_FLOAT_EQ(pooled(Pooling::mean, true)[0], half);
  EXPECT_FLOAT_EQ(pooled(Pooling::mean, true)[1], half);
  Pooler zero(Pooling::last, 2);
  const Vector row{0, 0};
  zero.add({row.data(), 1, 2});
  EXPECT_EQ(zero.result(true), row);
}

TEST(Pooling, IsWhatTheFileSays) {
  const test::TempDir dir;
  const auto of = [&](std::optional<uint32_t> value) {
    gguf::Writer writer;
    writer.set<std::string_view>("general.architecture", "qwen3");
    if (value) writer.set<uint32_t>("qwen3.pooling_type", *value);
    writer.write(dir.path() / "m.gguf");
    return pooling_of(gguf::File(dir.path() / "m.gguf"));
  };
  EXPECT_EQ(of(std::nullopt), std::nullopt);
  EXPECT_EQ(of(0), std::nullopt);
  EXPECT_EQ(of(1), Pooling::mean);
  EXPECT_EQ(of(2), Pooling::first);
  EXPECT_EQ(of(3), Pooling::last);
  EXPECT_THROW(of(4), Error);
}

}  // namespace
}  // namespace wattle::runtime
