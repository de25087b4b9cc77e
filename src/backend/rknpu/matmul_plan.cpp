// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/matmul_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "backend/rknpu/layout.h"
#include "backend/rknpu/pack.h"
#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

constexpr uint32_t ceil_div(uint32_t a, uint32_t b) { return (a + b - 1) / b; }
constexpr uint32_t even_from(uint32_t a) { return a + a % 2; }

constexpr uint32_t kMaxPlane = 2047;  // width and height have 11 bits
constexpr uint32_t kMaxK = 32768;     // the widest that a source of this writes
constexpr uint32_t kMaxTaskN = 8192;  // the DPU counts columns with 13 bits
constexpr uint32_t kMaxRuntimeK = 10240;
constexpr uint32_t kNativeDataBanks = 4;  // the runtime gives native features no more
constexpr uint32_t kMaxReusedWeightBanks = 8;

struct Range {
  uint32_t begin;
  uint32_t size;
};

[[noreturn]] void refuse(const Matmul& m, std::string_view why, std::string_view hint) {
  throw Error(
      ErrorCode::bad_input,
      fmt::format("a product {} of {} x {} x {}: {}", info(m.type).name, m.m, m.k, m.n, why),
      std::string(hint));
}

void check_shape(const Matmul& m, Orientation orientation) {
  if (m.m < 1 || m.m > kMaxPlane)
    refuse(m, fmt::format("{} rows, expected 1 to {}", m.m, kMaxPlane), "cut the rows in pieces");
  if (m.k < 1 || m.n < 1) refuse(m, "an empty matrix", "every size is at least 1");
  if (m.k > kMaxK)
    refuse(m, fmt::format("k is {}, expected {} at most", m.k, kMaxK), "cut k and add the sums");
  if (m.k % kKernelColumns != 0)
    refuse(m, fmt::format("k is {}, expected a multiple of {}", m.k, kKernelColumns),
           "pad k with zeros");
  const uint64_t largest = std::max(bytes_of_b(m), bytes_of_c(m, orientation));
  if (largest > kAddressEnd) {
    refuse(m, fmt::format("a matrix of {} bytes does not fit 32-bit addresses", largest),
           "cut n in pieces");
  }
}

void check_runtime_shape(const Matmul& m, Orientation orientation) {
  check_shape(m, orientation);
  const MatmulTypeInfo& type = info(m.type);
  if (m.n % type.kernel_group != 0) {
    refuse(m, fmt::format("n is {}, expected a multiple of {}", m.n, type.kernel_group),
           "pad n with zeros");
  }
  if (m.k > kMaxRuntimeK)
    refuse(m, fmt::format("k is {}, expected {} at most", m.k, kMaxRuntimeK),
           "cut k and add the sums");
}

// A line of features takes whole entries, and of its last one a quarter, a half or all.
uint32_t quarters_of_line(uint32_t row_bytes) {
  const uint32_t rest = row_bytes % kEntryBytes;
  const uint32_t of_rest = rest == 0 ? 0 : rest <= 16 ? 1 : rest <= 32 ? 2 : 4;
  return row_bytes / kEntryBytes * 4 + of_rest;
}

// Banks for features whose lines take whole entries.
uint32_t banks_for(uint32_t rows, uint32_t row_bytes) {
  return std::max(1U, ceil_div(rows * ceil_div(row_bytes, kEntryBytes), kBankEntries));
}

uint32_t bank_of_group(const MatmulTypeInfo& type, uint32_t row_bytes, uint32_t n_groups) {
  return ceil_div(n_groups * type.kernel_group * row_bytes, kBankBytes);
}

// The columns of C, as many as a task's 13-bit fields take.
std::vector<Range> pieces_of_n(const Matmul& m) {
  const uint32_t step = m.type == MatmulType::i4_i4_i16 ? 8128 : 8160;
  std::vector<Range> pieces;
  for (uint32_t n = 0; n < m.n; n += step) pieces.push_back({n, std::min(step, m.n - n)});
  return pieces;
}

// ---- native ----

// Rows of a tile: the most that fit its banks, and even where that is more than three.
uint32_t native_tile_rows(uint32_t m, uint32_t entries_of_row, uint32_t banks) {
  const uint32_t entries = banks * kBankEntries;
  if (m * entries_of_row <= entries) return m;
  const uint32_t fit = entries / entries_of_row;
  if (entries % entries_of_row == 0 && m % fit == 0) return fit;
  const uint32_t rows = ceil_div(entries, entries_of_row) - 1;
  return rows > 3 ? rows - rows % 2 : rows;
}

