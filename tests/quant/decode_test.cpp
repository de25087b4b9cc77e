// SPDX-License-Identifier: Apache-2.0
#include "quant/decode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/half.h"
#include "tests/support/read_file.h"
#include "tests/support/source_tree.h"

namespace wattle::quant {
namespace {

// ---- the formats once more, from byte offsets instead of structs, in double ----

class RawBlock {
 public:
  explicit RawBlock(const std::byte* bytes) : bytes_(bytes) {}

  int u8(int offset) const { return std::to_integer<int>(bytes_[offset]); }
  int i8(int offset) const { return u8(offset) < 128 ? u8(offset) : u8(offset) - 256; }
  int bits(int offset, int bit, int width) const {  // `width` bits from bit `bit` after `offset`
    int value = 0;
    for (int i = 0; i < width; ++i) {
      const int at = bit + i;
      value |= (u8(offset + at / 8) >> (at % 8) & 1) << i;
    }
    return value;
  }
  double f16(int offset) const {
    return f16_to_f32(static_cast<uint16_t>(u8(offset) | u8(offset + 1) << 8));
  }
  int nibble(int offset, int i) const { return bits(offset, 8 * (i % 16) + (i < 16 ? 0 : 4), 4); }

 private:
  const std::byte* bytes_;
};

constexpr double kIq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                             1,    13,   25,  38,  53,  69,  89,  113};
constexpr double kE2m1[16] = {0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6};

// Scale and minimum of group g of Q4_K and Q5_K; the 12 bytes start at offset 4.
struct ScaleMin {
  double scale, min;
};
ScaleMin scale_min(const RawBlock& b, int g) {
  if (g < 4) return {double(b.bits(4 + g, 0, 6)), double(b.bits(8 + g, 0, 6))};
  return {double(b.bits(8 + g, 0, 4) + 16 * b.bits(g, 6, 2)),
          double(b.bits(8 + g, 4, 4) + 16 * b.bits(4 + g, 6, 2))};
}

// Element i of the block at `b`.
double value_of(DType type, const RawBlock& b, int i) {
  const int n = i / 128, s = i % 128 / 32, l = i % 32, g16 = i / 16, g32 = i / 32;
  switch (type) {
    case DType::q4_0: return b.f16(0) * (b.nibble(2, i) - 8);
    case DType::q4_1: return b.f16(0) * b.nibble(4, i) + b.f16(2);
    case DType::q5_0: return b.f16(0) * (b.nibble(6, i) + 16 * b.bits(2, i, 1) - 16);
    case DType::q5_1: return b.f16(0) * (b.nibble(8, i) + 16 * b.bits(4, i, 1)) + b.f16(2);
    case DType::q8_0: return b.f16(0) * b.i8(2 + i);
    case DType::q2_k:
      return b.f16(80) * b.bits(g16, 0, 4) * b.bits(16 + 32 * n + l, 2 * s, 2) -
             b.f16(82) * b.bits(g16, 4, 4);
    case DType::q3_k: {
      const int q = b.bits(32 + 32 * n + l, 2 * s, 2) - (b.bits(l, g32, 1) != 0 ? 0 : 4);
      const int scale = b.bits(96 + g16 % 8, 4 * (g16 / 8), 4) +
                        16 * b.bits(104 + g16 % 4, 2 * (g16 / 4), 2) - 32;
      return b.f16(108) * scale * q;
    }
    case DType::q4_k: {
      const auto [scale, min] = scale_min(b, g32);
      const int q = b.bits(16 + 32 * (g32 / 2) + l, 4 * (g32 % 2), 4);
      return b.f16(0) * scale * q - b.f16(2) * min;
    }
    case DType::q5_k: {
      const auto [scale, min] = scale_min(b, g32);
      const int q = b.bits(48 + 32 * (g32 / 2) + l, 4 * (g32 % 2), 4) + 16 * b.bits(16 + l, g32, 1);
      return b.f16(0) * scale * q - b.f16(2) * min;
    }
    case DType::q6_k: {
      const int q = b.bits(64 * n + 32 * (s % 2) + l, 4 * (s / 2), 4) +
                    16 * b.bits(128 + 32 * n + l, 2 * s, 2);
      return b.f16(208) * b.i8(192 + g16) * (q - 32);
    }
    case DType::iq4_nl: return b.f16(0) * kIq4[b.nibble(2, i)];
    case DType::iq4_xs: {
      const int scale = b.bits(4 + g32 / 2, 4 * (g32 % 2), 4) + 16 * b.bits(2, 2 * g32, 2) - 32;
      return b.f16(0) * scale * kIq4[b.nibble(8 + 16 * g32, i % 32)];
    }
    case DType::mxfp4: return std::ldexp(kE2m1[b.nibble(1, i)], b.u8(0) - 127);
    case DType::f16: return b.f16(0);
    case DType::bf16:
      return std::ldexp(b.bits(0, 0, 7) + (b.bits(0, 7, 8) != 0 ? 128 : 0),
                        std::max(b.bits(0, 7, 8), 1) - 134) *
             (b.bits(0, 15, 1) != 0 ? -1 : 1);
    case DType::f32: {
      float value;
      const int bits = b.bits(0, 0, 32);
      std::memcpy(&value, &bits, sizeof value);
      return value;
    }
  }
  return 0;
}

// Where the f16 fields of a block lie: random bits there would make infinities.
std::vector<int> f16_fields(DType type) {
  switch (type) {
    case DType::f16:
    case DType::q4_0:
    case DType::q5_0:
    case DType::q8_0:
    case DType::iq4_nl:
    case DType::iq4_xs: return {0};
    case DType::q4_1:
    case DType::q5_1:
    case DType::q4_k:
    case DType::q5_k: return {0, 2};
    case DType::q2_k: return {80, 82};
    case DType::q3_k: return {108};
    case DType::q6_k: return {208};
    default: return {};
  }
}

TEST(Decode, EveryTypeFollowsItsFormula) {
  std::mt19937 rng(1);
  for (const DTypeInfo& info : all_dtypes()) {
    const size_t n_blocks = 64;
    std::vector<std::byte> row(n_blocks * info.block_bytes);
    for (auto& byte : row) byte = static_cast<std::byte>(rng());
    for (size_t b = 0; b < n_blocks; ++b) {
      std::byte* block = row.data() + b * info.block_bytes;
      for (const int field : f16_fields(info.type)) {
        // Exponents near 1, so that the sum of two products is exact in double.
        block[field + 1] = static_cast<std::byte>((rng() & 0x83) | (12 + rng() % 6) << 2);
      }
      if (info.type == DType::f32) block[3] &= std::byte{0xbf};
      if (info.type == DType::bf16) block[1] &= std::byte{0xbf};
      if (info.type == DType::mxfp4 && b % 4 == 0) block[0] = static_cast<std::byte>(b / 4 % 3);
      if (info.type == DType::mxfp4 && block[0] > std::byte{250}) block[0] = std::byte{250};
    }
    std::vector<float> out(n_blocks * info.block_elems);
    dequantize_row(info.type, row.data(), out.data(), out.size());
    for (size_t i = 0; i < out.size(); ++i) {
      const RawBlock block(row.data() + i / info.block_elems * info.block_bytes);
      const double expected = value_of(info.type, block, static_cast<int>(i % info.block_elems));
      ASSERT_EQ(out[i], static_cast<float>(expected)) << info.name << " element " << i;
    }
  }
}

TEST(Decode, EveryTypeEqualsGgmlBitForBit) {
  const auto dir = test::source_dir() / "tests/golden/quant";
  for (const DTypeInfo& info : all_dtypes()) {
    const auto blocks = test::read_file(dir / (std::string(info.name) + ".blocks"));
    const auto expected = test::read_floats(dir / (std::string(info.name) + ".f32"));
    ASSERT_EQ(blocks.size(), row_bytes(info.type, expected.size())) << info.name;
    std::vector<float> out(expected.size());
    dequantize_row(info.type, blocks.data(), out.data(), out.size());
    for (size_t i = 0; i < out.size(); ++i) {
      ASSERT_EQ(std::memcmp(&out[i], &expected[i], sizeof(float)), 0)
          << info.name << " element " << i << ": " << out[i] << ", ggml has " << expected[i];
    }
  }
}

}  // namespace
}  // namespace wattle::quant
