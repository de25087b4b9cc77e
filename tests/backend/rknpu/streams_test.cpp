// SPDX-License-Identifier: Apache-2.0
// The command lists of the emitter against recorded ones, word by word: the clone's own few, and
// all that lie in `rknpu/` of the reference data.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/program.h"
#include "tests/support/needs_golden.h"
#include "tests/support/read_file.h"
#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

std::filesystem::path own_data() { return test::source_dir() / "tests/backend/rknpu/data"; }
std::filesystem::path all_data() { return test::golden_dir() / "rknpu"; }

Words text_of(const std::vector<uint64_t>& words) {
  Words text;
  for (const uint64_t word : words) text.push_back(fmt::format("{:016x}", word));
  return text;
}

uint32_t address(const json& hex) {
  return static_cast<uint32_t>(std::stoul(hex.get<std::string>(), nullptr, 16));
}

enum class Outcome { equal, refused_likewise, not_emitted };

// What one recorded line says of the emitter; a difference fails the test.
using Check = std::function<Outcome(const json& line)>;

void check_lines(const std::filesystem::path& file, const Check& check) {
  std::istringstream lines(test::read_text(file));
  size_t counts[3] = {};
  for (std::string line; std::getline(lines, line);) {
    const json recorded = json::parse(line);
    const bool is_rk3576 = recorded.contains("variant");
    SCOPED_TRACE(fmt::format("{}: {} {} x {} x {}", file.filename().string(),
                             recorded[is_rk3576 ? "variant" : "type"].get<std::string>(),
                             recorded[is_rk3576 ? "H" : "M"].get<int>(), recorded["K"].get<int>(),
                             recorded["N"].get<int>()));
    ++counts[static_cast<size_t>(check(recorded))];
    if (testing::Test::HasFailure()) return;
  }
  fmt::print("{}: {} equal, {} refused likewise, {} not emitted\n", file.filename().string(),
             counts[0], counts[1], counts[2]);
  EXPECT_GT(counts[0], 0U);
}

Matmul matmul_of(const json& line, MatmulType type) {
  return {.type = type, .m = line["M"], .k = line["K"], .n = line["N"]};
}

// ---- the vendor's runtime ----

std::vector<Words> recorded_tasks(const json& line) {
  std::vector<Words> tasks;
  for (const json& task : line["tasks"]) {
    if (tasks.empty()) {
      tasks.push_back(task["words"]);
      continue;
    }
    Words words = tasks.front();
    for (const auto& [index, word] : task["delta"].items()) words.at(std::stoul(index)) = word;
    tasks.push_back(std::move(words));
  }
  return tasks;
}

uint32_t address_of_b(const Words& words) {  // where B is converted it is a buffer of the runtime
  for (const std::string& text : words) {
    const RegisterWrite write = write_of(std::stoull(text, nullptr, 16));
    if (write.target == Target::cna && write.offset == 0x1110) return write.value;
  }
  ADD_FAILURE() << "no address of weights";
  return 0;
}

void expect_descriptor(const TaskDescriptor& found, const json& recorded) {
  const std::pair<const char*, uint32_t> fields[] = {{"flags", found.flags},
                                                     {"op_idx", found.op_idx},
                                                     {"enable_mask", found.enable_mask},
                                                     {"int_mask", found.int_mask},
                                                     {"int_clear", found.int_clear},
                                                     {"regcfg_amount", found.regcfg_amount},
                                                     {"regcfg_offset", found.regcfg_offset}};
  for (const auto& [name, value] : fields) EXPECT_EQ(value, recorded[name].get<uint32_t>()) << name;
}

Outcome check_vendor(const json& line) {
  if (!line.contains("tasks") || line["tasks"].empty()) return Outcome::not_emitted;
  const std::vector<Words> recorded = recorded_tasks(line);
  Matmul matmul = matmul_of(line, *matmul_type_of(line["type"].get<std::string>()));
  matmul.a = address(line["dma"]["A"]);
  matmul.b = address_of_b(recorded[0]);
  matmul.c = address(line["dma"]["C"]);
  const auto tasks =
      plan_matmul(matmul, line["AC_layout"] == 1 ? Orientation::native : Orientation::row_major,
                  Form::vendor, line["runtime"] == "1.5.2" ? Runtime::v1_5 : Runtime::v1_6);
  const auto commands = commands_of(tasks, Form::vendor, address(line["tasks"][0]["regcmd_addr"]));
  EXPECT_EQ(commands.size(), recorded.size());
  for (size_t i = 0; i < commands.size() && !testing::Test::HasFailure(); ++i) {
    EXPECT_EQ(text_of(commands[i].words), recorded[i]) << "task " << i;
    EXPECT_EQ(commands[i].address, address(line["tasks"][i]["regcmd_addr"])) << "task " << i;
  }
  if (!commands.empty()) {
    const auto n_words = static_cast<uint32_t>(commands[0].words.size());
    expect_descriptor(descriptor_of(commands[0].address, n_words), line["tasks"][0]);
  }
  return Outcome::equal;
}

