// SPDX-License-Identifier: Apache-2.0
#include "runtime/page_in.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace wattle::runtime {
namespace {

// One step of progress; also what the kernel is asked to read ahead while a piece is waited for.
constexpr size_t kPieceBytes = size_t{4} << 20;
constexpr size_t kHugeBytes = size_t{2} << 20;

// By default the kernel reads this much ahead, so that what is missing is seldom less. To ask for
// each page took a tenth of a second for 14 GB (docs/perf/gemma4-26b-a4b.md).
constexpr size_t kSampleBytes = size_t{128} << 10;

// Advice: where the kernel does not say, it counts as missing.
bool is_in_memory(const std::byte* at) {
  unsigned char flags = 0;
  return ::mincore(const_cast<std::byte*>(at), 1, &flags) == 0 && (flags & 1) != 0;
}

bool looks_complete(std::span<const std::byte> piece) {
  for (size_t begin = 0; begin < piece.size(); begin += kSampleBytes) {
    if (!is_in_memory(piece.data() + begin)) return false;
  }
  return true;
}

class Reader {
 public:
  Reader() : page_bytes_(static_cast<size_t>(::sysconf(_SC_PAGESIZE))) {}

  // piece: as much of `rest` as is waited for.
  void bring_in(std::span<const std::byte> piece, std::span<const std::byte> rest) {
    if (!huge_pages_) {
      ::madvise(const_cast<std::byte*>(rest.data()), std::min(2 * kPieceBytes, rest.size()),
                MADV_WILLNEED);
    }
    for (size_t at = 0; at < piece.size(); at += kHugeBytes) {
      const auto huge = piece.subspan(at, std::min(kHugeBytes, piece.size() - at));
      const bool was_there = is_in_memory(huge.data()) || is_in_memory(&huge.back());
      touch(huge.first(1));
      if (huge_pages_ && !was_there && !looks_complete(huge)) huge_pages_ = false;
      touch(huge);
    }
  }

 private:
  void touch(std::span<const std::byte> bytes) const {
    const volatile std::byte* p = bytes.data();
    for (size_t at = 0; at < bytes.size(); at += page_bytes_) static_cast<void>(p[at]);
  }

  const size_t page_bytes_;
  // A mapping that wants huge pages (base/mapped_file.h) gets one for the first byte that is
  // touched of it. What is read ahead by other means lies in small pages, for as long as the page
  // cache has it; so that is asked for only once a touch has brought less.
  bool huge_pages_ = true;
};

}  // namespace

bool page_in(std::span<const std::span<const std::byte>> mappings,
             const std::function<bool(uint64_t done, uint64_t total)>& on_progress) {
  Reader reader;
  uint64_t total = 0;
  for (const auto& mapping : mappings) total += mapping.size();

  uint64_t done = 0;
  for (const auto& mapping : mappings) {
    for (size_t begin = 0; begin < mapping.size(); begin += kPieceBytes) {
      const auto piece = mapping.subspan(begin, std::min(kPieceBytes, mapping.size() - begin));
      if (!looks_complete(piece)) reader.bring_in(piece, mapping.subspan(begin));
      done += piece.size();
      if (on_progress && !on_progress(done, total)) return false;
    }
  }
  return true;
}

}  // namespace wattle::runtime
