// SPDX-License-Identifier: Apache-2.0
// 16-bit floats to and from f32, in portable integer code that agrees bit for bit with the F16C and
// NEON conversions. For scalar code; the ISA files use their own instructions.
#pragma once

#include <bit>
#include <cstdint>

namespace wattle {

// Exact for every input; a signalling NaN becomes quiet.
constexpr float f16_to_f32(uint16_t h) noexcept {
  const uint32_t sign = (h & 0x8000u) << 16;
  const uint32_t magnitude = h & 0x7fffu;
  if (magnitude >= 0x7c00u) {  // infinity or NaN
    const uint32_t quiet = magnitude > 0x7c00u ? 0x00400000u : 0;
    return std::bit_cast<float>(sign | 0x7f800000u | quiet | (magnitude & 0x3ffu) << 13);
  }
  // In f32's place the fields are worth 2^-112 of what they mean in f16, subnormals included.
  const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
}

// Rounds to nearest, ties to even; overflow gives infinity.
constexpr uint16_t f32_to_f16(float f) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(f);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half = 0;
  if (magnitude > 0x7f800000u) {  // NaN keeps the top of its payload
    half = 0x7e00u | (magnitude >> 13 & 0x3ffu);
  } else if (magnitude >= 0x477ff000u) {  // 65520 and more round to 2^16
    half = 0x7c00u;
  } else if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24, which is the last
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;  // place of [0.5, 1)
    half = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5f);
  } else {
    const uint32_t even = magnitude >> 13 & 1u;
    half = (magnitude - (112u << 23) + 0xfffu + even) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

constexpr float bf16_to_f32(uint16_t h) noexcept {
  return std::bit_cast<float>(static_cast<uint32_t>(h) << 16);
}

// Rounds to nearest, ties to even; a NaN stays one, quiet.
constexpr uint16_t f32_to_bf16(float f) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(f);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace wattle
