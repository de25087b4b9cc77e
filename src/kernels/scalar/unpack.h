// SPDX-License-Identifier: Apache-2.0
// Every quantised block as small integers: element i of a block is
//   scale[i / group] * q[i] + min[i / group]
// with q exact in int8 and scale, min exact in f32. Inside of scalar/matmul.cpp.
#pragma once

#include <cstdint>

#include "quant/blocks.h"

namespace wattle::kernels::scalar {

struct Unpacked {
  int8_t q[quant::kSuperBlockElems];
  float scale[16];
  float min[16];
};

template <class Block>
struct Shape {  // of the 32-element types
  static constexpr int kElems = 32;
  static constexpr int kGroup = 32;
};

template <int kGroupElems>
struct SuperBlockShape {
  static constexpr int kElems = quant::kSuperBlockElems;
  static constexpr int kGroup = kGroupElems;
};

template <>
struct Shape<quant::BlockQ2_K> : SuperBlockShape<16> {};
template <>
struct Shape<quant::BlockQ3_K> : SuperBlockShape<16> {};
template <>
struct Shape<quant::BlockQ4_K> : SuperBlockShape<32> {};
template <>
struct Shape<quant::BlockQ5_K> : SuperBlockShape<32> {};
template <>
struct Shape<quant::BlockQ6_K> : SuperBlockShape<16> {};
template <>
struct Shape<quant::BlockIQ4_XS> : SuperBlockShape<32> {};

void unpack(const quant::BlockQ4_0& b, Unpacked& out) noexcept;
void unpack(const quant::BlockQ4_1& b, Unpacked& out) noexcept;
void unpack(const quant::BlockQ5_0& b, Unpacked& out) noexcept;
void unpack(const quant::BlockQ5_1& b, Unpacked& out) noexcept;
void unpack(const quant::BlockQ8_0& b, Unpacked& out) noexcept;
void unpack(const quant::BlockQ2_K& b, Unpacked& out) noexcept;
void unpack(const quant::BlockQ3_K& b, Unpacked& out) noexcept;
void unpack(const quant::BlockQ4_K& b, Unpacked& out) noexcept;
void unpack(const quant::BlockQ5_K& b, Unpacked& out) noexcept;
void unpack(const quant::BlockQ6_K& b, Unpacked& out) noexcept;
void unpack(const quant::BlockIQ4_NL& b, Unpacked& out) noexcept;
void unpack(const quant::BlockIQ4_XS& b, Unpacked& out) noexcept;
void unpack(const quant::BlockMXFP4& b, Unpacked& out) noexcept;

}  // namespace wattle::kernels::scalar
