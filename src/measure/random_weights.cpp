// SPDX-License-Identifier: Apache-2.0
#include "measure/random_weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "base/half.h"
#include "quant/blocks.h"
#include "quant/decode.h"

namespace wattle::measure {
namespace {

using namespace quant;

// The f16 fields of a block. Symmetric types have codes around zero but for half a step; a scale of
// random sign evens that out. The others have codes from zero up and subtract a minimum that is the
// mean code times the scale.
struct Scales {
  uint16_t d;
  uint16_t min;  // of types that have one
};

// What the minimum is of the scale.
template <class Block>
constexpr float kMinOfScale = 0.0f;
template <>
constexpr float kMinOfScale<BlockQ4_1> = -7.5f;
template <>
constexpr float kMinOfScale<BlockQ5_1> = -15.5f;
template <>
constexpr float kMinOfScale<BlockQ2_K> = 1.5f;
template <>
constexpr float kMinOfScale<BlockQ4_K> = 7.5f;
template <>
constexpr float kMinOfScale<BlockQ5_K> = 15.5f;

template <class Block>
void set_scales(Block& block, const Scales& scales) noexcept {
  block.d = scales.d;
}
void set_scales(BlockQ4_1& block, const Scales& scales) noexcept {
  block.d = scales.d;
  block.m = scales.min;
}
void set_scales(BlockQ5_1& block, const Scales& scales) noexcept {
  block.d = scales.d;
  block.m = scales.min;
}
// -128 is a code that no encoder makes.
void set_scales(BlockQ8_0& block, const Scales& scales) noexcept {
  block.d = scales.d;
  for (int8_t& q : block.qs) q = q == -128 ? int8_t{127} : q;
}
// The groups' small scales: at least half of the largest, and equal to the groups' minimums.
void set_scales(BlockQ2_K& block, const Scales& scales) noexcept {
  block.d = scales.d;
  block.dmin = scales.min;
  for (uint8_t& s : block.scales) {
    const uint8_t scale = (s & 15) | 8;
    s = static_cast<uint8_t>(scale | scale << 4);
  }
}
template <class Block>
void set_scales_and_mins(Block& block, const Scales& scales) noexcept {
  block.d = scales.d;
  block.dmin = scales.min;
  for (int i = 0; i < 4; ++i) {  // how the 6 bits are packed: quant/decode_k_quants.cpp
    block.scales[i] |= 0xa0;     // the upper bit of groups i and i + 4
    block.scales[i + 4] = block.scales[i];
    const uint8_t low = block.scales[i + 8] & 15;
    block.scales[i + 8] = static_cast<uint8_t>(low | low << 4);
  }
}
void set_scales(BlockQ4_K& block, const Scales& scales) noexcept {
  set_scales_and_mins(block, scales);
}
void set_scales(BlockQ5_K& block, const Scales& scales) noexcept {
  set_scales_and_mins(block, scales);
}

Scales make_scales(float d, float min_of_scale) noexcept {
  return {f32_to_f16(d), f32_to_f16(d * min_of_scale)};
}

double deviation_of(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += double{v} * v;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

// MXFP4 has powers of two for scales: two neighbours, mixed so that the mean square is right. The
// values of E2M1 are 0, 1/2, 1, 3/2, 2, 3, 4, 6 with either sign.
class PowerScales {
 public:
  explicit PowerScales(float deviation) {
    constexpr double kMeanSquare = 68.5 / 8;
    const double wanted = deviation / std::sqrt(kMeanSquare);
    const double low = std::floor(std::log2(wanted));
    exponent_ = static_cast<uint8_t>(low + 127);
    const double square = wanted * wanted / std::exp2(2 * low);  // 1 to 4
    upper_of_256_ = static_cast<unsigned>(std::lround((square - 1) / 3 * 256));
  }
  uint8_t operator()(uint8_t random) const noexcept {
    return static_cast<uint8_t>(exponent_ + (random < upper_of_256_ ? 1 : 0));
  }

 private:
  uint8_t exponent_;
  unsigned upper_of_256_;
};

}  // namespace

template <class Block>
void RandomWeights::fill_random(std::span<Block> blocks) noexcept {
  auto* out = reinterpret_cast<std::byte*>(blocks.data());
  size_t left = blocks.size_bytes();
  for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), out += sizeof(uint64_t)) {
    const uint64_t word = rng_.next();
    std::memcpy(out, &word, sizeof word);
  }
  const uint64_t word = rng_.next();
  std::memcpy(out, &word, left);
}

