// SPDX-License-Identifier: Apache-2.0
// The file in which llama-perplexity keeps log probabilities (--kl-divergence-base), so that two
// engines can be compared on the same text. All little-endian:
//
//   "_logits_" | u32 n_ctx | i32 n_vocab | i32 n_chunk | i32 tokens[n_chunk][n_ctx]
//   n_chunk times, n_ctx - 1 - n_ctx / 2 rows each:
//     f32 scale | f32 lowest | u16 codes[n_vocab], and one more where n_vocab is odd
//
// The log probability of a token is lowest + scale * code; whatever is less than e^-16 times as
// likely as the likeliest has code 0. The rows follow the positions n_ctx / 2 to n_ctx - 2 of a
// chunk: the first half of it is only there to give the rest a context.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/mapped_file.h"
#include "wattle/token.h"

namespace wattle::measure {

// n_ctx: tokens of a chunk.
constexpr uint32_t first_scored_position(uint32_t n_ctx) noexcept { return n_ctx / 2; }
constexpr uint32_t scored_positions(uint32_t n_ctx) noexcept { return n_ctx - 1 - n_ctx / 2; }

struct LogitsFileHeader {
  uint32_t n_ctx = 0;    // at least 3
  uint32_t n_vocab = 0;  // at least 1
  uint32_t n_chunk = 0;  // at least 1
};

// One row as it lies in the file.
class LogProbs {
 public:
  explicit LogProbs(std::span<const std::byte> bytes);

  float operator[](size_t token) const noexcept;
  // out [n_vocab]
  void decode(std::span<float> out) const noexcept;

 private:
  std::span<const std::byte> bytes_;
  float scale_;
  float lowest_;
};

// Reads a file in place. Every byte of it may be wrong: what is in view afterwards lies inside it,
// tokens are of the vocabulary, and the numbers are finite.
class LogitsFile {
 public:
  // Throws Error{io, bad_input} naming file, found and expected.
  explicit LogitsFile(const std::filesystem::path& path);
  // Borrows the bytes.
  LogitsFile(std::span<const std::byte> bytes, std::string name);

  const LogitsFileHeader& header() const noexcept { return header_; }
  const std::vector<TokenId>& tokens() const noexcept { return tokens_; }  // [n_chunk * n_ctx]
  // row < scored_positions(n_ctx). Throws Error{bad_input} for numbers that are none.
  LogProbs row(uint32_t chunk, uint32_t row) const;

 private:
  void parse(std::span<const std::byte> bytes);

  MappedFile mapping_;
  std::string name_;
  LogitsFileHeader header_;
  std::vector<TokenId> tokens_;
  std::span<const std::byte> rows_;
};

// Writes one; it appears complete or not at all.
class LogitsFileWriter {
 public:
  // tokens [n_chunk * n_ctx]. Throws Error{io}.
  LogitsFileWriter(const std::filesystem::path& path, const LogitsFileHeader& header,
                   std::span<const TokenId> tokens);

  // logits [n_vocab]; row by row, chunk by chunk.
  void add(std::span<const float> logits);
  // Once, after the last row.
  void commit();

 private:
  LogitsFileHeader header_;
  AtomicFile file_;
  std::vector<std::byte> row_;
};

}  // namespace wattle::measure
