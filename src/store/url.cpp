// SPDX-License-Identifier: Apache-2.0
#include "store/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace wattle::store {
namespace {

constexpr size_t kLongestName = 200;  // file systems take 255 bytes; a part file adds 23

bool is_unreserved(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string percent_encode(std::string_view text, bool keep_slashes) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(byte) || (c == '/' && keep_slashes)) {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && text.size() - i > 2 &&
        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      out.push_back(static_cast<char>(value));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string_view without_query(std::string_view url) {
  return url.substr(0, url.find_first_of("?#"));
}

std::string file_name_of_url(std::string_view url) {
  const std::string_view path = without_query(url);
  return percent_decode(path.substr(path.rfind('/') + 1));
}

bool is_safe_model_name(std::string_view name) noexcept {
  return name.size() > 5 && name.size() <= kLongestName && name.ends_with(".gguf") &&
         name.front() != '.' && std::ranges::none_of(name, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return c == '/' || byte < 0x20 || byte == 0x7f;
         });
}

}  // namespace wattle::store
