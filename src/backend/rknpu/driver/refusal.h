// SPDX-License-Identifier: Apache-2.0
// What it means for a caller that the kernel refused.
#pragma once

#include <string>

namespace wattle::rknpu {

// Throws what `error` (an errno) stands for when something was done to an open device:
// Error{out_of_memory}, Error{io} where the process may not open more files, NpuFault{lost}, else
// NpuFault{failed}. `what` names driver and request.
[[noreturn]] void throw_refused(const std::string& what, int error);

// The same for a job: also NpuFault{timeout}.
[[noreturn]] void throw_job_refused(const std::string& what, int error);

}  // namespace wattle::rknpu
