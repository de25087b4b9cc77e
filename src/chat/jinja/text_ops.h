// SPDX-License-Identifier: Apache-2.0
// What Python's str methods do, on text that keeps its origin.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "chat/jinja/runtime.h"

namespace wattle::chat::jinja {

enum class Side : uint8_t { left = 1, right = 2, both = 3 };
enum class Align : uint8_t { left, right, center };

inline bool has_side(Side side, Side wanted) noexcept {
  return (static_cast<uint8_t>(side) & static_cast<uint8_t>(wanted)) != 0;
}

// Where `wanted` first begins at or behind `from`, or last begins at all; npos: nowhere. The time
// is linear also where almost all of a long text matches at every place, which string_view::find is
// not.
size_t find_text(std::string_view text, std::string_view wanted, size_t from = 0);
size_t find_text_from_right(std::string_view text, std::string_view wanted);

// Without the white space at its ends, or the code points of `chars` where given.
Text strip(Runtime& rt, const Text& text, std::optional<std::string_view> chars, Side side);

Text upper(const Text& text);
Text lower(const Text& text);
Text swap_case(const Text& text);
Text capitalize(const Text& text);
// A capital wherever letters begin, as str.title().
Text title(const Text& text);

// At most `count` times; all where it is negative.
Text replace(Runtime& rt, const Text& text, const Text& from, const Text& to, int64_t count);

// At `separator`, at most `max` times (all where negative). Fails where the separator is empty.
std::vector<Text> split(Runtime& rt, const Text& text, std::string_view separator, int64_t max);
std::vector<Text> split_from_right(Runtime& rt, const Text& text, std::string_view separator,
                                   int64_t max);
// At runs of white space; nothing empty comes out. What is left after `max` cuts keeps the white
// space at its far end.
std::vector<Text> split_words(Runtime& rt, const Text& text, int64_t max);
std::vector<Text> split_words_from_right(Runtime& rt, const Text& text, int64_t max);
std::vector<Text> split_lines(Runtime& rt, const Text& text, bool keep_ends);

// To `width` code points; `fill` is one code point.
Text pad(Runtime& rt, const Text& text, int64_t width, const Text& fill, Align align);

// The byte offset of the code point number `index`; the size of the text where it is beyond.
size_t byte_offset(std::string_view text, int64_t index) noexcept;

}  // namespace wattle::chat::jinja
