// SPDX-License-Identifier: Apache-2.0
#include "runtime/page_in.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace wattle::runtime {
namespace {

// One step of progress; also what the kernel is asked to read ahead while a piece is waited for.
constexpr size_t kPieceBytes = size_t{4} << 20;

// By default the kernel reads this much ahead, so that what is missing is seldom less. To ask for
// each page took a tenth of a second for 14 GB (docs/perf/gemma4-26b-a4b.md).
constexpr size_t kSampleBytes = size_t{128} << 10;

// Advice: where the kernel does not say, a piece counts as missing.
bool looks_complete(std::span<const std::byte> piece) {
  for (size_t begin = 0; begin < piece.size(); begin += kSampleBytes) {
    unsigned char flags = 0;
    void* const address = const_cast<std::byte*>(piece.data() + begin);
    if (::mincore(address, 1, &flags) != 0 || (flags & 1) == 0) return false;
  }
  return true;
}

void bring_in(std::span<const std::byte> piece, size_t n_ahead, size_t page_bytes) {
  ::madvise(const_cast<std::byte*>(piece.data()), n_ahead, MADV_WILLNEED);
  const volatile std::byte* bytes = piece.data();
  for (size_t at = 0; at < piece.size(); at += page_bytes) static_cast<void>(bytes[at]);
}

}  // namespace

bool page_in(std::span<const std::span<const std::byte>> mappings,
             const std::function<bool(uint64_t done, uint64_t total)>& on_progress) {
  const auto page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  uint64_t total = 0;
  for (const auto& mapping : mappings) total += mapping.size();

  uint64_t done = 0;
  for (const auto& mapping : mappings) {
    for (size_t begin = 0; begin < mapping.size(); begin += kPieceBytes) {
      const auto piece = mapping.subspan(begin, std::min(kPieceBytes, mapping.size() - begin));
      if (!looks_complete(piece)) {
        bring_in(piece, std::min(2 * kPieceBytes, mapping.size() - begin), page_bytes);
      }
      done += piece.size();
      if (on_progress && !on_progress(done, total)) return false;
    }
  }
  return true;
}

}  // namespace wattle::runtime
