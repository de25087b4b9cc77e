// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/packed_matrix.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <numeric>

#include "backend/rknpu/layout.h"
#include "backend/rknpu/numerics/hadamard.h"
#include "backend/rknpu/numerics/int4_weights.h"
#include "backend/rknpu/numerics/int8_row.h"
#include "backend/rknpu/numerics/nibble_split.h"

namespace wattle::rknpu {
namespace {

size_t round_up(size_t n, size_t unit) noexcept { return (n + unit - 1) / unit * unit; }

}  // namespace

// One row of W after the other, with the scratch of one thread.
class PackedMatrix::Packer {
 public:
  // out [parts]
  Packer(const kernels::KernelTable& kernels, PackedMatrix& m, const TensorView& w, float scale,
         std::span<std::byte* const> out)
      : kernels_(kernels),
        decode_row_(kernels.decode_row_of(w.dtype)),
        half_runs_(m.arithmetic_ == Arithmetic::w16a16 ? kernels.half_runs_of(w.dtype) : nullptr),
        m_(m),
        w_(w),
        scale_(scale),
        out_(out),
        row_bytes_(wattle::row_bytes(w.dtype, m.n_in_)),
        values_(m.tiles_.n_k()),
        packed_(m.type().row_bytes(static_cast<uint32_t>(m.tiles_.n_k()))) {
    if (m.type().type == MatmulType::i4_i4_i16) codes_.resize(m.tiles_.n_k());
    if (m.arithmetic_ != Arithmetic::w4a8) return;
    scales_.resize(m.tiles_.n);
    mins_.resize(m.tiles_.n);
  }

  // Whether the row is held as it is.
  bool pack(size_t n) {
    const std::byte* const row = w_.data + n * row_bytes_;
    if (half_runs_ != nullptr) return lay_down(row, n);
    if (m_.arithmetic_ == Arithmetic::w4a8) {
      if (!encode_int4(row, n)) return false;
    } else if (!encode(row, n)) {
      return false;
    }
    scatter(n);
    return true;
  }

  void pack_zeros(size_t n) {
    std::ranges::fill(packed_, std::byte{0});
    scatter(n);
  }

 private:
  // Without a row of floats between: a block of the file is a run of 32 columns.
  bool lay_down(const std::byte* row, size_t n) {
    const size_t n_blocks = m_.n_in_ / kKernelColumns;
    const size_t tile = m_.tiles_.size;
    for (size_t t = 0; t < m_.tiles_.n; ++t) {
      const size_t first = t * tile / kKernelColumns;
      const size_t end = std::min((t + 1) * tile / kKernelColumns, n_blocks);
      const Runs runs = runs_of(n, t);
      const float scale =
          half_runs_(row + first * (row_bytes_ / n_blocks), end - first, runs.begin, runs.step);
      if (!std::isfinite(scale)) return false;
      m_.scale_[t * m_.n_columns_ + n] = scale * scale_;
      for (size_t i = end - first; i < tile / kKernelColumns; ++i)
        std::memset(runs.begin + i * runs.step, 0, kKernelColumns * sizeof(uint16_t));
    }
    return true;
  }

  bool encode(const std::byte* row, size_t n) {
    decode_row_(row, values_.data(), m_.n_in_);  // zeros stay behind n_in
    const std::span<float> values(values_);
    if (m_.hadamard_block_ > 1) hadamard(values.first(m_.n_in_), m_.hadamard_block_);
    const size_t tile = m_.tiles_.size;
    for (size_t t = 0; t < m_.tiles_.n; ++t) {
      const auto of_tile = values.subspan(t * tile, tile);
      const float scale = encode_tile(of_tile, t * tile);
      if (!std::isfinite(scale)) return false;
      m_.scale_[t * m_.n_columns_ + n] = scale * scale_;
    }
    if (m_.type().type == MatmulType::i4_i4_i16) pack_int4(codes_, packed_.data());
    return true;
  }

  float encode_tile(std::span<const float> tile, size_t begin) {
    switch (m_.type().type) {
      case MatmulType::i8_i8_i32:
        return to_int8(tile, reinterpret_cast<int8_t*>(packed_.data()) + begin);
      case MatmulType::i4_i4_i16: return to_int4(tile, codes_.data() + begin);
      default:
        return kernels_.to_half(tile.data(), tile.size(),
                                reinterpret_cast<uint16_t*>(packed_.data()) + begin);
    }
  }

  bool encode_int4(const std::byte* row, size_t n) {
    int4_weights(w_.dtype, row, m_.n_in_, codes_.data(), scales_.data(), mins_.data());
    for (size_t t = 0; t < m_.tiles_.n; ++t) {
      const auto codes = std::span(codes_).subspan(t * m_.tiles_.size, m_.tiles_.size);
      if (!std::isfinite(scales_[t]) || !std::isfinite(mins_[t]) ||
          !digit_sum_bounds(codes).fit_int16())
        return false;
      const size_t at = t * m_.n_columns_ + n;
      m_.scale_[at] = scales_[t] * scale_;
      if (!m_.min_.empty()) m_.min_[at] = mins_[t] * scale_;
      m_.code_sum_[at] = static_cast<int16_t>(std::accumulate(codes.begin(), codes.end(), 0));
    }
    pack_int4(codes_, packed_.data());
    return true;
  }

