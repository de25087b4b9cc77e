// SPDX-License-Identifier: Apache-2.0
// Inside of parse.cpp: reads little-endian values from bytes that may end anywhere.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "wattle/error.h"

namespace wattle::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF is read in place");

// Borrows bytes and name. `subject` says what is being read ("key 'a.b'"), for messages.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& file_name)
      : bytes_(bytes), file_name_(file_name) {}

  size_t position() const noexcept { return position_; }
  uint64_t remaining() const noexcept { return bytes_.size() - position_; }

  void set_subject(const char* kind, std::string_view name) noexcept {
    kind_ = kind;
    name_ = name;
  }

  std::span<const std::byte> take(uint64_t size) {
    if (size > remaining()) fail_truncated(size);
    const auto taken = bytes_.subspan(position_, size);
    position_ += size;
    return taken;
  }

  template <class T>
  T read() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::string_view read_string() {
    const auto length = read<uint64_t>();
    const auto text = take(length);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

  // A count of things of which each takes at least min_bytes of what is left. Fits u32, too.
  uint64_t read_count(uint64_t min_bytes, std::string_view what) {
    const auto count = read<uint64_t>();
    if (count > remaining() / min_bytes) {
      fail(fmt::format("{} {}, more than the {} bytes left can hold", count, what, remaining()));
    }
    if (count > std::numeric_limits<uint32_t>::max()) fail(fmt::format("{} {}", count, what));
    return count;
  }

  [[noreturn]] void fail(std::string_view problem) const {
    throw Error(ErrorCode::bad_input, fmt::format("{}: {}{}", file_name_, subject(), problem),
                "the file is damaged or incomplete; fetch it again");
  }

 private:
  std::string subject() const {
    if (kind_ == nullptr) return {};
    return name_.empty() ? fmt::format("{}: ", kind_)
                         : fmt::format("{} '{}': ", kind_, printable());
  }

  // Names come from the file: cut them and keep control characters out of a terminal.
  std::string printable() const {
    std::string text(name_.substr(0, 80));
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    return text;
  }

  [[noreturn]] void fail_truncated(uint64_t size) const {
    fail(fmt::format("the file ends too early: {} bytes expected at byte {}, {} are left", size,
                     position_, remaining()));
  }

  std::span<const std::byte> bytes_;
  const std::string& file_name_;
  size_t position_ = 0;
  const char* kind_ = nullptr;
  std::string_view name_;
};

}  // namespace wattle::gguf
