// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/round.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "backend/rknpu/layout.h"
#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/program.h"
#include "backend/rknpu/round_limits.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kMaxTasks = kRoundCommandBytes / kTaskCommandBytes;  // of a list
static_assert(kMaxTasks <= kMaxTasksOfList);
constexpr size_t kMaxColumns = 8128;  // of a task of any type
// Where a list may not take long: so slowly are operands read at the worst. A sixth of what three
// lists have been seen to get at a clock of 1 GHz.
constexpr size_t kWorstBytesPerMs = 1'000'000;
// Of a cell that was not written: no sum comes to it. As an integer it is far beyond the sums of a
// tile, and as f32 below the least product of two f16.
constexpr std::byte kMark{0x80};

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

Round::Round(NpuDevice& device, uint32_t set) : device_(device) {
  const NpuInfo& npu = device.info();
  for (size_t i = 0; i < npu.lists_per_submit(); ++i) {
    Core& core = cores_.emplace_back();
    core.domain_in_set = npu.domain_in_set(i);
    core.output = device.allocate(kRoundOutputBytes, npu.domain_of(set, i));
    core.output->to_device();  // else its zeros may be written over results
    core.commands = device.allocate(kRoundCommandBytes, npu.domain_of(set, i));
  }
}

// Products of int4 write a C for each group of 32 columns, so many rows of wide matrices take more
// than a core's output or list. This many do not.
size_t Round::rows_at_once(Arithmetic arithmetic, const KTiles& tiles, Form form) noexcept {
  const MatmulTypeInfo& type = info(matmul_type_of(arithmetic));
  const size_t row_bytes = planes_of(arithmetic) * tiles.n * type.output_bytes * type.kernel_group;
  const size_t by_output = kRoundOutputBytes / row_bytes;
  const size_t chunk = chunk_rows(arithmetic, form, tiles);
  const size_t by_tasks = kMaxTasks / 2 / tiles.n * chunk;
  const size_t most = std::min(by_output, by_tasks);
  constexpr size_t kPadding = 2;  // rows of x that a chunk may be filled up with
  return most >= chunk ? most / chunk * chunk : std::max(most, kPadding + 1) - kPadding;
}

void Round::make(std::span<std::vector<RoundWork>> work) {
  lists_.clear();
  for (size_t i = 0; i < cores_.size(); ++i) {
    Core& core = cores_[i];
    core.tasks.clear();
    if (work[i].empty()) continue;
    make_list(core, work[i]);
    if (!device_.info().tells_faults) mark(core);
    lists_.push_back(
        {.domain = core.output->domain(), .tasks = core.tasks, .output = core.output.get()});
  }
}

