// SPDX-License-Identifier: Apache-2.0
#include "runtime/page_in.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace wattle::runtime {
namespace {

// One step of progress; also what the kernel is asked to read ahead while a piece is waited for.
constexpr size_t kPieceBytes = size_t{4} << 20;
constexpr size_t kHugeBytes = size_t{2} << 20;
constexpr size_t kSmallestPage = size_t{4} << 10;

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

// Of one mapping.
//
// A mapping that wants huge pages (base/mapped_file.h) gets one for the first byte that is touched
// of 2 MiB of which nothing is there. What comes by other ways lies in small pages for as long as
// the page cache has it: what is asked for ahead, and what the kernel reads ahead of touches unless
// they began with the file (Linux 6.18), so that is switched off. To touch one after the other is
// as fast.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> mapping)
      : mapping_(mapping), page_bytes_(static_cast<size_t>(::sysconf(_SC_PAGESIZE))) {
    advise(mapping_, MADV_RANDOM);
  }
  ~Reader() { advise(mapping_, MADV_NORMAL); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // A piece of the mapping of which something is missing; pieces come in order.
  void bring_in(size_t begin, size_t size) {
    if (!huge_pages_) {
      advise(mapping_.subspan(begin, std::min(2 * kPieceBytes, mapping_.size() - begin)),
             MADV_WILLNEED);
    }
    for (size_t at = begin; at < begin + size; at += kHugeBytes) {
      const auto huge = mapping_.subspan(at, std::min(kHugeBytes, mapping_.size() - at));
      if (huge_pages_ && !holds_any(huge) && came_by_one_touch(huge)) continue;
      advise(huge, MADV_WILLNEED);
      touch(huge);
    }
  }

 private:
  bool came_by_one_touch(std::span<const std::byte> huge) {
    touch(huge.first(1));
    const bool came = looks_complete(huge);
    seen_one_ |= came;
    huge_pages_ = seen_one_;  // once one has come, there was no room for this one
    return came;
  }

  bool holds_any(std::span<const std::byte> huge) const {
    std::array<unsigned char, kHugeBytes / kSmallestPage> flags{};
    return ::mincore(const_cast<std::byte*>(huge.data()), huge.size(), flags.data()) != 0 ||
           std::ranges::any_of(flags, [](unsigned char f) { return (f & 1) != 0; });
  }

  static void advise(std::span<const std::byte> bytes, int advice) {
    ::madvise(const_cast<std::byte*>(bytes.data()), bytes.size(), advice);
  }

  void touch(std::span<const std::byte> bytes) const {
    const volatile std::byte* p = bytes.data();
    for (size_t at = 0; at < bytes.size(); at += page_bytes_) static_cast<void>(p[at]);
  }

  const std::span<const std::byte> mapping_;
  const size_t page_bytes_;
  bool huge_pages_ = true;  // of files are what this kernel has, as far as is known
  bool seen_one_ = false;
};

}  // namespace

bool page_in(std::span<const std::span<const std::byte>> mappings,
             const std::function<bool(uint64_t done, uint64_t total)>& on_progress) {
  uint64_t total = 0;
  for (const auto& mapping : mappings) total += mapping.size();

  uint64_t done = 0;
  for (const auto& mapping : mappings) {
    Reader reader(mapping);
    for (size_t begin = 0; begin < mapping.size(); begin += kPieceBytes) {
      const size_t size = std::min(kPieceBytes, mapping.size() - begin);
      if (!looks_complete(mapping.subspan(begin, size))) reader.bring_in(begin, size);
      done += size;
      if (on_progress && !on_progress(done, total)) return false;
    }
  }
  return true;
}

}  // namespace wattle::runtime