// ---- the public generators ----

Outcome expect_one_task(const json& line, const Matmul& matmul, Form form) {
  std::vector<MatmulTask> tasks;
  try {
    tasks = plan_matmul(matmul, Orientation::column, form);
  } catch (const Error& error) {
    EXPECT_LT(line["ret"].get<int>(), 0) << error.what();
    return Outcome::refused_likewise;
  }
  EXPECT_EQ(line["ret"], 0) << "the generator refuses it";
  tasks[0].weight_reuse = line.value("weight_reuse", 0) != 0;
  tasks[0].data_reuse = line.value("data_reuse", 0) != 0;
  EXPECT_EQ(text_of(commands_of(tasks, form, 0)[0].words), line["words"].get<Words>());
  return Outcome::equal;
}

// Other numbers of rows are written as well, but read A at the wrong places.
bool is_addressed_right(const json& line) {
  return line["M"] == 1 || line["M"].get<int>() % 4 == 0;
}

Outcome check_mtx512(const json& line) {
  const auto type = matmul_type_of(line["type"].get<std::string>());
  if (!type || !is_addressed_right(line)) return Outcome::not_emitted;
  Matmul matmul = matmul_of(line, *type);
  matmul.a = address(line["input_dma"]);
  matmul.b = address(line["weights_dma"]);
  matmul.c = address(line["output_dma"]);
  return expect_one_task(line, matmul, Form::vendor);
}

Outcome check_rocket(const json& line) {
  const auto type = matmul_type_of(line["type"].get<std::string>());
  // One row is read at wrong places there, and adding to C is not a product.
  if (!type || line["M"].get<int>() % 4 != 0 || line["accumulate"] != 0)
    return Outcome::not_emitted;
  Matmul matmul = matmul_of(line, *type);
  matmul.a = 0x101000;
  matmul.b = 0x202000;
  matmul.c = 0x403000;
  return expect_one_task(line, matmul, Form::rocket);
}

Outcome check_rk3576(const json& line) {
  const std::string variant = line["variant"];
  if (line["W"] != 1 || (line["H"] != 1 && line["H"].get<int>() % 4 != 0))
    return Outcome::not_emitted;
  Rk3576Task task{.output = variant == "int8_requant" ? Rk3576Task::Output::i8
                            : variant == "i32out"     ? Rk3576Task::Output::i32
                                                      : Rk3576Task::Output::i32_wide,
                  .m = line["H"],
                  .k = line["K"],
                  .n = line["N"],
                  .a = 0x101000,
                  .b = 0x202000,
                  .c = 0x403000,
                  .coefficients = 0x504000};
  try {
    EXPECT_EQ(text_of(commands_of(task, 0).words), line["words"].get<Words>());
  } catch (const Error& error) {
    EXPECT_LT(line["ret"].get<int>(), 0) << error.what();
    return Outcome::refused_likewise;
  }
  EXPECT_EQ(line["ret"], 0) << "the generator refuses it";
  return Outcome::equal;
}

struct Collection {
  const char* file;
  Check check;
};

const Collection kCollections[] = {{"vendor_runtime_small.jsonl", check_vendor},
                                   {"vendor_runtime_commands.jsonl", check_vendor},
                                   {"mtx512_regcmd.jsonl", check_mtx512},
                                   {"rocket_userspace_regcmd.jsonl", check_rocket},
                                   {"rocket_userspace_rk3576_conv1x1.jsonl", check_rk3576}};

void check_folder(const std::filesystem::path& folder) {
  size_t n_files = 0;
  for (const Collection& collection : kCollections) {
    if (!std::filesystem::exists(folder / collection.file)) continue;
    ++n_files;
    check_lines(folder / collection.file, collection.check);
  }
  EXPECT_GT(n_files, 0U);
}

TEST(RknpuStreams, OwnOnesAreReproduced) { check_folder(own_data()); }

TEST(RknpuStreams, Rk3576RefusesWhatItsFieldsDoNotHold) {
  const Rk3576Task fits{.m = 4, .k = 64, .n = 32};
  EXPECT_NO_THROW(commands_of(fits, 0));
  for (const auto& [m, k, n] : {std::array<uint32_t, 3>{0, 64, 32},
                                {5, 64, 32},
                                {4, 0, 32},
                                {4, 48, 32},
                                {4, 64, 40},
                                {4, 64, 8224},
                                {260, 1024, 32},
                                {0xfffffffc, 1024, 32}}) {
    const Rk3576Task task{.m = m, .k = k, .n = n};
    EXPECT_THROW(commands_of(task, 0), Error) << m << " x " << k << " x " << n;
  }
  EXPECT_THROW(commands_of(fits, 8), Error);
}

TEST(RknpuStreams, RecordedOnesAreReproduced) {
  WATTLE_NEEDS_GOLDEN("rknpu");
  check_folder(all_data());
}

}  // namespace
}  // namespace wattle::rknpu
