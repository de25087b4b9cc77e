// SPDX-License-Identifier: Apache-2.0
// The door `npu_command_list`: whatever words a list of tasks has, the simulated core ends, and
// reads and writes nothing but the memory that is mapped.
//
//   byte 0: driver, byte 1: tasks; for each: 16-byte steps to its commands, its words (16 bits
//   each); the rest is memory at kMemoryAt, commands and data alike
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "backend/rknpu/simulator/core.h"

namespace {

constexpr uint32_t kMemoryAt = 0x10000;
constexpr size_t kMemoryBytes = 8192;  // weights are no more, so that no task takes long
constexpr size_t kMaxTasks = 2;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wattle::rknpu;
  if (size < 2) return 0;
  const Form form = data[0] % 2 == 0 ? Form::vendor : Form::rocket;
  std::vector<NpuTask> tasks(1 + data[1] % kMaxTasks);
  size_t at = 2;
  for (NpuTask& task : tasks) {
    std::array<uint16_t, 2> fields{};
    if (size - at < sizeof fields) return 0;
    std::memcpy(fields.data(), data + at, sizeof fields);
    at += sizeof fields;
    task = {kMemoryAt + 16U * fields[0], fields[1]};
  }
  // Alone in its allocation: the sanitizer sees what is beyond.
  std::vector<std::byte> bytes(kMemoryBytes);
  std::memcpy(bytes.data(), data + at, std::min(size - at, bytes.size()));
  DeviceMemory memory;
  memory.map(kMemoryAt, bytes);
  Core core;
  core.run(memory, form, tasks);
  core.run(memory, form, tasks);  // with what the first run has left
  return 0;
}
