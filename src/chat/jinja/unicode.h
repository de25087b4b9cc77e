// SPDX-License-Identifier: Apache-2.0
// Code points of UTF-8 text, classified and case-mapped as Python's str does it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace wattle::chat::jinja {

// The code point that begins at text[pos]; moves pos behind it. pos < text.size(). A byte that is
// no UTF-8 counts as U+FFFD of one byte.
char32_t next_code_point(std::string_view text, size_t& pos) noexcept;
// The one that ends right before text[pos]; moves pos to its begin. pos > 0.
char32_t previous_code_point(std::string_view text, size_t& pos) noexcept;

size_t count_code_points(std::string_view text) noexcept;
bool is_valid_utf8(std::string_view text) noexcept;
void append_utf8(std::string& out, char32_t c);

bool is_space(char32_t c) noexcept;
bool is_printable(char32_t c) noexcept;
bool is_alpha(char32_t c) noexcept;
bool is_decimal(char32_t c) noexcept;
bool is_digit(char32_t c) noexcept;    // decimals, superscripts, circled digits
bool is_numeric(char32_t c) noexcept;  // categories Nd, Nl, No
bool is_upper(char32_t c) noexcept;
bool is_lower(char32_t c) noexcept;
bool is_title(char32_t c) noexcept;
bool is_cased(char32_t c) noexcept;
bool is_identifier(std::string_view name) noexcept;

// Full mappings: the result may be several code points ("ß" -> "SS").
std::string to_upper(char32_t c);
std::string to_lower(char32_t c);
std::string to_title(char32_t c);
std::string fold_case(std::string_view text);

// Lower case of whole text; a capital sigma at the end of a word becomes the final one.
std::string lower_text(std::string_view text);
// Lower case of the code point at text[pos], with the same rule.
std::string lower_at(std::string_view text, size_t pos);

}  // namespace wattle::chat::jinja