// The deviation of what blocks with a scale of one decode to.
template <class Block>
float RandomWeights::unit_deviation(DType type) {
  const size_t n_elems = dtype_info(type).block_elems;
  std::vector<Block> blocks(65536 / n_elems);
  fill_random(std::span(blocks));
  for (Block& block : blocks) set_scales(block, make_scales(1.0f, kMinOfScale<Block>));
  std::vector<float> values(blocks.size() * n_elems);
  dequantize_row(type, reinterpret_cast<const std::byte*>(blocks.data()), values.data(),
                 values.size());
  return static_cast<float>(deviation_of(values));
}

template <class Block>
void RandomWeights::fill_blocks(DType type, float deviation, std::span<std::byte> bytes) {
  // Scales vary by a quarter around their mean square, with either sign.
  const float d = deviation / unit_deviation<Block>(type) / std::sqrt(1.0f + 0.0625f / 3.0f);
  std::array<Scales, 256> scales;
  for (size_t i = 0; i < scales.size(); ++i) {
    const size_t pair = i / 2;                                      // of either sign
    const float step = (static_cast<float>(pair) + 0.5f) / 128.0f;  // 0 to 1
    const float size = d * (0.75f + 0.5f * step);
    scales[i] = make_scales(i % 2 == 0 ? size : -size, kMinOfScale<Block>);
  }
  const std::span<Block> blocks{reinterpret_cast<Block*>(bytes.data()),
                                bytes.size() / sizeof(Block)};
  fill_random(blocks);
  for (size_t b = 0; b < blocks.size(); b += sizeof(uint64_t)) {
    uint64_t word = rng_.next();
    for (size_t i = b; i < std::min(b + sizeof(uint64_t), blocks.size()); ++i, word >>= 8) {
      set_scales(blocks[i], scales[word & 0xff]);
    }
  }
}

template <>
void RandomWeights::fill_blocks<BlockMXFP4>(DType, float deviation, std::span<std::byte> bytes) {
  const PowerScales scale(deviation);
  const std::span<BlockMXFP4> blocks{reinterpret_cast<BlockMXFP4*>(bytes.data()),
                                     bytes.size() / sizeof(BlockMXFP4)};
  fill_random(blocks);
  for (BlockMXFP4& block : blocks) block.e = scale(block.e);
}

// The sum of four uniform numbers (Irwin-Hall), scaled: only additions, so the same everywhere.
float RandomWeights::normal() noexcept {
  constexpr float kMean = 4 * 32767.5f;
  constexpr float kDeviation = 37837.2268f;  // sqrt(4 * (65536^2 - 1) / 12)
  const uint64_t word = rng_.next();
  const auto sum = static_cast<uint32_t>((word & 0xffff) + (word >> 16 & 0xffff) +
                                         (word >> 32 & 0xffff) + (word >> 48));
  return (static_cast<float>(sum) - kMean) / kDeviation;
}

void RandomWeights::fill(float mean, float deviation, std::span<float> out) noexcept {
  for (float& value : out) value = mean + deviation * normal();
}

void RandomWeights::fill(DType type, float deviation, std::span<std::byte> blocks) {
  WATTLE_ASSERT(blocks.size() % dtype_info(type).block_bytes == 0);
  const std::span<uint16_t> halves{reinterpret_cast<uint16_t*>(blocks.data()), blocks.size() / 2};
  switch (type) {
    case DType::f32:
      fill(0.0f, deviation, {reinterpret_cast<float*>(blocks.data()), blocks.size() / 4});
      return;
    case DType::f16:
      for (uint16_t& half : halves) half = f32_to_f16(deviation * normal());
      return;
    case DType::bf16:
      for (uint16_t& half : halves) half = f32_to_bf16(deviation * normal());
      return;
    case DType::q4_0: return fill_blocks<BlockQ4_0>(type, deviation, blocks);
    case DType::q4_1: return fill_blocks<BlockQ4_1>(type, deviation, blocks);
    case DType::q5_0: return fill_blocks<BlockQ5_0>(type, deviation, blocks);
    case DType::q5_1: return fill_blocks<BlockQ5_1>(type, deviation, blocks);
    case DType::q8_0: return fill_blocks<BlockQ8_0>(type, deviation, blocks);
    case DType::q2_k: return fill_blocks<BlockQ2_K>(type, deviation, blocks);
    case DType::q3_k: return fill_blocks<BlockQ3_K>(type, deviation, blocks);
    case DType::q4_k: return fill_blocks<BlockQ4_K>(type, deviation, blocks);
    case DType::q5_k: return fill_blocks<BlockQ5_K>(type, deviation, blocks);
    case DType::q6_k: return fill_blocks<BlockQ6_K>(type, deviation, blocks);
    case DType::iq4_nl: return fill_blocks<BlockIQ4_NL>(type, deviation, blocks);
    case DType::iq4_xs: return fill_blocks<BlockIQ4_XS>(type, deviation, blocks);
    case DType::mxfp4: return fill_blocks<BlockMXFP4>(type, deviation, blocks);
  }
}

}  // namespace wattle::measure
