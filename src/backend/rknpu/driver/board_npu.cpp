// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/board_npu.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "backend/rknpu/driver/rocket_npu.h"
#include "backend/rknpu/driver/vendor_npu.h"
#include "wattle/error.h"

namespace wattle::rknpu {

std::unique_ptr<NpuDevice> open_board_npu(std::shared_ptr<Kernel> kernel) {
  std::string why;
  try {
    return open_vendor_npu(kernel);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    why = error.what();
  }
  try {
    return open_rocket_npu(std::move(kernel));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    throw Error(ErrorCode::unsupported, fmt::format("{}; {}", why, error.what()), error.hint());
  }
}

}  // namespace wattle::rknpu
