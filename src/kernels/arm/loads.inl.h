// SPDX-License-Identifier: Apache-2.0
// Loads for which GCC 12 needs more than the one instruction there is: those that move their
// pointer on to what follows, and those of two vectors.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace wattle::kernels::arm {
namespace {

#define WATTLE_INLINE [[gnu::always_inline]] inline

using Bytes = const uint8_t*;

// In the low lanes, zeros above.
WATTLE_INLINE uint8x16_t next_1(Bytes& at) {
  Bytes p = at;
  uint8x16_t v;
  asm("ldr %b0, [%1], #1" : "=w"(v), "+r"(p) : "m"(*at));
  at = p;
  return v;
}
WATTLE_INLINE uint16x8_t next_2(Bytes& at) {
  Bytes p = at;
  uint16x8_t v;
  asm("ldr %h0, [%1], #2" : "=w"(v), "+r"(p) : "m"(*reinterpret_cast<const uint8_t(*)[2]>(at)));
  at = p;
  return v;
}
WATTLE_INLINE uint32x4_t next_4(Bytes& at) {
  Bytes p = at;
  uint32x4_t v;
  asm("ldr %s0, [%1], #4" : "=w"(v), "+r"(p) : "m"(*reinterpret_cast<const uint8_t(*)[4]>(at)));
  at = p;
  return v;
}
WATTLE_INLINE uint8x16_t next_8(Bytes& at) {
  Bytes p = at;
  uint8x16_t v;
  asm("ldr %d0, [%1], #8" : "=w"(v), "+r"(p) : "m"(*reinterpret_cast<const uint8_t(*)[8]>(at)));
  at = p;
  return v;
}

// To one lane of v.
template <int kLane>
WATTLE_INLINE uint8x16_t next_lane(Bytes& at, uint8x16_t v) {
  Bytes p = at;
  asm("ld1 {%0.b}[%2], [%1], #1" : "+w"(v), "+r"(p) : "i"(kLane), "m"(*at));
  at = p;
  return v;
}
template <int kLane>
WATTLE_INLINE uint16x8_t next_lane(Bytes& at, uint16x8_t v) {
  Bytes p = at;
  asm("ld1 {%0.h}[%2], [%1], #2"
      : "+w"(v), "+r"(p)
      : "i"(kLane), "m"(*reinterpret_cast<const uint8_t(*)[2]>(at)));
  at = p;
  return v;
}
template <int kLane>
WATTLE_INLINE uint32x4_t next_lane(Bytes& at, uint32x4_t v) {
  Bytes p = at;
  asm("ld1 {%0.s}[%2], [%1], #4"
      : "+w"(v), "+r"(p)
      : "i"(kLane), "m"(*reinterpret_cast<const uint8_t(*)[4]>(at)));
  at = p;
  return v;
}

WATTLE_INLINE uint8x16_t next_16(Bytes& at) {
  Bytes p = at;
  uint8x16_t v;
  asm("ldr %q0, [%1], #16" : "=w"(v), "+r"(p) : "m"(*reinterpret_cast<const uint8_t(*)[16]>(at)));
  at = p;
  return v;
}
WATTLE_INLINE uint8x16x2_t next_32(Bytes& at) {
  Bytes p = at;
  uint8x16_t low, high;
  asm("ldp %q0, %q1, [%2], #32"
      : "=w"(low), "=w"(high), "+r"(p)
      : "m"(*reinterpret_cast<const uint8_t(*)[32]>(at)));
  at = p;
  return {{low, high}};
}

// kOffset: bytes from `at`, a multiple of 16.
template <int kOffset>
WATTLE_INLINE uint8x16x2_t load_32(const void* at) {
  static_assert(kOffset % 16 == 0 && kOffset >= 0 && kOffset < 1024);
  uint8x16_t low, high;
  const auto* bytes = static_cast<Bytes>(at);
  asm("ldp %q0, %q1, [%2, %3]"
      : "=w"(low), "=w"(high)
      : "r"(bytes), "i"(kOffset), "m"(*reinterpret_cast<const uint8_t(*)[kOffset + 32]>(bytes)));
  return {{low, high}};
}

}  // namespace
}  // namespace wattle::kernels::arm
