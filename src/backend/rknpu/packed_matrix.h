// SPDX-License-Identifier: Apache-2.0
// A matrix W [n_out, n_in] in the memory of the NPU, as the B of a product: column n of B is row n
// of W. Every list of a submit has a part of the columns, in its domain. A part is n_tiles blocks
// of native layout, one after the other, each of (tile, columns of the part).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backend/rknpu/numerics/arithmetic.h"
#include "backend/rknpu/weight_memory.h"
#include "kernels/engine_context.h"
#include "tensor/view.h"

namespace wattle::rknpu {

// Columns of a list, from `begin` on; behind the last output of W there may be some of zeros.
struct MatrixPart {
  size_t list = 0;  // number of it in a submit
  size_t begin = 0;
  size_t n = 0;  // a multiple of the type's kernel group
  uint32_t address = 0;
};

class PackedMatrix {
 public:
  // Bytes that W takes in each domain of a set of `npu`; there may be domains without any.
  static std::vector<size_t> bytes_needed(const TensorView& w, Arithmetic arithmetic,
                                          const NpuInfo& npu);

  // Packs W, [n_out, n_in] of any type (w4a8: of those with an Int4Type), into `places`, of
  // bytes_needed, and syncs them. scale: of the product. Nothing where the arithmetic does not hold
  // W as it is: an element is not finite, or a column of w4a8 has no certificate.
  static std::optional<PackedMatrix> pack(const TensorView& w, float scale, Arithmetic arithmetic,
                                          const NpuInfo& npu, std::span<const WeightPlace> places,
                                          EngineContext& context);

  Arithmetic arithmetic() const noexcept { return arithmetic_; }
  const MatmulTypeInfo& type() const noexcept { return info(matmul_type_of(arithmetic_)); }
  size_t n_out() const noexcept { return n_out_; }
  size_t n_in() const noexcept { return n_in_; }
  KTiles tiles() const noexcept { return tiles_; }
  std::span<const MatrixPart> parts() const noexcept { return parts_; }
  size_t hadamard_block() const noexcept { return hadamard_block_; }  // 1: none

  // Of tile t, each [columns of all parts]; 0 for columns behind n_out.
  std::span<const float> scales(size_t t) const noexcept { return row(scale_, t); }
  // w4a8: W = scale * (code + code_offset) + min; mins is empty where there are none.
  std::span<const float> mins(size_t t) const noexcept {
    return min_.empty() ? std::span<const float>() : row(min_, t);
  }
  std::span<const int16_t> code_sums(size_t t) const noexcept { return row(code_sum_, t); }
  int code_offset() const noexcept { return code_offset_; }

 private:
  class Packer;
  // Sizes and parts alone.
  PackedMatrix(const TensorView& w, Arithmetic arithmetic, const NpuInfo& npu);
  size_t bytes_of(const MatrixPart& part) const noexcept {
    return part.n * (tiles_.n_k() * type().operand_bits / 8);
  }

  template <class T>
  std::span<const T> row(const std::vector<T>& values, size_t t) const noexcept {
    return std::span(values).subspan(t * n_columns_, n_columns_);
  }

  Arithmetic arithmetic_;
  size_t n_out_;
  size_t n_in_;
  KTiles tiles_;
  size_t n_columns_;
  size_t hadamard_block_ = 1;
  int code_offset_ = 0;
  std::vector<MatrixPart> parts_;
  std::vector<float> scale_;       // [tiles, columns]
  std::vector<float> min_;         // w4a8, where the type has them
  std::vector<int16_t> code_sum_;  // w4a8
};

}  // namespace wattle::rknpu
