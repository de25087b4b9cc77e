// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "wattle/error.h"

namespace wattle::runtime {
namespace {

std::string mib(uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

// The longest context of at most `at_most` positions that takes no more than `bytes`.
uint32_t longest_that_fits(const KvLayout& layout, uint64_t bytes, uint32_t at_most) {
  uint32_t fits = 0;
  uint32_t too_long = at_most;
  while (fits + 1 < too_long) {
    const uint32_t middle = fits + (too_long - fits) / 2;
    (layout.sequence_bytes(middle) <= bytes ? fits : too_long) = middle;
  }
  return fits;
}

}  // namespace

void check_context_fits(const KvLayout& layout, uint32_t n_ctx, std::optional<uint64_t> available,
                        uint64_t promised) {
  if (!available) return;
  const uint64_t free = *available - std::min(*available, promised);
  const uint64_t needed = layout.sequence_bytes(n_ctx);
  if (needed <= free) return;

  const uint32_t fits = longest_that_fits(layout, free, n_ctx);
  throw Error(
      ErrorCode::out_of_memory,
      fmt::format("a context of {} tokens needs {} for its keys and values, but only {} of "
                  "memory is free{}",
                  n_ctx, mib(needed), mib(free), promised > 0 ? " beside the open sessions" : ""),
      fits > 0 ? fmt::format("-c {} fits; q8_0 keys and values (-ctk q8_0 -ctv q8_0) take "
                             "about half of f16",
                             fits)
               : "close other programs, or use a machine with more memory");
}

}  // namespace wattle::runtime
