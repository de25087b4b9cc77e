// SPDX-License-Identifier: Apache-2.0
// The most memory that this process had at once.
#pragma once

#include <cstdint>

namespace wattle::measure {

// Bytes resident at most since the start, or since restart_peak_memory() where the system can do
// that (Linux with /proc; elsewhere it does nothing). Pages of a mapped model file count. 0 where
// the system does not tell.
uint64_t peak_memory_bytes();
void restart_peak_memory() noexcept;

}  // namespace wattle::measure
