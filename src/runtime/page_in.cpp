// SPDX-License-Identifier: Apache-2.0
#include "runtime/page_in.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace wattle::runtime {
namespace {

// One step of progress; also what the kernel is asked to read ahead while a piece is waited for.
constexpr size_t kPieceBytes = size_t{4} << 20;

void touch(std::span<const std::byte> piece, size_t page_bytes, std::span<const unsigned char> in) {
  const volatile std::byte* bytes = piece.data();
  for (size_t page = 0; page < in.size(); ++page) {
    if ((in[page] & 1) == 0) static_cast<void>(bytes[page * page_bytes]);
  }
}

}  // namespace

bool page_in(std::span<const std::span<const std::byte>> mappings,
             const std::function<bool(uint64_t done, uint64_t total)>& on_progress) {
  const auto page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  uint64_t total = 0;
  for (const auto& mapping : mappings) total += mapping.size();

  std::vector<unsigned char> in_memory;
  uint64_t done = 0;
  for (const auto& mapping : mappings) {
    for (size_t begin = 0; begin < mapping.size(); begin += kPieceBytes) {
      const auto piece = mapping.subspan(begin, std::min(kPieceBytes, mapping.size() - begin));
      const size_t n_ahead = std::min(2 * kPieceBytes, mapping.size() - begin);
      void* const address = const_cast<std::byte*>(piece.data());  // mincore and madvise only ask
      in_memory.assign((piece.size() + page_bytes - 1) / page_bytes, 0);
      // Both calls are advice: where one fails, touching the pages still brings them in.
      const bool known = ::mincore(address, piece.size(), in_memory.data()) == 0;
      if (!known || std::any_of(in_memory.begin(), in_memory.end(),
                                [](unsigned char flags) { return (flags & 1) == 0; })) {
        ::madvise(address, n_ahead, MADV_WILLNEED);
        touch(piece, page_bytes, in_memory);
      }
      done += piece.size();
      if (on_progress && !on_progress(done, total)) return false;
    }
  }
  return true;
}

}  // namespace wattle::runtime
