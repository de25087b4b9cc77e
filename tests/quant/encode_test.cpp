// SPDX-License-Identifier: Apache-2.0
#include "quant/encode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "quant/decode.h"
#include "tests/support/read_file.h"
#include "tests/support/source_tree.h"

namespace wattle::quant {
namespace {

const std::filesystem::path kDir = test::source_dir() / "tests/golden/quant";

std::vector<std::byte> encode(DType type, const std::vector<float>& x) {
  std::vector<std::byte> out(row_bytes(type, x.size()));
  quantize_row(type, x.data(), out.data(), x.size());
  return out;
}

TEST(Encode, EqualsGgmlByteForByte) {
  const std::vector<float> x = test::read_floats(kDir / "encode_input.floats");
  for (const DType type : {DType::f16, DType::bf16, DType::q8_0, DType::q4_0, DType::q4_1}) {
    const std::string name(dtype_info(type).name);
    EXPECT_EQ(encode(type, x), test::read_file(kDir / ("encode_" + name + ".blocks"))) << name;
  }
}

// Half a step of the block's grid, plus what rounding the f16 scale can move the largest code by.
TEST(Encode, ErrorIsAtMostHalfAStep) {
  std::vector<float> x(32 * 50);
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i) * 0.37f);
  struct Case {
    DType type;
    double n_steps;  // of the range of the block
  };
  for (const auto& [type, n_steps] :
       {Case{DType::q8_0, 254}, {DType::q4_0, 16}, {DType::q4_1, 15}}) {
    const auto blocks = encode(type, x);
    std::vector<float> back(x.size());
    dequantize_row(type, blocks.data(), back.data(), back.size());
    for (size_t b = 0; b < x.size(); b += 32) {
      double largest = 0;
      for (size_t i = b; i < b + 32; ++i) largest = std::max(largest, std::fabs(double(x[i])));
      const double step = 2 * largest / n_steps;
      // q4_0 has codes -8 ... 7: a value near +max of the other sign is clamped by a whole step.
      const double bound = (type == DType::q4_0 ? 1.0 : 0.5) * step + largest / 1024;
      for (size_t i = b; i < b + 32; ++i) EXPECT_NEAR(back[i], x[i], bound);
    }
  }
}

TEST(Encode, KnowsWhatItCanDo) {
  for (const DTypeInfo& info : all_dtypes()) {
    const bool simple = info.type == DType::f32 || info.type == DType::f16 ||
                        info.type == DType::bf16 || info.type == DType::q8_0 ||
                        info.type == DType::q4_0 || info.type == DType::q4_1;
    EXPECT_EQ(can_quantize(info.type), simple) << info.name;
  }
}

}  // namespace
}  // namespace wattle::quant
