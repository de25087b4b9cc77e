// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/rk3576_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backend/rknpu/register_writer.h"
#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

constexpr uint32_t kEntryBytes = 64;  // of the buffer: a row of A takes whole ones
constexpr uint32_t kFeatureBytes = 256 * 1024;
constexpr uint32_t kMaxChannels = 8192;  // of k and n

void check(const Rk3576Task& task) {
  const auto refuse = [&](std::string_view why, std::string_view hint) {
    throw Error(
        ErrorCode::bad_input,
        fmt::format("an int8 product of {} x {} x {} on RK3576: {}", task.m, task.k, task.n, why),
        std::string(hint));
  };
  for (const uint32_t channels : {task.k, task.n}) {
    if (channels == 0 || channels % 32 != 0 || channels > kMaxChannels)
      refuse(fmt::format("{} columns, expected a multiple of 32 up to {}", channels, kMaxChannels),
             "pad with zeros, or cut the matrix in pieces");
  }
  if (task.m != 1 && (task.m == 0 || task.m % 4 != 0))
    refuse(fmt::format("{} rows, expected 1 or a multiple of 4", task.m), "pad the rows");
  const uint64_t row_bytes = (task.k + kEntryBytes - 1) / kEntryBytes * kEntryBytes;
  if (task.m * row_bytes > kFeatureBytes) {
    refuse(fmt::format("A takes {} bytes, expected {} at most", task.m * row_bytes, kFeatureBytes),
           "cut the rows in pieces");
  }
}

void write_cna(const Rk3576Task& task, RegisterWriter& out) {
  const uint32_t entries = (task.k + kEntryBytes - 1) / kEntryBytes;  // of a row
  out.to(Target::cna);
  out.set(0x100c, 0);  // int8
  out.set(0x1010, 0xfff);
  out.set(0x1014, 9);  // strides of 1
  out.set(0x1018, 0x40000404);
  out.set(0x101c, task.n * task.k);  // bytes of B
  out.set(0x1020, task.k);
  out.set(0x1024, task.n - 1);
  out.set(0x1028, pair(task.m * entries, task.k - 1));
  out.set(0x102c, task.m - 1);
  out.set(0x1030, pair(2 * task.k, 0));
  out.set(0x1034, task.m - 1);
  out.set(0x1038, 7);
  out.set(0x103c, pair(entries, 0));
  out.set(0x1040, 0x10000000);
  out.set(0x1044, pair(1, entries));
  out.set(0x1048, 0xb);  // features as they are
  out.set(0x104c, 0x10001);
  out.set(0x1050, 0x10001);
  out.clear(0x1054, 0x1074);
  out.set(0x1078, task.m - 1);
  out.set(0x107c, task.k - 1);
  out.set(0x1080, 0);
  out.set(0x1084, 0xffffff80);
  out.set(0x1088, task.a);
  out.set(0x108c, 0xf000f);  // bursts as long as there are
  out.set(0x1090, 4);
  out.set(0x1094, task.m);
  out.set(0x1098, std::max(4U, task.m));
  out.set(0x109c, 0);
  out.clear(0x1100, 0x1104);  // weights are not compressed
  out.set(0x1110, task.b);
  out.clear(0x1140, 0x1144);
  out.set(0x118c, 0);
}

void write_core(const Rk3576Task& task, RegisterWriter& out) {
  out.to(Target::core);
  out.set(0x3018, 0x10000001);
  out.set(0x301c, pair(task.m - 1, 0));
  out.set(0x3020, task.n - 1);
  out.set(0x3024, 0);
}

uint32_t data_format(Rk3576Task::Output output) {
  switch (output) {
    case Rk3576Task::Output::i8: return 0;
    case Rk3576Task::Output::i32: return 0x80000000;
    case Rk3576Task::Output::i32_wide: return 0x80000004;
  }
  return 0;
}

