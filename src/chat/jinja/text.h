// SPDX-License-Identifier: Apache-2.0
// UTF-8 text that remembers which of its bytes came in with the conversation and which were written
// by the template. The renderer cuts its output there, so that a user cannot forge a control token.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_segment.h"

namespace wattle::chat::jinja {

enum class Origin : bool { template_text, input };

// Every filter and method builds its result from parts of its arguments, so the origin stays exact
// per byte through trim, split, replace, slices, case mapping and JSON.
class Text {
 public:
  Text() = default;
  Text(std::string_view bytes, Origin origin) { append(bytes, origin); }

  const std::string& bytes() const noexcept { return bytes_; }
  std::string_view view() const noexcept { return bytes_; }
  size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }
  // What it takes to hold the bytes and their origins.
  size_t memory_bytes() const noexcept { return bytes_.size() + flips_.size() * sizeof(size_t); }

  // Origin of the byte at `at` < size().
  Origin origin(size_t at) const noexcept;

  void append(std::string_view bytes, Origin origin);
  void append(const Text& other) { append(other, 0, other.size()); }
  // Bytes [begin, end) of `other`, which must not be this text.
  void append(const Text& other, size_t begin, size_t end);
  Text part(size_t begin, size_t end) const;

  std::vector<TextSegment> segments() const;

 private:
  void set_end_origin(Origin origin);

  std::string bytes_;
  std::vector<size_t> flips_;  // ascending offsets where the origin changes; it begins as template
};

}  // namespace wattle::chat::jinja
