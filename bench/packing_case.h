// SPDX-License-Identifier: Apache-2.0
// A matrix that is packed for the NPU as one that is streamed is: what kernels and caches do is
// that of a board, but its buffer is plain memory.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "backend/rknpu/npu_device.h"
#include "backend/rknpu/streamed_matrix.h"
#include "base/aligned_buffer.h"
#include "kernels/engine_context.h"
#include "tests/support/random_blocks.h"

namespace wattle::bench {

class PackingCase {
 public:
  // [n_out, n_in] random weights, in f16 in one slice.
  PackingCase(DType type, size_t n_out, size_t n_in, ContextOptions options)
      : context_(std::move(options)), blocks_(test::RandomBlocks(1).rows(type, n_out, n_in)) {
    const TensorView w{.name = "w",
                       .dtype = type,
                       .n_dims = 2,
                       .shape = {n_out, n_in, 1, 1},
                       .data = blocks_.data(),
                       .size_bytes = blocks_.size()};
    matrix_ = std::make_unique<rknpu::StreamedMatrix>(w, 1.0f, rknpu::Arithmetic::w16a16, npu_);
    places_.push_back({&buffer_, 0, matrix_->bytes_needed({0, n_out}, npu_).front()});
  }

  void pack() { static_cast<void>(matrix_->pack({0, matrix_->n_out()}, npu_, places_, context_)); }
  size_t bytes_written() const { return places_.front().size; }
  size_t n_weights() const { return bytes_written() / 2; }

 private:
  class Buffer final : public rknpu::NpuBuffer {
   public:
    explicit Buffer(AlignedBuffer<std::byte>& memory) : NpuBuffer(memory.span(), 4096, 0) {}
    void to_device(size_t, size_t) override {}
    void from_device(size_t, size_t) override {}
  };

  const rknpu::NpuInfo npu_{.driver = "none",
                            .version = "",
                            .n_cores = 3,
                            .n_domains = 1,
                            .lists_per_domain = 3,
                            .domains_per_submit = 1};
  EngineContext context_;
  AlignedBuffer<std::byte> blocks_;
  AlignedBuffer<std::byte> memory_{rknpu::slice_bytes(npu_)};
  Buffer buffer_{memory_};
  std::vector<rknpu::WeightPlace> places_;
  std::unique_ptr<rknpu::StreamedMatrix> matrix_;
};

}  // namespace wattle::bench
