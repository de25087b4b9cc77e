// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/product_runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <utility>

namespace wattle::rknpu {
namespace {

constexpr std::chrono::seconds kTimeout{10};

// In a piece: the first and the last one may be cut.
constexpr size_t groups_of(size_t n_rows, size_t min_group) noexcept {
  return n_rows / min_group + 2;
}

KTiles tiles_of(const NpuMatrix& w) noexcept {
  return std::visit([](const auto* matrix) { return matrix->tiles(); }, w);
}

size_t hadamard_block_of(const NpuMatrix& w) noexcept {
  return std::visit([](const auto* matrix) { return matrix->hadamard_block(); }, w);
}

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
        next_(products.size()),
        in_piece_(groups.size()),
        work_(runner.device_.info().lists_per_submit()) {
    for (const NpuProduct& product : products) {
      step_ = std::min(step_, Round::rows_at_once(arithmetic_of(product.w), tiles_of(product.w),
                                                  runner.device_.info().form));
    }
  }

  // The next round; false: all have been made.
  bool make(Round& round) {
    while (std::ranges::all_of(work_, [](const auto& of_list) { return of_list.empty(); })) {
      if (!stream() && !next_piece()) return false;
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
    const auto has_rows = [&](const NpuProduct& product) {
      return in_piece_[product.group].size() != 0;
    };
    if (std::ranges::none_of(products_, has_rows)) return true;  // a round may have the inputs
    inputs_ = &runner_.inputs_[n_pieces_++ % kRoundsAtOnce];
    pack_rows();
    // The NPU begins with what it holds: the processor packs the rest meanwhile.
    for (const NpuProduct& product : products_) {
      if (const auto* w = std::get_if<const PackedMatrix*>(&product.w)) add(product, **w, 0);
    }
    next_ = 0;
    return true;
  }

  // Fills a slot of the ring with what follows of the streamed matrices; false: all of the piece
  // has been. Only called when no work is left: so what runs uses the slot that was filled last,
  // and rounds with the one before have been read.
  bool stream() {
    bool is_filled = false;
    for (; next_ < products_.size(); ++next_, next_output_ = 0) {
      const NpuProduct& product = products_[next_];
      const auto* w = std::get_if<const StreamedMatrix*>(&product.w);
      if (w == nullptr || in_piece_[product.group].size() == 0) continue;
      while (next_output_ < (*w)->n_out()) {
        if (!std::exchange(is_filled, true)) runner_.ring_->turn();
        const RowRange outputs = (*w)->slice(next_output_);
        const PackedMatrix* const slice = runner_.ring_->pack(**w, outputs, runner_.context_);
        if (slice == nullptr) return true;
        add(product, *slice, outputs.begin);
        next_output_ = outputs.end;
      }
    }
    return is_filled;
  }

  void pack_rows() {
    const bool is_indexed = !x_row_.empty();
    const MatView<const float> x = is_indexed ? x_ : x_.rows({begin_, end_});
    const auto x_row = is_indexed ? x_row_.subspan(begin_, end_ - begin_) : x_row_;
    std::array<bool, kArithmetics.size()> is_packed{};
    for (const NpuProduct& product : products_) {
      const auto arithmetic = static_cast<size_t>(arithmetic_of(product.w));
      if (std::exchange(is_packed[arithmetic], true)) continue;
      NpuInput& in = (*inputs_)[arithmetic];
      const std::span<std::byte> out = in.buffers.front()->bytes();
      const size_t n =
          in.rows.pack(x, x_row, in_piece_, hadamard_block_of(product.w), out, runner_.context_);
      for (const auto& buffer : in.buffers) {
        if (buffer != in.buffers.front()) std::memcpy(buffer->bytes().data(), out.data(), n);
        buffer->to_device(0, n);
      }
    }
  }

  // w: the matrix of the product, or outputs of it from y_column on.
  void add(const NpuProduct& product, const PackedMatrix& w, size_t y_column) {
    if (in_piece_[product.group].size() == 0) return;
    for (const MatrixPart& part : w.parts()) {
      work_[part.list].push_back({.w = &w,
                                  .y = product.y,
                                  .first_row = begin_,
                                  .y_column = y_column,
                                  .input = &(*inputs_)[static_cast<size_t>(w.arithmetic())],
                                  .group = product.group,
                                  .part = part});
    }
  }

  ProductRunner& runner_;
  MatView<const float> x_;
  std::span<const uint32_t> x_row_;
  std::span<const RowRange> groups_;
  std::span<const NpuProduct> products_;
  size_t step_ = kRoundRows;  // rows of a piece
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t n_pieces_ = 0;
  size_t next_;                     // product of the piece that may be streamed, and the first
  size_t next_output_ = 0;          // of its outputs that was not
  std::vector<RowRange> in_piece_;  // the groups, counted from begin_
  Inputs* inputs_ = nullptr;        // of the piece
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

size_t ProductRunner::input_bytes(Arithmetic arithmetic, Form form, size_t n_in, size_t max_rows,
                                  size_t min_group) noexcept {
  const size_t n_rows = std::min(max_rows, kRoundRows);
  return InputRows::bytes_needed(arithmetic, form, n_rows, groups_of(n_rows, min_group), n_in);
}

void ProductRunner::reserve(Arithmetic arithmetic, size_t n_in, size_t max_rows, size_t min_group) {
  const NpuInfo& npu = device_.info();
  const size_t needed = input_bytes(arithmetic, npu.form, n_in, max_rows, min_group);
  for (Inputs& inputs : inputs_) {
    NpuInput& input = inputs[static_cast<size_t>(arithmetic)];
    if (input.buffers.empty() || input.buffers.front()->bytes().size() < needed) {
      // All of them before one is let go: matrices that are here already need those there are.
      std::vector<std::unique_ptr<NpuBuffer>> buffers;
      buffers.reserve(npu.domains_per_submit);
      for (uint32_t i = 0; i < npu.domains_per_submit; ++i)
        buffers.push_back(device_.allocate(needed, set_ * npu.domains_per_submit + i));
      input.buffers = std::move(buffers);
    }
    input.rows.reserve(std::min(max_rows, kRoundRows), n_in, context_.pool.size());
  }
}

void ProductRunner::reserve_ring() {
  if (!ring_) ring_.emplace(device_, set_);
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