// From the last rows to the first, and what is left over before all others.
std::vector<Range> native_tiles(uint32_t m, uint32_t rows) {
  std::vector<Range> tiles;
  if (const uint32_t rest = m % rows; rest != 0) tiles.push_back({m - rest, rest});
  for (uint32_t i = m / rows; i-- > 0;) tiles.push_back({i * rows, rows});
  return tiles;
}

std::vector<MatmulTask> plan_native(const Matmul& m, Runtime runtime) {
  check_runtime_shape(m, Orientation::native);
  const MatmulTypeInfo& type = info(m.type);
  const uint32_t row_bytes = type.row_bytes(m.k);
  const uint32_t banks = std::min(kNativeDataBanks, kBanks - bank_of_group(type, row_bytes, 1));
  const uint32_t rows = native_tile_rows(m.m, ceil_div(row_bytes, kEntryBytes), banks);
  if (rows < m.m && m.type == MatmulType::i4_i4_i16) {
    refuse(m, fmt::format("{} rows of {} bytes do not fit into 128 KiB", m.m, row_bytes),
           "cut the rows in pieces of their own matrices");
  }
  const auto plane = static_cast<uint32_t>(native_plane_rows(m.m));
  std::vector<MatmulTask> tasks;
  for (const Range& tile : native_tiles(m.m, rows)) {
    const bool whole = tile.size == m.m;
    for (const Range& piece : pieces_of_n(m)) {
      MatmulTask task{.type = m.type, .k = m.k, .n = piece.size, .width = tile.size};
      task.a = m.a + 16 * tile.begin;
      task.has_line_stride = !whole;
      task.line_stride = static_cast<int32_t>(whole ? 4 * m.m : m.m);
      task.surface_stride =
          static_cast<int32_t>(plane) - static_cast<int32_t>(whole ? 4 * m.m : tile.size);
      task.b = m.b + piece.begin * row_bytes;
      task.c = m.c + 16 * tile.begin + piece.begin * type.output_bytes * plane;
      task.c_surface_bytes = 16 * plane;
      task.c_rows = plane;
      task.feature_grains = runtime == Runtime::v1_5 ? 1 : 2;
      task.entries = ceil_div(tile.size * quarters_of_line(row_bytes), 4);
      task.data_bank = banks_for(tile.size, row_bytes);
      task.od_bypass = m.type != MatmulType::i8_i8_i32;
      tasks.push_back(task);
    }
  }
  return tasks;
}

// ---- row-major ----

struct RowTiles {
  uint32_t rows;
  bool reuses_weights;  // from the second tile on
};

RowTiles row_major_tiles(const Matmul& m, Runtime runtime) {
  const MatmulTypeInfo& type = info(m.type);
  const uint32_t row_bytes = type.row_bytes(m.k);
  if (runtime == Runtime::v1_5 || m.type == MatmulType::i4_i4_i16 || m.k > 8192) return {1, false};
  const uint32_t two_groups = bank_of_group(type, row_bytes, 2);
  const uint32_t banks =
      two_groups + 2 <= kBanks ? kBanks - two_groups : kBanks - bank_of_group(type, row_bytes, 1);
  const uint32_t entries_of_row = ceil_div(row_bytes, kEntryBytes);
  if (banks_for(m.m, row_bytes) <= banks) return {m.m, false};
  const uint32_t all_weights = ceil_div(m.n * row_bytes, kBankBytes);
  if (all_weights <= kMaxReusedWeightBanks)
    return {(kBanks - all_weights) * kBankEntries / entries_of_row, true};
  return {banks * kBankEntries / entries_of_row, false};
}

// Lines ahead: all of a tile, or about 64 KiB of them, more where lines are long.
uint32_t grains_of(uint32_t rows, uint32_t row_bytes, uint32_t data_bank) {
  const uint32_t about_64k = even_from(ceil_div(65536, row_bytes));
  const bool asks_for_all = rows + 1 <= about_64k || (row_bytes >= 8192 && data_bank <= 4);
  return asks_for_all ? rows + 1 : std::min(rows, about_64k * (2 + row_bytes / 2048) / 2);
}

