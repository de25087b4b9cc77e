// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/product_runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <utility>

namespace wattle::rknpu {
namespace {

constexpr size_t kMaxRows = 512;  // of x, packed at once
constexpr std::chrono::seconds kTimeout{10};

}  // namespace

// What of a run is still to be computed. Whatever it makes anew lies beside what the last round
// uses: that one may be running.
class ProductRunner::Call {
 public:
  Call(ProductRunner& runner, MatView<const float> x, std::span<const uint32_t> x_row,
       std::span<const RowRange> groups, std::span<const NpuProduct> products)
      : runner_(runner),
        x_(x),
        x_row_(x_row),
        groups_(groups),
        products_(products),
        in_piece_(groups.size()),
        work_(runner.device_.info().lists_per_submit()) {
    for (const NpuProduct& product : products) {
      const PackedMatrix& w = *product.w;
      step_ = std::min(step_,
                       Round::rows_at_once(w.arithmetic(), w.tiles(), runner.device_.info().form));
    }
  }

  // The next round; false: all have been made.
  bool make(Round& round) {
    while (std::ranges::all_of(work_, [](const auto& of_list) { return of_list.empty(); })) {
      if (!next_piece()) return false;
      for (const NpuProduct& product : products_) add(product);
    }
    round.make(work_);
    return true;
  }

 private:
  // Rows [begin_, end_): whole groups, where they are not larger than what fits.
  bool next_piece() {
    const size_t done = end_;
    const auto first =
        std::ranges::find_if(groups_, [&](const RowRange& group) { return group.end > done; });
    if (first == groups_.end()) return false;
    begin_ = std::max(done, first->begin);
    end_ = std::min(begin_ + step_, groups_.back().end);
    for (const RowRange& group : groups_) {
      if (group.begin > begin_ && group.begin < end_ && end_ < group.end) end_ = group.begin;
    }
    for (size_t g = 0; g < groups_.size(); ++g) {
      in_piece_[g] = {std::clamp(groups_[g].begin, begin_, end_) - begin_,
                      std::clamp(groups_[g].end, begin_, end_) - begin_};
    }
    inputs_ = &runner_.inputs_[n_pieces_++ % 2];
    pack_rows();
    return true;
  }

  void pack_rows() {
    const bool is_indexed = !x_row_.empty();
    const MatView<const float> x = is_indexed ? x_ : x_.rows({begin_, end_});
    const auto x_row = is_indexed ? x_row_.subspan(begin_, end_ - begin_) : x_row_;
    std::array<bool, kArithmetics.size()> is_packed{};
    for (const NpuProduct& product : products_) {
      const auto arithmetic = static_cast<size_t>(product.w->arithmetic());
      if (std::exchange(is_packed[arithmetic], true)) continue;
      NpuInput& in = (*inputs_)[arithmetic];
      const std::span<std::byte> out = in.buffers.front()->bytes();
      const size_t n =
          in.rows.pack(x, x_row, in_piece_, product.w->hadamard_block(), out, runner_.context_);
      for (const auto& buffer : in.buffers) {
        if (buffer != in.buffers.front()) std::memcpy(buffer->bytes().data(), out.data(), n);
        buffer->to_device(0, n);
      }
    }
  }

  void add(const NpuProduct& product) {
    if (in_piece_[product.group].size() == 0) return;
    for (const MatrixPart& part : product.w->parts()) {
      work_[part.list].push_back(
          {.w = product.w,
           .y = product.y,
           .first_row = begin_,
           .input = &(*inputs_)[static_cast<size_t>(product.w->arithmetic())],
           .group = product.group,
           .part = part});
    }
  }

  ProductRunner& runner_;
  MatView<const float> x_;
  std::span<const uint32_t> x_row_;
  std::span<const RowRange> groups_;
  std::span<const NpuProduct> products_;
  size_t step_ = kMaxRows;  // rows of a piece
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t n_pieces_ = 0;
  std::vector<RowRange> in_piece_;            // the groups, counted from begin_
  Inputs* inputs_ = nullptr;                  // of the piece
  std::vector<std::vector<RoundWork>> work_;  // [lists] of the piece, not in a round yet
};

ProductRunner::Inputs ProductRunner::make_inputs(Form form) {
  Inputs inputs;
  for (const Arithmetic arithmetic : kArithmetics)
    inputs.push_back({InputRows(arithmetic, form), {}});
  return inputs;
}

ProductRunner::ProductRunner(NpuDevice& device, SubmitThread& submits, EngineContext& context,
                             uint32_t set)
    : device_(device),
      submits_(submits),
      context_(context),
      set_(set),
      inputs_{make_inputs(device.info().form), make_inputs(device.info().form)},
      rounds_{Round(device, set), Round(device, set)} {}

void ProductRunner::reserve(Arithmetic arithmetic, size_t n_in, size_t max_rows, size_t min_group) {
  const size_t n_rows = std::min(max_rows, kMaxRows);
  const size_t n_groups = n_rows / min_group + 2;  // 2: cut by the first and the last row
  const NpuInfo& npu = device_.info();
  for (Inputs& inputs : inputs_) {
    NpuInput& input = inputs[static_cast<size_t>(arithmetic)];
    input.rows.reserve(n_rows, n_groups, n_in, context_.pool.size());
    const size_t needed = input.rows.bytes_needed();
    if (input.buffers.size() == npu.domains_per_submit &&
        input.buffers.front()->bytes().size() >= needed)
      continue;
    input.buffers.clear();
    for (uint32_t i = 0; i < npu.domains_per_submit; ++i)
      input.buffers.push_back(device_.allocate(needed, set_ * npu.domains_per_submit + i));
  }
}

void ProductRunner::run(MatView<const float> x, std::span<const uint32_t> x_row,
                        std::span<const RowRange> groups, std::span<const NpuProduct> products,
                        OtherWork* other) {
  try {
    Call call(*this, x, x_row, groups, products);
    Round* running = nullptr;
    for (size_t n = 0;; ++n) {
      Round& next = rounds_[n % 2];
      const bool has_next = call.make(next);
      if (running != nullptr) {
        while (other != nullptr && submits_.is_running() && other->do_piece()) {
        }
        submits_.wait();
      }
      if (has_next) submits_.start(next.lists(), kTimeout);
      if (running != nullptr) {
        running->read(context_.pool);
        ++n_done_;
      }
      if (!has_next) return;
      running = &next;
    }
  } catch (...) {
    try {
      submits_.wait();                 // what runs uses our buffers
    } catch (const std::exception&) {  // the first error is the one to tell; a fault shows again
    }
    throw;
  }
}

}  // namespace wattle::rknpu
