// SPDX-License-Identifier: Apache-2.0
#include "tests/backend/rknpu/recorded_programs.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "backend/rknpu/layout.h"
#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/simulator/core.h"
#include "base/half.h"
#include "tests/backend/rknpu/recorded_inputs.h"
#include "tests/support/read_file.h"

namespace wattle::rknpu {
namespace {

using nlohmann::json;

void put(const MatmulTypeInfo& type, std::vector<std::byte>& bytes, size_t at, float value) {
  if (type.operand_bits == 4) {
    const auto bits = static_cast<uint8_t>(static_cast<int>(value) & 15);
    bytes.at(at / 2) |= std::byte{static_cast<uint8_t>(at % 2 == 0 ? bits << 4 : bits)};
  } else if (type.operand_bits == 8) {
    bytes.at(at) = static_cast<std::byte>(static_cast<int8_t>(value));
  } else {
    const uint16_t half = f32_to_f16(value);
    std::memcpy(&bytes.at(2 * at), &half, sizeof half);
  }
}

float get(Result result, const std::vector<std::byte>& bytes, size_t at) {
  const auto as = [&]<class T>(T value) {
    std::memcpy(&value, &bytes.at(at * sizeof value), sizeof value);
    return value;
  };
  switch (result) {
    case Result::f32: return as(float{});
    case Result::f16: return f16_to_f32(as(uint16_t{}));
    case Result::i32: return static_cast<float>(as(int32_t{}));
    case Result::i16: return as(int16_t{});
  }
  return 0;
}

Result result_of(MatmulType type) {
  switch (type) {
    case MatmulType::f16_f16_f32: return Result::f32;
    case MatmulType::f16_f16_f16: return Result::f16;
    case MatmulType::i8_i8_i32: return Result::i32;
    case MatmulType::i4_i4_i16: return Result::i16;
  }
  return Result::i32;
}

// Positions of elements of A and C in memory.
using Position = std::function<size_t(size_t row, size_t column)>;

struct Case {
  MatmulType type = MatmulType::i8_i8_i32;
  Result result = Result::i32;
  uint32_t m = 0, k = 0, n = 0;  // of the whole product
  uint32_t a = 0, b = 0, c = 0;  // addresses
  Position in_a = {};
  Position in_c = {};
  // The part that is computed; nothing is asked of the rest.
  uint32_t row = 0, n_rows = 0, column = 0, n_columns = 0;
  // Commands: words of each task by address, in the order in which they run.
  std::vector<std::pair<uint32_t, std::vector<uint64_t>>> tasks = {};
  Form form = Form::vendor;
  bool has_room = false;  // behind A, so that wrong strides read something
};

// All commands at their addresses, and room behind: words are fetched by pairs.
std::vector<std::byte> commands_in_memory(const Case& x, uint32_t& begin,
                                          std::vector<NpuTask>& tasks) {
  begin = UINT32_MAX;
  uint64_t end = 0;
  for (const auto& [address, words] : x.tasks) {
    begin = std::min(begin, address);
    end = std::max(end, address + (words.size() + 1) * sizeof(uint64_t));
    tasks.push_back({address, static_cast<uint32_t>(words.size())});
  }
  std::vector<std::byte> bytes(end - begin);
  for (const auto& [address, words] : x.tasks)
    std::memcpy(&bytes.at(address - begin), words.data(), words.size() * sizeof(uint64_t));
  return bytes;
}

// Whether the tasks compute the product; a task that does not end fails the test.
bool computes_the_product(const Case& x) {
  const MatmulTypeInfo& type = info(x.type);
  const Matmul product{.type = x.type, .m = x.m, .k = x.k, .n = x.n};
  const auto [a, b] = RecordedInputs(product);

  const size_t rows = native_plane_rows(x.m);
  std::vector<std::byte> a_bytes(rows * type.row_bytes(x.k) * (x.has_room ? 4 : 1));
  std::vector<std::byte> b_bytes(size_t{x.n} * type.row_bytes(x.k));
  std::vector<std::byte> c_bytes(rows * x.n * bytes_of(x.result));
  for (size_t m = 0; m < x.m; ++m) {
    for (size_t k = 0; k < x.k; ++k) put(type, a_bytes, x.in_a(m, k), a[m * x.k + k]);
  }
  for (size_t n = 0; n < x.n; ++n) {
    for (size_t k = 0; k < x.k; ++k)
      put(type, b_bytes, native_b(type, x.k, x.n, k, n), b[n * x.k + k]);
  }
  uint32_t commands_at = 0;
  std::vector<NpuTask> tasks;
  std::vector<std::byte> commands = commands_in_memory(x, commands_at, tasks);
  DeviceMemory memory;
  EXPECT_TRUE(memory.map(x.a, a_bytes));
  EXPECT_TRUE(memory.map(x.b, b_bytes));
  EXPECT_TRUE(memory.map(x.c, c_bytes));
  EXPECT_TRUE(memory.map(commands_at, commands));
  Core core;
  EXPECT_EQ(core.run(memory, x.form, tasks).why, "");
  for (size_t m = x.row; m < x.row + x.n_rows; ++m) {
    for (size_t n = x.column; n < x.column + x.n_columns; ++n) {
      double sum = 0;
      for (size_t k = 0; k < x.k; ++k) sum += double{a[m * x.k + k]} * b[n * x.k + k];
      auto expected = static_cast<float>(sum);
      if (x.type == MatmulType::f16_f16_f16) expected = f16_to_f32(f32_to_f16(expected));
      if (get(x.result, c_bytes, x.in_c(m, n)) != expected) return false;
    }
  }
  return true;
}

uint32_t address(const json& hex) {
  return static_cast<uint32_t>(std::stoul(hex.get<std::string>(), nullptr, 16));
}

std::vector<uint64_t> words_of(const json& hex) {
  std::vector<uint64_t> words;
  for (const json& word : hex) words.push_back(std::stoull(word.get<std::string>(), nullptr, 16));
  return words;
}

constexpr uint32_t kCommandsAt = 0x70000000;

Case native_case(const json& line, MatmulType type, size_t rows_of_plane) {
  Case x{.type = type, .result = result_of(type), .m = line["M"], .k = line["K"], .n = line["N"]};
  x.n_rows = x.m;
  x.n_columns = x.n;
  x.in_a = [&t = info(type), rows_of_plane](size_t m, size_t k) {
    return native_a(t, rows_of_plane, m, k);
  };
  x.in_c = [&t = info(type), rows_of_plane](size_t m, size_t n) {
    return native_c(t, rows_of_plane, m, n);
  };
  return x;
}

constexpr uint32_t kAAt = 0x20000000;  // commands lie below, and at kCommandsAt
constexpr uint32_t kBAt = 0x40000000;
constexpr uint32_t kCAt = 0x80000000;

// Where rows fill no plane of native layout, the runtime writes beyond the buffers it asks for:
// with more between them, the product is right.
void move_apart(Case& x, uint32_t a, uint32_t c) {
  std::optional<uint32_t> b;  // of the first task; where it is converted it is no buffer on record
  for (auto& [address, words] : x.tasks) {
    for (uint64_t& word : words) {
      RegisterWrite write = write_of(word);
      if (write.target == Target::cna && write.offset == 0x1070) write.value += kAAt - a;
      if (write.target == Target::cna && write.offset == 0x1110) {
        if (!b) b = write.value;
        write.value += kBAt - *b;
      }
      if (write.target == Target::dpu && write.offset == 0x4020) write.value += kCAt - c;
      word = word_of(write);
    }
  }
  x.a = kAAt;
  x.b = kBAt;
  x.c = kCAt;
}

// Programs of a generator, at addresses that are far apart.
Outcome run_generated(const json& line, Form form, bool is_right) {
  const auto type = matmul_type_of(line["type"].get<std::string>());
  if (!type || line["ret"] != 0 || line.value("accumulate", 0) != 0) return Outcome::not_run;
  // A reused operand is one that a task before has left, and there is none.
  if (line.value("weight_reuse", 0) != 0 || line.value("data_reuse", 0) != 0)
    return Outcome::not_run;
  Case x = native_case(line, *type, line["M"].get<size_t>());
  x.form = form;
  x.has_room = true;
  x.tasks.emplace_back(kCommandsAt, words_of(line["words"]));
  for (uint64_t& word : x.tasks[0].second) {
    RegisterWrite write = write_of(word);
    if (write.target == Target::cna && write.offset == 0x1070) write.value = x.a = kAAt;
    if (write.target == Target::cna && write.offset == 0x1110) write.value = x.b = kBAt;
    if (write.target == Target::dpu && write.offset == 0x4020) write.value = x.c = kCAt;
    word = word_of(write);
  }
  EXPECT_EQ(computes_the_product(x), is_right);
  return is_right ? Outcome::right : Outcome::wrong_as_on_boards;
}

}  // namespace

void run_lines(const std::filesystem::path& file, const Run& run, uint64_t most_products) {
  std::istringstream lines(test::read_text(file));
  std::map<Outcome, size_t> count;
  for (std::string line; std::getline(lines, line);) {
    const json recorded = json::parse(line);
    const auto size = [&](const char* name) { return recorded[name].get<uint64_t>(); };
    SCOPED_TRACE(fmt::format("{}: {} {} x {} x {}", file.filename().string(),
                             recorded["type"].get<std::string>(), recorded["M"].get<int>(),
                             recorded["K"].get<int>(), recorded["N"].get<int>()));
    const bool is_small = size("M") * size("K") * size("N") <= most_products;
    ++count[is_small ? run(recorded) : Outcome::not_run];
    if (testing::Test::HasFailure()) return;
  }
  fmt::print("{}: {} right, {} wrong as on boards, {} not run\n", file.filename().string(),
             count[Outcome::right], count[Outcome::wrong_as_on_boards], count[Outcome::not_run]);
  EXPECT_GT(count[Outcome::right], 0U);
}

Outcome run_vendor(const json& line) {
  const auto type = matmul_type_of(line["type"].get<std::string>());
  if (!type || !line.contains("tasks") || line["tasks"].empty()) return Outcome::not_run;
  Case x = native_case(line, *type, native_plane_rows(line["M"].get<size_t>()));
  if (line["AC_layout"] == 0) {
    x.in_a = [k = x.k](size_t row, size_t column) { return row * k + column; };
    x.in_c = [n = x.n](size_t row, size_t column) { return row * n + column; };
  }
  for (const json& task : line["tasks"]) {
    auto words = x.tasks.empty() ? words_of(task["words"]) : x.tasks.front().second;
    if (!x.tasks.empty()) {
      for (const auto& [index, word] : task["delta"].items())
        words.at(std::stoul(index)) = std::stoull(word.get<std::string>(), nullptr, 16);
    }
    x.tasks.emplace_back(address(task["regcmd_addr"]), std::move(words));
  }
  move_apart(x, address(line["dma"]["A"]), address(line["dma"]["C"]));
  EXPECT_TRUE(computes_the_product(x));
  return Outcome::right;
}

Outcome run_mtx512(const json& line) {
  const int m = line["M"];
  return run_generated(line, Form::vendor, m == 1 || m % 4 == 0);
}

Outcome run_rocket(const json& line) {
  const auto type = matmul_type_of(line["type"].get<std::string>());
  const bool is_one_cell = type && info(*type).row_bytes(line["K"]) <= kCellBytes;
  return run_generated(line, Form::rocket,
                       is_one_cell || (line["M"] != 1 && line["M"].get<int>() % 4 == 0));
}

Outcome run_formula(const json& line) {
  const std::string name = line["type"];
  const bool to_f32 = name == "i8i8f32";
  const MatmulType type = to_f32 ? MatmulType::i8_i8_i32 : *matmul_type_of(name);
  Case x{.type = type,
         .result = to_f32 ? Result::f32 : result_of(type),
         .m = line["full_M"],
         .k = line["K"],
         .n = line["full_N"],
         .a = 0x10000000,
         .b = 0x18000000,
         .c = 0x1c000000};
  x.row = line["m0"];
  x.n_rows = line["M"];
  x.column = line["n0"];
  x.n_columns = line["N"];
  const MatmulTypeInfo& t = info(type);
  const std::string a = line["A"];
  if (a == "normal") {
    x.in_a = [k = x.k](size_t row, size_t column) { return row * k + column; };
  } else if (a == "native") {
    x.in_a = [&t, m = x.m](size_t row, size_t k) { return native_a(t, m, row, k); };
  } else {
    // Panels of 8 or 16 rows, each of native layout.
    const size_t panel = a == "panel8" ? 8 : 16;
    x.in_a = [&t, panel, k = x.k](size_t row, size_t column) {
      return row / panel * panel * k + native_a(t, panel, row % panel, column);
    };
  }
  if (line["C"] == "normal") {
    x.in_c = [n = x.n](size_t row, size_t column) { return row * n + column; };
  } else {
    x.in_c = [&t, m = x.m](size_t row, size_t n) { return native_c(t, m, row, n); };
  }
  std::vector<uint64_t> words = words_of(line["words"]);
  if (write_of(words.back()).target != Target::enable) {
    words.push_back(0);
    words.push_back(word_of({Target::pc, 0x0014, 0}));
    words.push_back(word_of({Target::version, 0, 0}));
    words.push_back(word_of({Target::enable, 0x0008, 0xd}));
  }
  x.tasks.emplace_back(kCommandsAt, std::move(words));
  EXPECT_TRUE(computes_the_product(x));
  return Outcome::right;
}

}  // namespace wattle::rknpu