  // 32 elements of a column lie together.
  void scatter(size_t n) {
    switch (m_.type().operand_bits) {
      case 16: return scatter_runs<kKernelColumns * 2>(n);
      case 8: return scatter_runs<kKernelColumns>(n);
      default: return scatter_runs<kKernelColumns / 2>(n);
    }
  }

  // kBytes: of such a run.
  template <size_t kBytes>
  void scatter_runs(size_t n) {
    const std::byte* from = packed_.data();
    for (size_t t = 0; t < m_.tiles_.n; ++t) {
      const Runs runs = runs_of(n, t);
      std::byte* to = runs.begin;
      for (size_t i = 0; i < m_.tiles_.size / kKernelColumns; ++i) {
        std::memcpy(to, from, kBytes);
        from += kBytes;
        to += runs.step;
      }
    }
  }

  // Where the runs of column n and tile t lie: as far apart as a group is wide.
  struct Runs {
    std::byte* begin;
    size_t step;
  };
  Runs runs_of(size_t n, size_t t) const {
    const MatmulTypeInfo& type = m_.type();
    const size_t tile = m_.tiles_.size;
    const auto part = std::prev(std::ranges::upper_bound(m_.parts_, n, {}, &MatrixPart::begin));
    std::byte* const out = out_[static_cast<size_t>(part - m_.parts_.begin())];
    const size_t first = t * tile * part->n + native_b(type, tile, part->n, 0, n - part->begin);
    return {out + first * type.operand_bits / 8,
            type.kernel_group * kKernelColumns * type.operand_bits / 8};
  }

  const kernels::KernelTable& kernels_;
  const kernels::DecodeRowFn decode_row_;
  const kernels::HalfRunsFn half_runs_;  // nullptr: by decode_row_ and to_half
  PackedMatrix& m_;
  const TensorView& w_;
  float scale_;
  std::span<std::byte* const> out_;
  size_t row_bytes_;  // in the file
  std::vector<float> values_;
  std::vector<int8_t> codes_;
  std::vector<float> scales_;
  std::vector<float> mins_;
  std::vector<std::byte> packed_;  // the row in the type of the product
};

PackedMatrix::PackedMatrix(const TensorView& w, Arithmetic arithmetic, const NpuInfo& npu)
    : arithmetic_(arithmetic),
      n_out_(w.shape[0]),
      n_in_(w.shape[1]),
      tiles_(tiles_of(arithmetic, npu.form, n_in_)),
      n_columns_(round_up(n_out_, type().kernel_group)) {
  if (has_hadamard(arithmetic)) hadamard_block_ = rknpu::hadamard_block(n_in_);
  const size_t group = type().kernel_group;
  const size_t n_groups = n_columns_ / group;
  const size_t n_lists = npu.lists_per_submit();
  for (size_t list = 0; list < n_lists; ++list) {
    const size_t begin = list * n_groups / n_lists * group;
    const size_t end = (list + 1) * n_groups / n_lists * group;
    if (begin != end) parts_.push_back({.list = list, .begin = begin, .n = end - begin});
  }
}

std::vector<size_t> PackedMatrix::bytes_needed(const TensorView& w, Arithmetic arithmetic,
                                               const NpuInfo& npu) {
  const PackedMatrix m(w, arithmetic, npu);
  std::vector<size_t> bytes(npu.domains_per_submit);
  for (const MatrixPart& part : m.parts_) bytes[npu.domain_in_set(part.list)] += m.bytes_of(part);
  return bytes;
}

std::optional<PackedMatrix> PackedMatrix::pack(const TensorView& w, float scale,
                                               Arithmetic arithmetic, const NpuInfo& npu,
                                               std::span<const WeightPlace> places,
                                               EngineContext& context) {
  PackedMatrix m(w, arithmetic, npu);
  m.scale_.resize(m.tiles_.n * m.n_columns_);
  if (arithmetic == Arithmetic::w4a8) {
    const auto int4 = *int4_type(w.dtype);
    m.code_offset_ = int4.offset;
    if (int4.has_min) m.min_.resize(m.scale_.size());
    m.code_sum_.resize(m.scale_.size());
  }
  std::vector<std::byte*> out;
  std::vector<size_t> used(places.size());
  for (MatrixPart& part : m.parts_) {
    const size_t domain = npu.domain_in_set(part.list);
    part.address = places[domain].address() + static_cast<uint32_t>(used[domain]);
    out.push_back(places[domain].bytes().data() + used[domain]);
    used[domain] += m.bytes_of(part);
  }
  constexpr size_t kRows = 64;  // of a chunk
  std::atomic<bool> held = true;
  std::vector<Packer> packers(context.pool.size(), Packer(context.kernels, m, w, scale, out));
  context.pool.parallel_for((m.n_out_ + kRows - 1) / kRows, [&](size_t chunk, size_t thread) {
    const size_t end = std::min(m.n_out_, (chunk + 1) * kRows);
    for (size_t n = chunk * kRows; n < end; ++n) {
      if (!packers[thread].pack(n)) held = false;
    }
  });
  for (size_t n = m.n_out_; n < m.n_columns_; ++n) packers.front().pack_zeros(n);
  if (!held) return std::nullopt;
  for (const WeightPlace& place : places) {
    if (place.size != 0) place.buffer->to_device(place.offset, place.size);
  }
  return m;
}

}  // namespace wattle::rknpu