void Round::make_list(Core& core, std::vector<RoundWork>& work) {
  core.blocks.clear();
  core.output_bytes = 0;
  size_t operand_bytes = 0;
  const auto limit = static_cast<size_t>(device_.info().list_limit.count());
  const size_t most_bytes = limit == 0 ? SIZE_MAX : limit * kWorstBytesPerMs;
  std::vector<MatmulTask> tasks;
  size_t n_done = 0;  // of the work
  while (n_done < work.size() && tasks.size() <= kMaxTasks / 2) {
    RoundWork& next = work[n_done];
    const PackedMatrix& w = *next.w;
    const auto chunks = next.input->rows.chunks(next.group);
    const size_t group = w.type().kernel_group;
    const size_t per_column = output_bytes_of_column(w, chunks);
    const size_t fit = (kRoundOutputBytes - core.output_bytes) / per_column / group * group;
    const size_t read_of_column =
        chunks.size() * w.type().row_bytes(static_cast<uint32_t>(w.tiles().n_k()));
    const size_t fit_bytes = (most_bytes - operand_bytes) / read_of_column / group * group;
    const size_t n = std::min({next.part.n - next.done, fit, fit_bytes, kMaxColumns});
    if (n == 0) break;
    const size_t n_before = tasks.size();
    plan(core, next, n, tasks);
    if (tasks.size() > kMaxTasks) {
      if (n_before == 0) {
        throw Error(ErrorCode::unsupported,
                    fmt::format("a product of {} tasks, expected {} at most: {} columns are cut in "
                                "{} tiles",
                                tasks.size(), kMaxTasks, w.n_in(), w.tiles().n));
      }
      tasks.resize(n_before);  // they have a list of their own
      break;
    }
    core.blocks.push_back({.output = {.w = &w,
                                      .y = next.y,
                                      .first_row = next.first_row,
                                      .y_column = next.y_column,
                                      .chunks = chunks,
                                      .begin = next.part.begin + next.done,
                                      .n = n,
                                      .data = core.output->bytes().data() + core.output_bytes},
                           .rows = &next.input->rows});
    core.output_bytes += n * per_column;
    operand_bytes += n * read_of_column;
    next.done += n;
    if (next.done == next.part.n) ++n_done;
  }
  work.erase(work.begin(), work.begin() + static_cast<std::ptrdiff_t>(n_done));
  core.last_cells.clear();
  if (!device_.info().tells_faults) {
    for (const MatmulTask& task : tasks)
      core.last_cells.push_back(last_cell_of(task) - core.output->address());
  }
  write_commands(core, tasks);
}

void Round::plan(const Core& core, const RoundWork& work, size_t n,
                 std::vector<MatmulTask>& tasks) const {
  const PackedMatrix& w = *work.w;
  const MatmulTypeInfo& type = w.type();
  const Form form = device_.info().form;
  const uint32_t input_address = work.input->buffers[core.domain_in_set]->address();
  const KTiles tiles = w.tiles();
  const size_t tile_bytes =
      type.row_bytes(static_cast<uint32_t>(tiles.size));  // of a row or column
  uint32_t output = core.output->address() + static_cast<uint32_t>(core.output_bytes);
  for (const InputChunk& chunk : work.input->rows.chunks(work.group)) {
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

void Round::write_commands(Core& core, std::span<const MatmulTask> tasks) {
  const std::span<std::byte> out = core.commands->bytes();
  size_t n_bytes = 0;
  for (const TaskCommands& task :
       commands_of(tasks, device_.info().form, core.commands->address())) {
    const size_t offset = task.address - core.commands->address();
    n_bytes = offset + task.words.size() * sizeof(uint64_t);
    std::memcpy(out.subspan(offset, n_bytes - offset).data(), task.words.data(), n_bytes - offset);
    core.tasks.push_back(
        {.address = task.address, .n_words = static_cast<uint32_t>(task.words.size())});
  }
  core.commands->to_device(0, n_bytes);
}

void Round::read(ThreadPool& pool) {
  for (Core& core : cores_) {
    if (core.tasks.empty()) continue;
    core.output->from_device(0, core.output_bytes);
    if (!device_.info().tells_faults) expect_written(core);
    for (const Core::Block& block : core.blocks) read_outputs(block.output, *block.rows, pool);
  }
}

void Round::mark(const Core& core) {
  for (const size_t at : core.last_cells)
    std::ranges::fill(core.output->bytes().subspan(at, kCellBytes), kMark);
  core.output->to_device(0, core.output_bytes);
}

void Round::expect_written(const Core& core) const {
  for (size_t i = 0; i < core.last_cells.size(); ++i) {
    const auto cell = core.output->bytes().subspan(core.last_cells[i], kCellBytes);
    if (!std::ranges::all_of(cell, [](std::byte b) { return b == kMark; })) continue;
    throw NpuFault(NpuFault::Kind::timeout,
                   fmt::format("{}: results of task {} of {} were not written",
                               device_.info().driver, i, core.tasks.size()),
                   "reset the device; the processor can compute the same");
  }
}

}  // namespace wattle::rknpu
