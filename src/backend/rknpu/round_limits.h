// SPDX-License-Identifier: Apache-2.0
// What a round of products holds at most: as its buffers, its costs and the memory it is planned to
// take have it.
#pragma once

#include <cstddef>

namespace wattle::rknpu {

inline constexpr size_t kRoundRows = 512;  // of x, packed at once
// Of each core.
inline constexpr size_t kRoundOutputBytes = size_t{4} << 20;
inline constexpr size_t kRoundCommandBytes = size_t{2} << 20;
inline constexpr size_t kTaskCommandBytes = 0x400;  // at most
inline constexpr size_t kRoundsAtOnce = 2;          // one is made or read while the other runs

}  // namespace wattle::rknpu
