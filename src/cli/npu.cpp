// SPDX-License-Identifier: Apache-2.0
// `wattle npu`: command lists of the NPU, written and read; products run by it or a simulated one.
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "backend/rknpu/listing.h"
#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/pack.h"
#include "backend/rknpu/program.h"
#include "cli/commands.h"
#include "cli/npu_selftest.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/text_file.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

constexpr size_t kMaxListingBytes = size_t{64} << 20;

struct NpuFlags {
  std::string action;
  std::string chip = "rk3588";
  std::string type;
  uint32_t commands = 0x10000000;  // room for 128 MiB of them, and for as much of A
  rknpu::Matmul matmul{.a = 0x18000000, .b = 0x20000000, .c = 0x30000000};
  uint32_t coefficients = 0x38000000;  // of RK3576
  std::string orientation;             // empty: native, or the one that the mainline driver has
  std::string form = "vendor";
  std::string runtime = "1.6";
  bool weight_reuse = false;
  bool data_reuse = false;
  std::string device = "sim";
  std::string faults;
  bool json = false;
};

rknpu::Orientation orientation_of(const std::string& name, rknpu::Form form) {
  if (name == "row-major") return rknpu::Orientation::row_major;
  const bool is_column = name.empty() ? form == rknpu::Form::rocket : name == "column";
  return is_column ? rknpu::Orientation::column : rknpu::Orientation::native;
}

rknpu::Form form_of(const std::string& name) {
  return name == "rocket" ? rknpu::Form::rocket : rknpu::Form::vendor;
}

void check_address(std::string_view flag, uint32_t address, uint64_t bytes) {
  if (bytes <= rknpu::kAddressEnd - address) return;
  throw Error(ErrorCode::usage,
              fmt::format("wattle npu emit: {} is {:#x}, and {} bytes from there do not end below "
                          "4 GiB",
                          flag, address, bytes),
              "addresses of the NPU have 32 bits");
}

rknpu::Chip chip_of(const NpuFlags& flags) {
  return flags.chip == "rk3576" ? rknpu::Chip::rk3576 : rknpu::Chip::rk3588;
}

std::vector<rknpu::TaskCommands> program_of_rk3576(const NpuFlags& flags) {
  const auto output = rknpu::rk3576_output_of(flags.type);
  if (!output || !flags.orientation.empty() || flags.weight_reuse || flags.data_reuse) {
    throw Error(ErrorCode::usage,
                "wattle npu emit: of RK3576 there are products of --type i8 (i8i8i32), "
                "i8i8i32-wide and i8i8i8, without --orientation and reuse",
                "wattle npu emit --chip rk3576 --type i8 --m 4 --k 512 --n 64");
  }
  const rknpu::Rk3576Task task{.output = *output,
                               .m = flags.matmul.m,
                               .k = flags.matmul.k,
                               .n = flags.matmul.n,
                               .a = flags.matmul.a,
                               .b = flags.matmul.b,
                               .c = flags.matmul.c,
                               .coefficients = flags.coefficients};
  const rknpu::TaskCommands commands = rknpu::commands_of(task, flags.commands);
  const uint64_t c_bytes = uint64_t{task.m} * task.n * sizeof(int32_t);
  check_address("--a", task.a, uint64_t{task.m} * task.k);
  check_address("--b", task.b, uint64_t{task.k} * task.n);
  check_address("--c", task.c, c_bytes);
  check_address("--coefficients", task.coefficients, uint64_t{16} * task.n);
  return {commands};
}

std::vector<rknpu::TaskCommands> program_of(const NpuFlags& flags) {
  if (chip_of(flags) == rknpu::Chip::rk3576) return program_of_rk3576(flags);
  const rknpu::Form form = form_of(flags.form);
  const auto runtime = flags.runtime == "1.5" ? rknpu::Runtime::v1_5 : rknpu::Runtime::v1_6;
  rknpu::Matmul matmul = flags.matmul;
  const auto type = rknpu::matmul_type_of(flags.type);
  if (!type) {
    throw Error(ErrorCode::usage,
                fmt::format("wattle npu emit: --type is '{}', expected f16, i8, i4 or f16f16f16",
                            flags.type),
                "it names the elements of A and B");
  }
  matmul.type = *type;
  if (matmul.m == 0 || matmul.k == 0 || matmul.n == 0) {
    throw Error(ErrorCode::usage, "wattle npu emit: --m, --k and --n say the sizes, 1 at least",
                "wattle npu emit --type i8 --m 4 --k 512 --n 256");
  }
  const rknpu::Orientation orientation = orientation_of(flags.orientation, form);
  std::vector<rknpu::MatmulTask> tasks = rknpu::plan_matmul(matmul, orientation, form, runtime);
  check_address("--a", matmul.a, bytes_of_a(matmul, orientation));
  check_address("--b", matmul.b, bytes_of_b(matmul));
  check_address("--c", matmul.c, bytes_of_c(matmul, orientation));
  for (rknpu::MatmulTask& task : tasks) {
    task.weight_reuse |= flags.weight_reuse;
    task.data_reuse |= flags.data_reuse;
  }
  return rknpu::commands_of(tasks, form, flags.commands);
}

