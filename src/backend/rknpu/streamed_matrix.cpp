// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/streamed_matrix.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/rknpu/numerics/hadamard.h"
#include "base/aligned_buffer.h"
#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kSliceBytes = size_t{8} << 20;  // in all domains

size_t ceil_div(size_t a, size_t b) noexcept { return (a + b - 1) / b; }

TensorView rows_of(const TensorView& w, RowRange rows) noexcept {
  TensorView some = w;
  const size_t row_bytes = wattle::row_bytes(w.dtype, w.shape[1]);
  some.shape[0] = rows.size();
  if (w.data != nullptr) some.data += rows.begin * row_bytes;  // a plan is made from a header alone
  some.size_bytes = rows.size() * row_bytes;
  return some;
}

}  // namespace

size_t slice_bytes(const NpuInfo& npu) noexcept {
  return ceil_div(kSliceBytes / kCacheLine, npu.domains_per_submit) * kCacheLine;
}

StreamedMatrix::StreamedMatrix(const TensorView& w, float scale, Arithmetic arithmetic,
                               const NpuInfo& npu)
    : w_(w),
      scale_(scale),
      arithmetic_(arithmetic),
      tiles_(tiles_of(arithmetic, npu.form, w.shape[1])),
      hadamard_block_(has_hadamard(arithmetic) ? rknpu::hadamard_block(w.shape[1]) : 1) {
  const MatmulTypeInfo& type = info(matmul_type_of(arithmetic));
  const size_t n_lists = npu.lists_per_submit();
  const size_t lists_of_domain = std::min<size_t>(n_lists, npu.lists_per_domain);
  const size_t group_bytes =
      type.kernel_group * type.row_bytes(static_cast<uint32_t>(tiles_.n_k()));
  // So many columns that each list has as many groups as the others.
  const size_t unit = type.kernel_group * n_lists;
  const size_t most = slice_bytes(npu) / lists_of_domain / group_bytes * unit;
  if (most == 0) {
    throw Error(ErrorCode::unsupported,
                fmt::format("a kernel group of {} bytes is too large to be streamed", group_bytes));
  }
  slice_outputs_ = ceil_div(ceil_div(n_out(), ceil_div(n_out(), most)), unit) * unit;
}

std::vector<size_t> StreamedMatrix::bytes_needed(RowRange outputs, const NpuInfo& npu) const {
  return PackedMatrix::bytes_needed(rows_of(w_, outputs), arithmetic_, npu);
}

PackedMatrix StreamedMatrix::pack(RowRange outputs, const NpuInfo& npu,
                                  std::span<const WeightPlace> places,
                                  EngineContext& context) const {
  auto packed = PackedMatrix::pack(rows_of(w_, outputs), scale_, arithmetic_, npu, places, context);
  if (packed) return *std::move(packed);
  throw Error(ErrorCode::unsupported,
              fmt::format("{} does not hold {} as it is", name_of(arithmetic_), w_.name));
}

}  // namespace wattle::rknpu
