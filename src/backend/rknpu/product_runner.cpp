// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/product_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "backend/rknpu/layout.h"
#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/program.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kOutputBytes = size_t{8} << 20;  // of a core
constexpr size_t kMaxRows = 512;                  // of x, computed at once
// A list of the device has 4095 tasks at most. A matrix and a tile may take some tens of them.
constexpr size_t kMaxTasks = 3584;
constexpr size_t kCommandBytes = size_t{4} << 20;  // of a core: 0x380 for each task
constexpr size_t kMaxColumns = 8128;               // of a task of any type
constexpr std::chrono::seconds kTimeout{10};
// Where a list may not take long: so slowly are operands read at the worst. A sixth of what three
// lists have been seen to get at a clock of 1 GHz.
constexpr size_t kWorstBytesPerMs = 1'000'000;
// Of a cell that was not written: no sum comes to it. As an integer it is far beyond the sums of a
// tile, and as f32 below the least product of two f16.
constexpr std::byte kMark{0x80};

// Products of int4 write a C for each group of 32 columns, so many rows of wide matrices take more
// than a core's output or list. This many do not.
size_t rows_at_once(const PackedMatrix& w, Form form) noexcept {
  const size_t planes = planes_of(w.arithmetic());
  const size_t row_bytes = planes * w.tiles().n * w.type().output_bytes * w.type().kernel_group;
  const size_t by_output = kOutputBytes / row_bytes;
  const size_t chunk = chunk_rows(w.arithmetic(), form, w.tiles());
  const size_t by_tasks = kMaxTasks / 2 / w.tiles().n * chunk;
  const size_t most = std::min({kMaxRows, by_output, by_tasks});
  constexpr size_t kPadding = 2;  // rows of x that a chunk may be filled up with
  return most >= chunk ? most / chunk * chunk : std::max(most, kPadding + 1) - kPadding;
}

// In which A and C have native layout. Of a rocket task that is all which has been seen to run.
constexpr Orientation orientation_of(Form form) noexcept {
  return form == Form::vendor ? Orientation::native : Orientation::column;
}

// Address of the last cell of C that a task writes.
uint32_t last_cell_of(const MatmulTask& task) noexcept {
  const uint32_t n_cells = task.n * info(task.type).output_bytes / kCellBytes;
  const uint32_t n_rows = task.width * task.height;
  return task.c + (n_cells - 1) * task.c_surface_bytes +
         (n_rows - 1) * static_cast<uint32_t>(kCellBytes);
}

}  // namespace

ProductRunner::ProductRunner(NpuDevice& device, ThreadPool& pool, uint32_t set)
    : device_(device),
      pool_(pool),
      set_(set),
      inputs_{Input(Arithmetic::w16a16, device.info().form),
              Input(Arithmetic::w8a8, device.info().form),
              Input(Arithmetic::w4a8, device.info().form)} {
  const NpuInfo& npu = device.info();
  for (size_t i = 0; i < npu.lists_per_submit(); ++i) {
    Core& core = cores_.emplace_back();
    core.domain_in_set = npu.domain_in_set(i);
    core.output = device.allocate(kOutputBytes, npu.domain_of(set, i));
    core.output->to_device();  // else its zeros may be written over results
    core.commands = device.allocate(kCommandBytes, npu.domain_of(set, i));
  }
}

void ProductRunner::reserve(Arithmetic arithmetic, size_t n_in, size_t max_rows, size_t min_group) {
  Input& input = inputs_[static_cast<size_t>(arithmetic)];
  const size_t n_rows = std::min(max_rows, kMaxRows);
  const size_t n_groups = n_rows / min_group + 2;  // 2: cut by the first and the last row
  input.rows.reserve(n_rows, n_groups, n_in, pool_.size());
  const size_t needed = input.rows.bytes_needed();
  const NpuInfo& npu = device_.info();
  if (input.buffers.size() == npu.domains_per_submit &&
      input.buffers.front()->bytes().size() >= needed)
    return;
  input.buffers.clear();
  for (uint32_t i = 0; i < npu.domains_per_submit; ++i)
    input.buffers.push_back(device_.allocate(needed, set_ * npu.domains_per_submit + i));
}

