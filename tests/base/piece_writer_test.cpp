// SPDX-License-Identifier: Apache-2.0
#include "base/piece_writer.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace wattle {
namespace {

constexpr size_t kPiece = PieceWriter::kPieceBytes;

std::vector<std::byte> numbered(size_t n, size_t first) {
  std::vector<std::byte> bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>((first + i) % 251);
  return bytes;
}

TEST(PieceWriter, WritesAllInOrderInPiecesThatEndAtMultiples) {
  constexpr size_t kBegin = 1000;  // of a file that is there already
  PieceWriter writer(kBegin);
  std::vector<std::byte> file;
  std::vector<size_t> ends;
  const auto sink = [&](std::span<const std::byte> piece) {
    file.insert(file.end(), piece.begin(), piece.end());
    ends.push_back(kBegin + file.size());
  };
  const size_t sizes[] = {1, 0, 70'000, kPiece - 5, 3 * kPiece, 12, 2 * kPiece + 1};
  size_t total = 0;
  for (const size_t n : sizes) {
    writer.write(numbered(n, total), sink);
    total += n;
  }
  for (const size_t end : ends) EXPECT_EQ(end % kPiece, 0u);
  EXPECT_EQ(ends.size(), (kBegin + total) / kPiece);
  writer.flush(sink);
  writer.flush(sink);
  EXPECT_EQ(file, numbered(total, 0));
}

// A sink that has written a part of a piece and then failed must not get that part again.
TEST(PieceWriter, WritesNothingTwiceWhereTheSinkThrows) {
  PieceWriter writer;
  writer.write(numbered(10, 0), [](std::span<const std::byte>) { FAIL() << "it is no piece yet"; });
  EXPECT_THROW(writer.flush([](std::span<const std::byte>) { throw std::runtime_error("full"); }),
               std::runtime_error);
  writer.flush([](std::span<const std::byte>) { FAIL() << "it was given out"; });
}

}  // namespace
}  // namespace wattle