void write_dpu(const Rk3576Task& task, RegisterWriter& out) {
  constexpr uint32_t kLeast = 0x80000000;  // of 32 bits: what clips clips nothing
  constexpr uint32_t kMost = 0x7fffffff;
  const bool narrows = task.output == Rk3576Task::Output::i8;
  out.to(Target::dpu);
  out.set(0x400c, 0x40000004);
  out.set(0x4010, data_format(task.output));
  out.set(0x4014, 0);
  out.set(0x4018, task.c);
  out.set(0x401c, task.m);
  out.set(0x4020, 0);
  out.set(0x4024, task.m - 1);
  out.set(0x4028, 0);
  out.set(0x402c, task.n - 1);
  out.set(0x4030, pair(task.n - 1, 0x710));
  out.set(0x4034, pair(task.m - 1, 0));
  out.set(0x4038, 0x120080);
  out.set(0x403c, 0);
  out.set(0x4044, 1);
  out.set(0x4048, kLeast);
  out.set(0x404c, kMost);
  out.set(0x4050, 0x80011111);
  out.set(0x4058, kLeast);
  out.set(0x405c, kMost);
  out.set(0x4060, 0x903);
  out.set(0x406c, kLeast);
  out.set(0x4070, kMost);
  out.set(0x4074, kLeast);
  out.set(0x4078, kMost);
  out.set(0x407c, 0x10041c1);
  out.set(0x4080, 0);
  out.set(0x4084, 1);
  out.set(0x4088, kLeast);
  out.set(0x408c, kMost);
  out.clear(0x4090, 0x4094);
  out.set(0x409c, 0);
  out.set(0x40a4, kLeast);
  out.set(0x40a8, kMost);
  out.set(0x40ac, narrows ? 0xffffff80 : 0);  // what is added, the factor, and its shift
  out.set(0x40b0, narrows ? 0x4001 : 0x4000);
  out.set(0x40b4, 14);
  out.set(0x40b8, task.m);
  out.set(0x40bc, 0);
  out.set(0x40c0, 0x4440100);
  out.clear(0x40c8, 0x40cc);
  out.set(0x40d0, 0x40ffff);
  out.clear(0x4100, 0x4120);
  out.set(0x4130, 0);
  out.clear(0x4140, 0x4154);
  out.set(0x4160, 0);
  out.clear(0x4170, 0x4174);
  out.clear(0x4184, 0x4194);
}

void write_rdma(const Rk3576Task& task, RegisterWriter& out) {
  out.to(Target::dpu_rdma);
  out.set(0x500c, 0);
  out.set(0x5010, task.m - 1);
  out.set(0x5014, task.n - 1);
  out.set(0x5018, 0);
  out.set(0x501c, 0x710);
  out.set(0x5020, task.coefficients);
  out.set(0x5024, task.coefficients + 8 * task.n);
  out.clear(0x5028, 0x5030);
  out.set(0x5034, 0x41);
  out.set(0x5038, 0);
  out.set(0x5040, 0);
  out.set(0x5044, 0x40000010);
  out.clear(0x5048, 0x504c);
  out.set(0x5064, 0);
  out.set(0x506c, 0);
  out.clear(0x5078, 0x507c);
}

}  // namespace

std::optional<Rk3576Task::Output> rk3576_output_of(std::string_view name) noexcept {
  if (name == "i8" || name == "i8i8i32") return Rk3576Task::Output::i32;
  if (name == "i8i8i32-wide") return Rk3576Task::Output::i32_wide;
  if (name == "i8i8i8") return Rk3576Task::Output::i8;
  return std::nullopt;
}

std::vector<RegisterWrite> register_writes(const Rk3576Task& task) {
  check(task);
  std::vector<RegisterWrite> writes;
  RegisterWriter out(writes);
  constexpr uint32_t kBySets = 0xe;  // registers in two sets by turns
  out.to(Target::cna);
  out.set(0x1004, kBySets);
  out.to(Target::core);
  out.set(0x3004, kBySets);
  out.to(Target::cna);
  out.set(0x1038, 7);  // here and in its place, as recorded
  out.to(Target::dpu);
  out.set(0x4004, kBySets);
  out.to(Target::dpu_rdma);
  out.set(0x5004, kBySets);
  write_cna(task, out);
  write_core(task, out);
  write_dpu(task, out);
  write_rdma(task, out);
  return writes;
}

}  // namespace wattle::rknpu