void ProductRunner::run(MatView<const float> x, std::span<const uint32_t> x_row,
                        std::span<const RowRange> groups, std::span<const NpuProduct> products) {
  size_t step = kMaxRows;
  for (const NpuProduct& product : products)
    step = std::min(step, rows_at_once(*product.w, device_.info().form));
  const size_t n_rows = groups.empty() ? 0 : groups.back().end;
  std::vector<RowRange> some(groups.size());
  for (size_t begin = 0; begin < n_rows; begin += step) {
    const size_t end = std::min(n_rows, begin + step);
    for (size_t g = 0; g < groups.size(); ++g) {
      some[g] = {std::clamp(groups[g].begin, begin, end) - begin,
                 std::clamp(groups[g].end, begin, end) - begin};
    }
    if (x_row.empty()) {
      run_rows(x.rows({begin, end}), {}, some, begin, products);
    } else {
      run_rows(x, x_row.subspan(begin, end - begin), some, begin, products);
    }
  }
}

void ProductRunner::run_rows(MatView<const float> x, std::span<const uint32_t> x_row,
                             std::span<const RowRange> groups, size_t first_row,
                             std::span<const NpuProduct> products) {
  std::array<bool, kArithmetics> packed{};
  for (const NpuProduct& product : products) {
    bool& is_packed = packed[static_cast<size_t>(product.w->arithmetic())];
    if (std::exchange(is_packed, true)) continue;
    Input& in = input(*product.w);
    const std::span<std::byte> out = in.buffers.front()->bytes();
    const size_t n = in.rows.pack(x, x_row, groups, product.w->hadamard_block(), out, pool_);
    for (const auto& buffer : in.buffers) {
      if (buffer != in.buffers.front()) std::memcpy(buffer->bytes().data(), out.data(), n);
      buffer->to_device(0, n);
    }
  }

  std::vector<std::vector<Work>> work(cores_.size());
  for (const NpuProduct& product : products) {
    if (groups[product.group].size() == 0) continue;
    for (const MatrixPart& part : product.w->parts()) work[part.list].push_back({&product, part});
  }
  for (;;) {
    std::vector<List> made(cores_.size());
    std::vector<NpuList> lists;
    for (size_t i = 0; i < cores_.size(); ++i) {
      if (work[i].empty()) continue;
      made[i] = make_list(cores_[i], first_row, work[i]);
      lists.push_back({.domain = cores_[i].output->domain(),
                       .tasks = made[i].tasks,
                       .output = cores_[i].output.get()});
      if (!device_.info().tells_faults) mark(cores_[i], made[i]);
    }
    if (lists.empty()) return;
    device_.submit(lists, kTimeout);
    for (size_t i = 0; i < cores_.size(); ++i) {
      if (made[i].tasks.empty()) continue;
      cores_[i].output->from_device(0, made[i].output_bytes);
      if (!device_.info().tells_faults) expect_written(cores_[i], made[i]);
      for (const OutputBlock& block : made[i].blocks)
        read_outputs(block, input(*block.w).rows, pool_);
    }
  }
}

