// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/pack.h"

#include <algorithm>
#include <cstring>

#include "backend/rknpu/layout.h"
#include "base/half.h"

namespace wattle::rknpu {
namespace {

size_t rows_of_plane(const Matmul& matmul, Orientation orientation) {
  return orientation == Orientation::native ? native_plane_rows(matmul.m) : matmul.m;
}

// `out` is zero before the first element of its byte is stored.
void store(const MatmulTypeInfo& type, std::span<std::byte> out, size_t at, float value) {
  if (type.is_float) {
    const uint16_t half = f32_to_f16(value);
    std::memcpy(&out[2 * at], &half, sizeof half);
  } else if (type.operand_bits == 8) {
    out[at] = static_cast<std::byte>(static_cast<int8_t>(value));
  } else {
    const auto bits = static_cast<uint8_t>(static_cast<int>(value) & 15);
    out[at / 2] |= static_cast<std::byte>(at % 2 == 0 ? bits << 4 : bits);
  }
}

template <class Value>
Value load(std::span<const std::byte> bytes, size_t at) {
  Value value;
  std::memcpy(&value, &bytes[at * sizeof value], sizeof value);
  return value;
}

double load(MatmulType type, std::span<const std::byte> c, size_t at) {
  switch (type) {
    case MatmulType::f16_f16_f32: return load<float>(c, at);
    case MatmulType::f16_f16_f16: return f16_to_f32(load<uint16_t>(c, at));
    case MatmulType::i8_i8_i32: return load<int32_t>(c, at);
    case MatmulType::i4_i4_i16: return load<int16_t>(c, at);
  }
  return 0;
}

}  // namespace

size_t bytes_of_a(const Matmul& matmul, Orientation orientation) noexcept {
  return rows_of_plane(matmul, orientation) * info(matmul.type).row_bytes(matmul.k);
}

size_t bytes_of_b(const Matmul& matmul) noexcept {
  return size_t{matmul.n} * info(matmul.type).row_bytes(matmul.k);
}

size_t bytes_of_c(const Matmul& matmul, Orientation orientation) noexcept {
  return rows_of_plane(matmul, orientation) * matmul.n * info(matmul.type).output_bytes;
}

void pack_a(const Matmul& matmul, Orientation orientation, std::span<const float> a,
            std::span<std::byte> out) {
  const MatmulTypeInfo& type = info(matmul.type);
  const size_t plane = rows_of_plane(matmul, orientation);
  std::ranges::fill(out, std::byte{0});
  for (size_t m = 0; m < matmul.m; ++m) {
    for (size_t k = 0; k < matmul.k; ++k) {
      const size_t row_major = m * matmul.k + k;
      const size_t at =
          orientation == Orientation::row_major ? row_major : native_a(type, plane, m, k);
      store(type, out, at, a[row_major]);
    }
  }
}

void pack_b(const Matmul& matmul, std::span<const float> b, std::span<std::byte> out) {
  const MatmulTypeInfo& type = info(matmul.type);
  std::ranges::fill(out, std::byte{0});
  for (size_t n = 0; n < matmul.n; ++n) {
    for (size_t k = 0; k < matmul.k; ++k)
      store(type, out, native_b(type, matmul.k, matmul.n, k, n), b[n * matmul.k + k]);
  }
}

void unpack_c(const Matmul& matmul, Orientation orientation, std::span<const std::byte> c,
              std::span<double> out) {
  const MatmulTypeInfo& type = info(matmul.type);
  const size_t plane = rows_of_plane(matmul, orientation);
  for (size_t m = 0; m < matmul.m; ++m) {
    for (size_t n = 0; n < matmul.n; ++n) {
      const size_t row_major = m * matmul.n + n;
      const size_t at =
          orientation == Orientation::row_major ? row_major : native_c(type, plane, m, n);
      out[row_major] = load(matmul.type, c, at);
    }
  }
}

}  // namespace wattle::rknpu