std::vector<MatmulTask> plan_row_major(const Matmul& m, Runtime runtime) {
  check_runtime_shape(m, Orientation::row_major);
  const MatmulTypeInfo& type = info(m.type);
  const uint32_t row_bytes = type.row_bytes(m.k);
  const RowTiles tiles = row_major_tiles(m, runtime);
  const uint32_t data_bank = banks_for(std::min(tiles.rows, m.m), row_bytes);
  const uint32_t c_row_bytes = m.n * type.output_bytes;
  std::vector<MatmulTask> tasks;
  for (uint32_t row = 0; row < m.m; row += tiles.rows) {
    const uint32_t rows = std::min(tiles.rows, m.m - row);
    for (const Range& piece : pieces_of_n(m)) {
      MatmulTask task{.type = m.type, .k = m.k, .n = piece.size, .height = rows};
      task.a = m.a + row * row_bytes;
      task.b = m.b + piece.begin * row_bytes;
      task.c = m.c + row * c_row_bytes + piece.begin * type.output_bytes;
      task.c_surface_bytes = 16;
      task.entries = ceil_div(row_bytes, kEntryBytes);
      task.data_bank = data_bank;
      task.weight_reuse = tiles.reuses_weights && row > 0;
      task.od_bypass = m.type != MatmulType::i8_i8_i32;
      if (rows == 1) {
        task.surface_stride = -3;
        task.feature_grains = 2;
      } else {
        task.has_line_stride = true;
        task.line_stride = static_cast<int32_t>(row_bytes / 16);
        task.c_notch = c_row_bytes / 16 - 1;
        task.feature_grains = grains_of(rows, row_bytes, data_bank);
      }
      if (runtime == Runtime::v1_5) task.feature_grains = 1;
      tasks.push_back(task);
    }
  }
  return tasks;
}

// ---- column ----

// The generator for the mainline driver gives i8 one more bank, and was run on boards so.
uint32_t spare_banks(MatmulType type, Form form) {
  return form == Form::rocket && type == MatmulType::i8_i8_i32 ? 1 : 0;
}

MatmulTask plan_column(const Matmul& m, Form form) {
  check_shape(m, Orientation::column);
  if (m.m != 1 && m.m % 4 != 0) {
    refuse(m, fmt::format("{} rows in a column, expected 1 or a multiple of 4", m.m),
           "other numbers read A at the wrong places: pad the rows");
  }
  if (m.n > kMaxTaskN)
    refuse(m, fmt::format("n is {} in one task, expected {} at most", m.n, kMaxTaskN),
           "cut n in pieces");
  const MatmulTypeInfo& type = info(m.type);
  const uint32_t row_bytes = type.row_bytes(m.k);
  const uint32_t data_bank = banks_for(m.m, row_bytes) + spare_banks(m.type, form);
  if (data_bank >= kBanks) {
    refuse(m, fmt::format("features take {} banks of {}", data_bank, kBanks),
           "cut the rows in pieces");
  }
  if (row_bytes > kBankBytes)
    refuse(m, fmt::format("a kernel of {} bytes, expected {} at most", row_bytes, kBankBytes),
           "cut k");
  MatmulTask task{.type = m.type, .k = m.k, .n = m.n, .height = m.m};
  task.a = m.a;
  task.surface_stride = m.m == 1 ? -3 : static_cast<int32_t>(m.m) - 4;
  task.b = m.b;
  task.c = m.c;
  task.c_surface_bytes = 16 * m.m;
  task.c_rows = m.m;
  task.feature_grains = m.m + 1;
  task.entries = ceil_div(row_bytes, kEntryBytes);
  task.data_bank = data_bank;
  task.qd_en = type.is_float;
  return task;
}

constexpr uint32_t kColumnRows = 256;
constexpr uint32_t kColumnBanks = 8;  // of features

}  // namespace

uint32_t column_rows(MatmulType type, uint32_t k) noexcept {
  // Jobs of i8 with these have been seen not to end from five rows on.
  if (type == MatmulType::i8_i8_i32 && k > 3072 && k < 4096) return 4;
  const uint32_t row_bytes = info(type).row_bytes(k);
  const uint32_t taken = bank_of_group(info(type), row_bytes, 2) + spare_banks(type, Form::rocket);
  const uint32_t banks = std::min(kColumnBanks, kBanks - std::min(kBanks, taken));
  const uint32_t rows = banks * kBankEntries / ceil_div(row_bytes, kEntryBytes);
  return std::min(kColumnRows, rows / 4 * 4);
}

std::vector<MatmulTask> plan_matmul(const Matmul& matmul, Orientation orientation, Form form,
                                    Runtime runtime) {
  if (form == Form::rocket && orientation != Orientation::column) {
    throw Error(ErrorCode::unsupported, "the mainline driver has only been seen to run columns",
                "use the orientation column, or the vendor's form");
  }
  switch (orientation) {
    case Orientation::native: return plan_native(matmul, runtime);
    case Orientation::row_major: return plan_row_major(matmul, runtime);
    case Orientation::column: return {plan_column(matmul, form)};
  }
  return {};
}

}  // namespace wattle::rknpu