int emit(const NpuFlags& flags) {
  const std::vector<rknpu::TaskCommands> program = program_of(flags);
  if (flags.json) {
    nlohmann::json tasks = nlohmann::json::array();
    for (const rknpu::TaskCommands& task : program) {
      nlohmann::json words = nlohmann::json::array();
      for (const uint64_t word : task.words) words.push_back(fmt::format("{:016x}", word));
      tasks.push_back({{"address", fmt::format("{:x}", task.address)}, {"words", words}});
    }
    print_out(nlohmann::json{{"tasks", tasks}}.dump(1) + "\n");
    return kExitOk;
  }
  for (size_t i = 0; i < program.size(); ++i) {
    print_out(fmt::format("# task {}: {}; commands at {:#x}\n", i,
                          rknpu::summary(program[i].words, chip_of(flags)), program[i].address));
    for (const uint64_t word : program[i].words)
      print_out(rknpu::annotated(word, chip_of(flags)) + "\n");
  }
  return kExitOk;
}

int decode(rknpu::Chip chip) {
  const std::vector<uint64_t> words = rknpu::parse_listing(read_text_file("-", kMaxListingBytes));
  if (words.empty()) {
    throw Error(ErrorCode::bad_input, "no command words on standard input",
                "`wattle npu emit --type i8 --m 4 --k 512 --n 256` prints some");
  }
  for (const uint64_t word : words) print_out(rknpu::annotated(word, chip) + "\n");
  const auto tasks = rknpu::tasks_of(words);
  for (size_t i = 0; i < tasks.size(); ++i)
    print_out(fmt::format("# task {}: {}\n", i, rknpu::summary(tasks[i], chip)));
  return kExitOk;
}

int run_action(const NpuFlags& flags) {
  if (flags.action == "emit") return emit(flags);
  if (flags.action == "decode") return decode(chip_of(flags));
  const auto device =
      open_npu({.device = flags.device, .form = form_of(flags.form), .faults = flags.faults});
  const NpuSelftest selftest = run_npu_selftest(*device, !flags.json);
  if (flags.json) print_out(selftest.report.dump(1) + "\n");
  return selftest.passed ? kExitOk : kExitFailure;
}

}  // namespace

Command add_npu(CLI::App& program) {
  auto flags = std::make_shared<NpuFlags>();
  CLI::App* app =
      program.add_subcommand("npu", "the RK3588's NPU: write or read command lists, test a device");
  app->add_option("ACTION", flags->action,
                  "emit: the commands of a product C = A B; decode: what commands on stdin say; "
                  "selftest: products on a device, compared with plain arithmetic")
      ->required()
      ->check(CLI::IsMember({"emit", "decode", "selftest"}));
  app->add_option("--chip", flags->chip,
                  "emit and decode: rk3588 (default), or rk3576, of which there are products of "
                  "int8 in one task")
      ->check(CLI::IsMember({"rk3588", "rk3576"}))
      ->type_name("CHIP");
  app->add_option("--type", flags->type, "elements of A and B: f16, i8, i4; f16f16f16: C in f16")
      ->type_name("TYPE");
  app->add_option("--m", flags->matmul.m, "rows of A and C")->type_name("N");
  app->add_option("--k", flags->matmul.k, "columns of A, rows of B")->type_name("N");
  app->add_option("--n", flags->matmul.n, "columns of B and C")->type_name("N");
  app->add_option("--orientation", flags->orientation,
                  "how rows of A lie: native (default), column (default of the form rocket) or "
                  "row-major")
      ->check(CLI::IsMember({"native", "column", "row-major"}))
      ->type_name("HOW");
  app->add_option("--form", flags->form, "kernel driver: vendor (default) or rocket (mainline)")
      ->check(CLI::IsMember({"vendor", "rocket"}))
      ->type_name("DRIVER");
  app->add_option("--runtime", flags->runtime,
                  "whose rules of cutting into tasks: 1.6 (default) or 1.5")
      ->check(CLI::IsMember({"1.5", "1.6"}))
      ->type_name("VERSION");
  app->add_option("--a", flags->matmul.a, "address of A for the NPU (default 0x18000000)")
      ->type_name("ADDRESS");
  app->add_option("--b", flags->matmul.b, "address of B (default 0x20000000)")
      ->type_name("ADDRESS");
  app->add_option("--c", flags->matmul.c, "address of C (default 0x30000000)")
      ->type_name("ADDRESS");
  app->add_option("--coefficients", flags->coefficients,
                  "rk3576: address of what its outputs pass (default 0x38000000)")
      ->type_name("ADDRESS");
  app->add_option("--commands", flags->commands, "address of the commands (default 0x10000000)")
      ->type_name("ADDRESS");
  app->add_flag("--weight-reuse", flags->weight_reuse, "the task before left the same weights");
  app->add_flag("--data-reuse", flags->data_reuse, "the task before left the same features");
  app->add_option("--device", flags->device,
                  "selftest: sim (default), a simulator of the NPU with the driver of --form; the "
                  "board's NPU through the kernel driver vendor or rocket")
      ->check(CLI::IsMember({"sim", "vendor", "rocket"}))
      ->type_name("DEVICE");
  app->add_option("--faults", flags->faults,
                  "selftest: what shall go wrong in the simulator, such as timeout@3,corrupted/10")
      ->type_name("PLAN");
  app->add_flag("--json", flags->json, "emit: words alone, as JSON; selftest: the report");
  app->footer(
      "wattle npu emit --type i8 --m 4 --k 512 --n 256\n"
      "wattle npu emit --type i4 --m 2 --k 64 --n 64 | wattle npu decode\n"
      "wattle npu emit --chip rk3576 --type i8 --m 4 --k 512 --n 64\n"
      "wattle npu selftest\n"
      "Nothing of this has been run on silicon by us. docs/npu.md says what is proven, and how.");
  return {app, [flags] { return run_action(*flags); }};
}

}  // namespace wattle::cli
