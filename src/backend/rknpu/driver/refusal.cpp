// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/refusal.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

void throw_refused(const std::string& what, int error) {
  const std::string text = fmt::format("{}: {}", what, std::strerror(error));
  switch (error) {
    case ENOMEM:
    case ENOSPC:
      throw Error(ErrorCode::out_of_memory, text,
                  "use another domain, keep fewer matrices on the NPU, or close other programs");
    case EMFILE:
    case ENFILE:
      throw Error(ErrorCode::io, text,
                  "raise the limit with `ulimit -n 65536`, or use fewer, larger buffers");
    case ENODEV:
    case ENXIO: throw NpuFault(NpuFault::Kind::lost, text, "open it again, or run on the CPU");
    default:
      throw NpuFault(NpuFault::Kind::failed, text,
                     "`sudo dmesg | tail` may say why; the processor can compute the same");
  }
}

void throw_job_refused(const std::string& what, int error) {
  if (error == ETIMEDOUT || error == EBUSY) {
    throw NpuFault(NpuFault::Kind::timeout, fmt::format("{}: {}", what, std::strerror(error)),
                   "reset the device; the processor can compute the same");
  }
  // No memory for a job, or a signal in between: whether it ran is not known.
  if (error == ENODEV || error == ENXIO) throw_refused(what, error);
  throw NpuFault(NpuFault::Kind::failed, fmt::format("{}: {}", what, std::strerror(error)),
                 "reset the device; `sudo dmesg | tail` may say why");
}

}  // namespace wattle::rknpu
