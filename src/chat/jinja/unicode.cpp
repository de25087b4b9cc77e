// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

namespace wattle::chat::jinja {
namespace {

// Characters whose upper or title case is several code points, from Unicode's SpecialCasing.txt.
// The Greek ones with iota subscript are left out.
struct SpecialCase {
  char32_t c;
  const char* upper;
  const char* title;
};
constexpr SpecialCase kSpecialCases[] = {
    {U'\u00df', "SS", "Ss"},
    {U'\u0149', "\u02bcN", "\u02bcN"},
    {U'\u01f0', "J\u030c", "J\u030c"},
    {U'\u0390', "\u0399\u0308\u0301", "\u0399\u0308\u0301"},
    {U'\u03b0', "\u03a5\u0308\u0301", "\u03a5\u0308\u0301"},
    {U'\u0587', "\u0535\u0552", "\u0535\u0582"},
    {U'\u1e96', "H\u0331", "H\u0331"},
    {U'\u1e97', "T\u0308", "T\u0308"},
    {U'\u1e98', "W\u030a", "W\u030a"},
    {U'\u1e99', "Y\u030a", "Y\u030a"},
    {U'\u1e9a', "A\u02be", "A\u02be"},
    {U'\ufb00', "FF", "Ff"},
    {U'\ufb01', "FI", "Fi"},
    {U'\ufb02', "FL", "Fl"},
    {U'\ufb03', "FFI", "Ffi"},
    {U'\ufb04', "FFL", "Ffl"},
    {U'\ufb05', "ST", "St"},
    {U'\ufb06', "ST", "St"},
};

const SpecialCase* special_case(char32_t c) noexcept {
  if (c < 0x80) return nullptr;
  for (const SpecialCase& s : kSpecialCases) {
    if (s.c == c) return &s;
  }
  return nullptr;
}

// Numeric_Type=Digit beyond the decimals; utf8proc does not know this property.
struct CodePointRange {
  char32_t first, last;
};
constexpr CodePointRange kOtherDigits[] = {
    {0xb2, 0xb3},       {0xb9, 0xb9},       {0x1369, 0x1371},   {0x19da, 0x19da},
    {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
    {0x2474, 0x247c},   {0x2488, 0x2490},   {0x24ea, 0x24ea},   {0x24f5, 0x24fd},
    {0x24ff, 0x24ff},   {0x2776, 0x277e},   {0x2780, 0x2788},   {0x278a, 0x2792},
    {0x10a40, 0x10a43}, {0x10e60, 0x10e68}, {0x11052, 0x1105a}, {0x1f100, 0x1f10a},
};

utf8proc_category_t category(char32_t c) noexcept {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

std::string utf8_of(char32_t c) {
  std::string out;
  append_utf8(out, c);
  return out;
}

bool is_case_ignorable(char32_t c) noexcept {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return c == U'\'' || c == U'.' || c == U':' || c == U'\u2019' || c == U'\u00b7';
  }
}

constexpr char32_t kCapitalSigma = U'\u03a3';

bool is_final_sigma(std::string_view text, size_t begin, size_t end) noexcept {
  bool letter_before = false;
  for (size_t pos = begin; pos > 0;) {
    const char32_t c = previous_code_point(text, pos);
    if (is_case_ignorable(c)) continue;
    letter_before = is_cased(c);
    break;
  }
  if (!letter_before) return false;
  for (size_t pos = end; pos < text.size();) {
    const char32_t c = next_code_point(text, pos);
    if (is_case_ignorable(c)) continue;
    return !is_cased(c);
  }
  return true;
}

}  // namespace

char32_t next_code_point(std::string_view text, size_t& pos) noexcept {
  const auto byte = static_cast<unsigned char>(text[pos]);
  if (byte < 0x80) {
    ++pos;
    return byte;
  }
  utf8proc_int32_t c = -1;
  const auto left = static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size() - pos, 4));
  const utf8proc_ssize_t n =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + pos), left, &c);
  if (n <= 0) {
    ++pos;
    return 0xfffd;
  }
  pos += static_cast<size_t>(n);
  return static_cast<char32_t>(c);
}

