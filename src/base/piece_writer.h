// SPDX-License-Identifier: Apache-2.0
// Collects what is written to a file into large pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace wattle {

// The page cache keeps a file in pages as large as the writes that made it, where kernel and file
// system can, and a model in huge pages is read half as fast again: docs/perf/pages.md. So pieces
// end at multiples of kPieceBytes of the file, two huge pages of most processors.
class PieceWriter {
 public:
  static constexpr size_t kPieceBytes = size_t{4} << 20;

  explicit PieceWriter(uint64_t file_bytes = 0) : file_bytes_(file_bytes) {}

  // sink(bytes) writes at the end of the file, or throws. What it gets are whole pieces; the rest
  // waits for more.
  template <class Sink>
  void write(std::span<const std::byte> bytes, const Sink& sink) {
    while (!bytes.empty()) {
      const size_t room = kPieceBytes - (file_bytes_ + waiting_.size()) % kPieceBytes;
      const auto next = bytes.first(std::min(room, bytes.size()));
      if (waiting_.empty() && next.size() == room) {
        sink(next);
        file_bytes_ += next.size();
      } else {
        waiting_.insert(waiting_.end(), next.begin(), next.end());
        if (next.size() == room) flush(sink);
      }
      bytes = bytes.subspan(next.size());
    }
  }

  template <class Sink>
  void flush(const Sink& sink) {
    if (waiting_.empty()) return;
    file_bytes_ += waiting_.size();
    const auto piece =
        std::exchange(waiting_, {});  // not to be written twice where the sink throws
    sink(std::span<const std::byte>(piece));
  }

 private:
  uint64_t file_bytes_;  // without what waits
  std::vector<std::byte> waiting_;
};

}  // namespace wattle
