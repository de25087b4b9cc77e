// SPDX-License-Identifier: Apache-2.0
#include "measure/logits_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>

#include "base/assert.h"
#include "measure/softmax.h"
#include "wattle/error.h"

namespace wattle::measure {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is read as it lies in memory");

constexpr std::string_view kMagic = "_logits_";
constexpr size_t kHeaderBytes = 8 + 3 * 4;
constexpr size_t kScalesBytes = 2 * sizeof(float);
constexpr float kDepth = 16;  // in nats below the likeliest
constexpr float kLargestCode = 65535;
// Far above any there is. The product of two fits 64 bits, that of all three does not.
constexpr uint32_t kMaxContext = uint32_t{1} << 24;
constexpr uint32_t kMaxVocabulary = uint32_t{1} << 24;
constexpr uint32_t kMaxChunks = uint32_t{1} << 24;

uint64_t row_size_bytes(uint32_t n_vocab) {
  return kScalesBytes + sizeof(uint16_t) * (uint64_t{n_vocab} + n_vocab % 2);
}

template <class T>
T load(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace

LogProbs::LogProbs(std::span<const std::byte> bytes)
    : bytes_(bytes), scale_(load<float>(bytes, 0)), lowest_(load<float>(bytes, sizeof(float))) {}

float LogProbs::operator[](size_t token) const noexcept {
  return lowest_ + scale_ * static_cast<float>(
                                load<uint16_t>(bytes_, kScalesBytes + token * sizeof(uint16_t)));
}

void LogProbs::decode(std::span<float> out) const noexcept {
  for (size_t i = 0; i < out.size(); ++i) out[i] = (*this)[i];
}

LogitsFile::LogitsFile(const std::filesystem::path& path) : mapping_(path), name_(path.string()) {
  parse(mapping_.bytes());
}

LogitsFile::LogitsFile(std::span<const std::byte> bytes, std::string name)
    : name_(std::move(name)) {
  parse(bytes);
}

void LogitsFile::parse(std::span<const std::byte> bytes) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: {}", name_, what),
                "a file that `wattle perplexity` or `llama-perplexity` "
                "wrote with --kl-divergence-base is expected");
  };
  if (bytes.size() < kHeaderBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    fail("does not begin as a file of logits");
  }
  const auto field = [&](const char* what, size_t index, uint32_t min, uint32_t max) {
    const auto value = load<uint32_t>(bytes, kMagic.size() + index * sizeof(uint32_t));
    if (value < min || value > max) {
      fail(fmt::format("{} is {}, expected {} to {}", what, value, min, max));
    }
    return value;
  };
  header_ = {.n_ctx = field("n_ctx", 0, 3, kMaxContext),
             .n_vocab = field("n_vocab", 1, 1, kMaxVocabulary),
             .n_chunk = field("n_chunk", 2, 1, kMaxChunks)};
  const uint64_t n_tokens = uint64_t{header_.n_ctx} * header_.n_chunk;
  const uint64_t n_rows = uint64_t{header_.n_chunk} * scored_positions(header_.n_ctx);
  const uint64_t row_size = row_size_bytes(header_.n_vocab);
  const uint64_t before_rows = kHeaderBytes + n_tokens * sizeof(int32_t);
  if (bytes.size() < before_rows || (bytes.size() - before_rows) / row_size != n_rows ||
      (bytes.size() - before_rows) % row_size != 0) {
    fail(
        fmt::format("{} bytes, expected {} and {} rows of {} for {} chunks of {} tokens and a "
                    "vocabulary of {}",
                    bytes.size(), before_rows, n_rows, row_size, header_.n_chunk, header_.n_ctx,
                    header_.n_vocab));
  }
  tokens_.reserve(n_tokens);
  for (uint64_t i = 0; i < n_tokens; ++i) {
    const auto id = load<int32_t>(bytes, kHeaderBytes + i * sizeof(int32_t));
    if (id < 0 || static_cast<uint32_t>(id) >= header_.n_vocab) {
      fail(fmt::format("token {} is {}, expected 0 to {}", i, id, header_.n_vocab - 1));
    }
    tokens_.push_back(TokenId{id});
  }
  rows_ = bytes.subspan(before_rows);
}

LogProbs LogitsFile::row(uint32_t chunk, uint32_t row) const {
  WATTLE_ASSERT(chunk < header_.n_chunk && row < scored_positions(header_.n_ctx));
  const uint64_t size = row_size_bytes(header_.n_vocab);
  const uint64_t index = uint64_t{chunk} * scored_positions(header_.n_ctx) + row;
  const auto bytes = rows_.subspan(index * size, size);
  const auto scale = load<float>(bytes, 0);
  const auto lowest = load<float>(bytes, sizeof(float));
  // A log probability is never positive; rounding may make it look so.
  constexpr float kAlmostZero = 0.01f;
  if (!(scale >= 0) || !std::isfinite(lowest) || !(lowest + scale * kLargestCode <= kAlmostZero)) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: row {} of chunk {}: from {} in steps of {} are no log "
                            "probabilities",
                            name_, row, chunk, lowest, scale),
                "the file is damaged, or the model that made it gave numbers that are none");
  }
  return LogProbs(bytes);
}

LogitsFileWriter::LogitsFileWriter(const std::filesystem::path& path,
                                   const LogitsFileHeader& header, std::span<const TokenId> tokens)
    : header_(header), file_(path), row_(row_size_bytes(header.n_vocab)) {
  WATTLE_ASSERT(tokens.size() == size_t{header.n_ctx} * header.n_chunk);
  file_.write(std::as_bytes(std::span(kMagic)));
  const uint32_t fields[] = {header.n_ctx, header.n_vocab, header.n_chunk};
  file_.write(std::as_bytes(std::span(fields)));
  file_.write(std::as_bytes(tokens));
}

void LogitsFileWriter::add(std::span<const float> logits) {
  WATTLE_ASSERT(logits.size() == header_.n_vocab);
  const Softmax softmax(logits);
  const float least = *std::min_element(logits.begin(), logits.end());
  const float floor = std::max(least, softmax.max_logit() - kDepth);
  const float scale = (softmax.max_logit() - floor) / kLargestCode;
  const auto lowest = static_cast<float>(softmax.log_prob(floor));
  std::memcpy(row_.data(), &scale, sizeof scale);
  std::memcpy(row_.data() + sizeof scale, &lowest, sizeof lowest);
  for (size_t i = 0; i < logits.size(); ++i) {
    const float steps = scale > 0 ? (std::max(logits[i], floor) - floor) / scale : 0.0f;
    const auto code = static_cast<uint16_t>(std::min(std::nearbyint(steps), kLargestCode));
    std::memcpy(row_.data() + kScalesBytes + i * sizeof code, &code, sizeof code);
  }
  file_.write(row_);
}

void LogitsFileWriter::commit() { file_.commit(); }

}  // namespace wattle::measure