char32_t previous_code_point(std::string_view text, size_t& pos) noexcept {
  const size_t end = pos--;
  while (pos > 0 && end - pos < 4 && (static_cast<unsigned char>(text[pos]) & 0xc0) == 0x80) --pos;
  size_t after = pos;
  const char32_t c = next_code_point(text, after);
  if (after == end) return c;
  pos = end - 1;
  return 0xfffd;
}

size_t count_code_points(std::string_view text) noexcept {
  size_t n = 0;
  for (size_t pos = 0; pos < text.size(); ++n) next_code_point(text, pos);
  return n;
}

bool is_valid_utf8(std::string_view text) noexcept {
  for (size_t pos = 0; pos < text.size();) {
    if (static_cast<unsigned char>(text[pos]) < 0x80) {
      ++pos;
      continue;
    }
    const size_t begin = pos;
    if (next_code_point(text, pos) == 0xfffd && pos == begin + 1) return false;
  }
  return true;
}

void append_utf8(std::string& out, char32_t c) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const utf8proc_ssize_t n = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(n));
}

bool is_space(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

bool is_printable(char32_t c) noexcept {
  if (c < 0x7f) return c >= 0x20;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS: return false;
    default: return true;
  }
}

bool is_alpha(char32_t c) noexcept {
  const auto k = category(c);
  return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT ||
         k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_ND; }

bool is_digit(char32_t c) noexcept {
  if (is_decimal(c)) return true;
  return std::any_of(std::begin(kOtherDigits), std::end(kOtherDigits),
                     [c](const CodePointRange& r) { return c >= r.first && c <= r.last; });
}

bool is_numeric(char32_t c) noexcept {
  const auto k = category(c);
  return k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_NL || k == UTF8PROC_CATEGORY_NO;
}

bool is_upper(char32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_LU; }
bool is_lower(char32_t c) noexcept {
  return category(c) == UTF8PROC_CATEGORY_LL || c == 0xaa || c == 0xba;
}
bool is_title(char32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_LT; }
bool is_cased(char32_t c) noexcept { return is_upper(c) || is_lower(c) || is_title(c); }

bool is_identifier(std::string_view name) noexcept {
  if (name.empty()) return false;
  for (size_t pos = 0; pos < name.size();) {
    const bool first = pos == 0;
    const char32_t c = next_code_point(name, pos);
    if (c == U'_' || is_alpha(c) || category(c) == UTF8PROC_CATEGORY_NL) continue;
    const auto k = category(c);
    const bool inner = k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_MN ||
                       k == UTF8PROC_CATEGORY_MC || k == UTF8PROC_CATEGORY_PC;
    if (first || !inner) return false;
  }
  return true;
}

std::string to_upper(char32_t c) {
  if (const SpecialCase* s = special_case(c)) return s->upper;
  return utf8_of(static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
}

std::string to_lower(char32_t c) {
  if (c == U'\u0130') return "i\u0307";
  return utf8_of(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

std::string to_title(char32_t c) {
  if (const SpecialCase* s = special_case(c)) return s->title;
  return utf8_of(static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
}

std::string fold_case(std::string_view text) {
  std::string out;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = next_code_point(text, pos);
    std::array<utf8proc_int32_t, 8> folded{};
    int boundary = 0;
    const utf8proc_ssize_t n =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), folded.data(), folded.size(),
                                UTF8PROC_CASEFOLD, &boundary);
    for (utf8proc_ssize_t i = 0; i < n; ++i) {
      append_utf8(out, static_cast<char32_t>(folded[static_cast<size_t>(i)]));
    }
  }
  return out;
}

std::string lower_at(std::string_view text, size_t pos) {
  const size_t begin = pos;
  const char32_t c = next_code_point(text, pos);
  if (c == kCapitalSigma && is_final_sigma(text, begin, pos)) return "\u03c2";
  return to_lower(c);
}

std::string lower_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    const auto byte = static_cast<unsigned char>(text[pos]);
    if (byte < 0x80) {
      out.push_back(byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : text[pos]);
      ++pos;
      continue;
    }
    out += lower_at(text, pos);
    next_code_point(text, pos);
  }
  return out;
}

}  // namespace wattle::chat::jinja
