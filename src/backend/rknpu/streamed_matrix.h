// SPDX-License-Identifier: Apache-2.0
// A matrix that is not held in the memory of the NPU: it is packed while products with it are
// computed, some outputs after the others.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "backend/rknpu/packed_matrix.h"

namespace wattle::rknpu {

// Bytes that one slice of a streamed matrix may take on the NPU, in each domain of a set: large
// enough for an expert of Gemma 4 26B-A4B in f16, so that a submit is a small part of its time.
size_t slice_bytes(const NpuInfo& npu) noexcept;

class StreamedMatrix {
 public:
  // w is [n_out, n_in] of a type that `arithmetic` takes, and must stay valid. scale: of the
  // product. Throws Error{unsupported} where the columns of a kernel group do not fit a slice.
  StreamedMatrix(const TensorView& w, float scale, Arithmetic arithmetic, const NpuInfo& npu);

  Arithmetic arithmetic() const noexcept { return arithmetic_; }
  KTiles tiles() const noexcept { return tiles_; }
  size_t hadamard_block() const noexcept { return hadamard_block_; }  // 1: none
  size_t n_out() const noexcept { return w_.shape[0]; }

  // Outputs from `begin` on that are packed at once: slices are about as large as each other.
  RowRange slice(size_t begin) const noexcept {
    return {begin, std::min(begin + slice_outputs_, n_out())};
  }
  // Of a slice, in each domain of a set of `npu`.
  std::vector<size_t> bytes_needed(RowRange outputs, const NpuInfo& npu) const;
  // W [outputs, n_in] as PackedMatrix::pack has it; the same bits whichever outputs are packed
  // together. Throws Error{unsupported} where the arithmetic does not hold them as they are.
  PackedMatrix pack(RowRange outputs, const NpuInfo& npu, std::span<const WeightPlace> places,
                    EngineContext& context) const;

 private:
  TensorView w_;
  float scale_;
  Arithmetic arithmetic_;
  KTiles tiles_;
  size_t hadamard_block_;
  size_t slice_outputs_ = 0;
};

}  // namespace wattle::rknpu
