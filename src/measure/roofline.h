// SPDX-License-Identifier: Apache-2.0
// What this machine can do at most, measured: bytes read from memory and int8 multiplications and
// additions per second. Speeds are stated as shares of these.
#pragma once

#include "base/thread_pool.h"

namespace wattle::measure {

// Bytes per second, the best of a few readings of 256 MiB by all threads of the pool. Takes about
// 0.2 s, and the memory while it runs; throws std::bad_alloc.
double measure_read_bandwidth(ThreadPool& pool);

// Multiplications and additions of int8 per second, by all threads, with the fastest instructions
// that a kernel set is built on and this processor has; 0 where there are none. Takes about 0.1 s.
double measure_int8_peak(ThreadPool& pool);

}  // namespace wattle::measure
