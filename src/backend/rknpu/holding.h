// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace wattle::rknpu {

// How the NPU comes by the packed weights of a matrix.
enum class Holding : uint8_t {
  resident,  // they stay in its memory
  streamed   // packed anew for each product, into a ring that all matrices share
};
inline constexpr std::array kHoldings{Holding::resident, Holding::streamed};

}  // namespace wattle::rknpu
