// SPDX-License-Identifier: Apache-2.0
// Inside of decode.cpp: one block to floats (32 or 256 of them), one overload per type.
#pragma once

#include "quant/blocks.h"

namespace wattle::quant {

void decode_block(const BlockQ4_0& b, float* out) noexcept;  // decode_legacy.cpp
void decode_block(const BlockQ4_1& b, float* out) noexcept;
void decode_block(const BlockQ5_0& b, float* out) noexcept;
void decode_block(const BlockQ5_1& b, float* out) noexcept;
void decode_block(const BlockQ8_0& b, float* out) noexcept;
void decode_block(const BlockQ2_K& b, float* out) noexcept;  // decode_k_quants.cpp
void decode_block(const BlockQ3_K& b, float* out) noexcept;
void decode_block(const BlockQ4_K& b, float* out) noexcept;
void decode_block(const BlockQ5_K& b, float* out) noexcept;
void decode_block(const BlockQ6_K& b, float* out) noexcept;
void decode_block(const BlockIQ4_NL& b, float* out) noexcept;  // decode_iq4.cpp
void decode_block(const BlockIQ4_XS& b, float* out) noexcept;
void decode_block(const BlockMXFP4& b, float* out) noexcept;  // decode_mxfp4.cpp

// Nibble i of a run of 32: byte i % 16, low half first.
inline int nibble32(const uint8_t* qs, int i) noexcept {
  return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
}

}  // namespace wattle::quant
