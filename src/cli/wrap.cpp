// SPDX-License-Identifier: Apache-2.0
#include "cli/wrap.h"

#include <algorithm>

#include "base/utf8.h"

namespace wattle::cli {
namespace {

// Where the text behind the last two spaces begins; the begin of the text where there are none.
size_t last_column(std::string_view line) {
  const size_t text = std::min(line.find_first_not_of(' '), line.size());
  const size_t gap = line.rfind("  ");
  return gap == std::string_view::npos || gap < text ? text : gap + 2;
}

// The bytes of the first n characters.
size_t bytes_of(std::string_view text, size_t n) {
  size_t bytes = 0;
  for (; n > 0 && bytes < text.size(); --n) bytes += utf8::decode(text.substr(bytes)).size_bytes;
  return bytes;
}

void append_wrapped(std::string& out, std::string_view line, size_t width) {
  const size_t first = std::min(line.find_first_not_of(' '), line.size());
  size_t indent = last_column(line);
  if (indent > width / 2) indent = std::min(first + 2, width / 2);
  for (size_t room = bytes_of(line, width); line.size() > room;
       room = bytes_of(line, width - indent)) {
    // Never within the indentation, which would be for ever.
    const size_t begin = std::min(line.find_first_not_of(' '), line.size());
    size_t cut = line.rfind(' ', room);
    if (cut == std::string_view::npos || cut <= begin) cut = line.find(' ', begin);
    if (cut == std::string_view::npos) break;
    out.append(line.substr(0, line.find_last_not_of(' ', cut) + 1)).append("\n");
    out.append(indent, ' ');
    line.remove_prefix(std::min(line.find_first_not_of(' ', cut), line.size()));
  }
  out += line;
}

}  // namespace

std::string wrapped(std::string_view text, size_t width) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    append_wrapped(out, text.substr(0, end), width);
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace wattle::cli
