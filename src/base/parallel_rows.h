// SPDX-License-Identifier: Apache-2.0
// Row loops over a thread pool that do not wake a thread for work too small to share.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/thread_pool.h"

namespace wattle {

// Handing a job to spinning workers and waiting for them costs about a microsecond, as much as one
// thread needs for some thousand floats of element-wise work.
inline constexpr size_t kMinParallelFloats = 16 * 1024;
// The same in multiplications and additions, of which a thread does more in that time.
inline constexpr size_t kMinParallelMacs = 32 * 1024;
inline constexpr size_t kChunkFloats = 8 * 1024;

// Calls fn(begin, end, thread) for pieces that cover [0, n_rows). row_floats: what one row costs,
// in floats read by an element-wise loop. Rows must be independent of each other: where the pieces
// are cut is not part of the result.
template <class Fn>
void parallel_rows(ThreadPool& pool, size_t n_rows, size_t row_floats, const Fn& fn) noexcept {
  if (n_rows == 0) return;
  const size_t cost = std::max<size_t>(1, row_floats);
  if (pool.size() == 1 || n_rows == 1 || n_rows * cost < kMinParallelFloats) {
    fn(size_t{0}, n_rows, size_t{0});
    return;
  }
  const size_t chunk_rows = std::max<size_t>(1, kChunkFloats / cost);
  pool.parallel_for((n_rows + chunk_rows - 1) / chunk_rows, [&](size_t chunk, size_t thread) {
    const size_t begin = chunk * chunk_rows;
    fn(begin, std::min(n_rows, begin + chunk_rows), thread);
  });
}

}  // namespace wattle