ProductRunner::List ProductRunner::make_list(const Core& core, size_t first_row,
                                             std::vector<Work>& work) {
  List list;
  std::vector<MatmulTask> tasks;
  const NpuInfo& npu = device_.info();
  const auto limit = static_cast<size_t>(npu.list_limit.count());
  const size_t most_bytes = limit == 0 ? SIZE_MAX : limit * kWorstBytesPerMs;
  while (!work.empty() && tasks.size() <= kMaxTasks / 2) {
    Work& next = work.front();
    const PackedMatrix& w = *next.product->w;
    const auto chunks = input(w).rows.chunks(next.product->group);
    const size_t group = w.type().kernel_group;
    const size_t per_column = output_bytes_of_column(w, chunks);
    const size_t fit = (kOutputBytes - list.output_bytes) / per_column / group * group;
    const size_t read_of_column =
        chunks.size() * w.type().row_bytes(static_cast<uint32_t>(w.tiles().n_k()));
    const size_t fit_bytes = (most_bytes - list.operand_bytes) / read_of_column / group * group;
    const size_t n = std::min({next.part.n - next.done, fit, fit_bytes, kMaxColumns});
    if (n == 0) break;
    plan(core, next, n, core.output->address() + static_cast<uint32_t>(list.output_bytes), tasks);
    list.blocks.push_back({.w = &w,
                           .y = next.product->y,
                           .first_row = first_row,
                           .chunks = chunks,
                           .begin = next.part.begin + next.done,
                           .n = n,
                           .data = core.output->bytes().data() + list.output_bytes});
    list.output_bytes += n * per_column;
    list.operand_bytes += n * read_of_column;
    next.done += n;
    if (next.done == next.part.n) work.erase(work.begin());
  }

  if (!npu.tells_faults) {
    for (const MatmulTask& task : tasks)
      list.last_cells.push_back(last_cell_of(task) - core.output->address());
  }
  size_t n_bytes = 0;
  const std::span<std::byte> out = core.commands->bytes();
  for (const TaskCommands& task : commands_of(tasks, npu.form, core.commands->address())) {
    const size_t offset = task.address - core.commands->address();
    n_bytes = offset + task.words.size() * sizeof(uint64_t);
    std::memcpy(out.subspan(offset, n_bytes - offset).data(), task.words.data(), n_bytes - offset);
    list.tasks.push_back(
        {.address = task.address, .n_words = static_cast<uint32_t>(task.words.size())});
  }
  core.commands->to_device(0, n_bytes);
  return list;
}

void ProductRunner::mark(const Core& core, const List& list) {
  for (const size_t at : list.last_cells)
    std::ranges::fill(core.output->bytes().subspan(at, kCellBytes), kMark);
  core.output->to_device(0, list.output_bytes);
}

void ProductRunner::expect_written(const Core& core, const List& list) const {
  for (size_t i = 0; i < list.last_cells.size(); ++i) {
    const auto cell = core.output->bytes().subspan(list.last_cells[i], kCellBytes);
    if (!std::ranges::all_of(cell, [](std::byte b) { return b == kMark; })) continue;
    throw NpuFault(NpuFault::Kind::timeout,
                   fmt::format("{}: results of task {} of {} were not written",
                               device_.info().driver, i, list.tasks.size()),
                   "reset the device; the processor can compute the same");
  }
}

void ProductRunner::plan(const Core& core, const Work& work, size_t n, uint32_t output,
                         std::vector<MatmulTask>& tasks) {
  const PackedMatrix& w = *work.product->w;
  const MatmulTypeInfo& type = w.type();
  const Input& in = input(w);
  const Form form = device_.info().form;
  const uint32_t input_address = in.buffers[core.domain_in_set]->address();
  const KTiles tiles = w.tiles();
  const size_t tile_bytes =
      type.row_bytes(static_cast<uint32_t>(tiles.size));  // of a row or column
  for (const InputChunk& chunk : in.rows.chunks(work.product->group)) {
    for (size_t t = 0; t < tiles.n; ++t) {
      const size_t a = chunk.offset + t * chunk.m * tile_bytes;
      const size_t b = (t * work.part.n + work.done) * tile_bytes;
      const auto planned = plan_matmul({.type = type.type,
                                        .m = chunk.m,
                                        .k = static_cast<uint32_t>(tiles.size),
                                        .n = static_cast<uint32_t>(n),
                                        .a = input_address + static_cast<uint32_t>(a),
                                        .b = work.part.address + static_cast<uint32_t>(b),
                                        .c = output},
                                       orientation_of(form), form);
      tasks.insert(tasks.end(), planned.begin(), planned.end());
      output += static_cast<uint32_t>(chunk.m * n * type.output_bytes);
    }
  }
}

}  // namespace wattle::rknpu
