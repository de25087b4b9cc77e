// SPDX-License-Identifier: Apache-2.0
// The quantised blocks of GGUF, byte for byte. Fields are packed without padding, little-endian;
// f16 fields are raw bits (base/half.h). Only plain structs here, no functions: the ISA files of
// kernels/ include this header. Element i of a block of 32 has its nibble in qs[i % 16], the low
// one for i < 16, the high one for the rest. How each type decodes: one file per family beside.
#pragma once

#include <cstdint>

namespace wattle::quant {

inline constexpr int kBlockElems = 32;        // Q4_0 ... MXFP4
inline constexpr int kSuperBlockElems = 256;  // K-quants and IQ4_XS

// ---- 32 elements ----

struct BlockQ4_0 {  // d * (n - 8)
  uint16_t d;
  uint8_t qs[16];
};

struct BlockQ4_1 {  // d * n + m
  uint16_t d;
  uint16_t m;
  uint8_t qs[16];
};

struct BlockQ5_0 {  // d * ((n | bit i of qh << 4) - 16)
  uint16_t d;
  uint8_t qh[4];  // one little-endian u32, in bytes because a block is only 2-aligned
  uint8_t qs[16];
};

struct BlockQ5_1 {  // d * (n | bit i of qh << 4) + m
  uint16_t d;
  uint16_t m;
  uint8_t qh[4];
  uint8_t qs[16];
};

struct BlockQ8_0 {  // d * qs[i]
  uint16_t d;
  int8_t qs[32];
};

struct BlockIQ4_NL {  // d * kIQ4Values[n]
  uint16_t d;
  uint8_t qs[16];
};

struct BlockMXFP4 {  // 2^(e - 127) * E2M1 value of n
  uint8_t e;
  uint8_t qs[16];
};

// ---- 256 elements: groups of 16 or 32 with small integer scales under one f16 ----

struct BlockQ2_K {  // d * (scales & 15) * q - dmin * (scales >> 4), groups of 16
  uint8_t scales[16];
  uint8_t qs[64];
  uint16_t d;
  uint16_t dmin;
};

struct BlockQ3_K {  // d * sc * q, groups of 16, 6-bit signed sc
  uint8_t hmask[32];
  uint8_t qs[64];
  uint8_t scales[12];
  uint16_t d;
};

struct BlockQ4_K {  // d * sc * q - dmin * m, groups of 32, 6-bit sc and m
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qs[128];
};

struct BlockQ5_K {  // as Q4_K with a fifth bit in qh
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
};

struct BlockQ6_K {  // d * sc * (q - 32), groups of 16, 8-bit signed sc
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  uint16_t d;
};

struct BlockIQ4_XS {  // d * (ls - 32) * kIQ4Values[n], groups of 32
  uint16_t d;
  uint16_t scales_h;
  uint8_t scales_l[4];
  uint8_t qs[128];
};

static_assert(sizeof(BlockQ4_0) == 18 && alignof(BlockQ4_0) == 2);
static_assert(sizeof(BlockQ4_1) == 20 && alignof(BlockQ4_1) == 2);
static_assert(sizeof(BlockQ5_0) == 22 && alignof(BlockQ5_0) == 2);
static_assert(sizeof(BlockQ5_1) == 24 && alignof(BlockQ5_1) == 2);
static_assert(sizeof(BlockQ8_0) == 34 && alignof(BlockQ8_0) == 2);
static_assert(sizeof(BlockIQ4_NL) == 18 && alignof(BlockIQ4_NL) == 2);
static_assert(sizeof(BlockMXFP4) == 17 && alignof(BlockMXFP4) == 1);
static_assert(sizeof(BlockQ2_K) == 84 && alignof(BlockQ2_K) == 2);
static_assert(sizeof(BlockQ3_K) == 110 && alignof(BlockQ3_K) == 2);
static_assert(sizeof(BlockQ4_K) == 144 && alignof(BlockQ4_K) == 2);
static_assert(sizeof(BlockQ5_K) == 176 && alignof(BlockQ5_K) == 2);
static_assert(sizeof(BlockQ6_K) == 210 && alignof(BlockQ6_K) == 2);
static_assert(sizeof(BlockIQ4_XS) == 136 && alignof(BlockIQ4_XS) == 2);

// Values of the 16 codes of IQ4_NL and IQ4_XS.
inline constexpr int8_t kIQ4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

// Twice the values of the 16 codes of MXFP4 (E2M1), so that they are integers.
inline constexpr int8_t kMXFP4DoubledValues[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                                   0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace wattle::quant
