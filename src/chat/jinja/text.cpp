// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/text.h"

#include <algorithm>

namespace wattle::chat::jinja {
namespace {

Origin after_flips(size_t n) noexcept { return n % 2 == 0 ? Origin::template_text : Origin::input; }

}  // namespace

Origin Text::origin(size_t at) const noexcept {
  const auto it = std::upper_bound(flips_.begin(), flips_.end(), at);
  return after_flips(static_cast<size_t>(it - flips_.begin()));
}

// What is appended next has this origin.
void Text::set_end_origin(Origin origin) {
  if (after_flips(flips_.size()) != origin) flips_.push_back(bytes_.size());
}

void Text::append(std::string_view bytes, Origin origin) {
  if (bytes.empty()) return;
  set_end_origin(origin);
  bytes_.append(bytes);
}

void Text::append(const Text& other, size_t begin, size_t end) {
  if (begin >= end) return;
  auto flip = std::upper_bound(other.flips_.begin(), other.flips_.end(), begin);
  set_end_origin(after_flips(static_cast<size_t>(flip - other.flips_.begin())));
  for (; flip != other.flips_.end() && *flip < end; ++flip) {
    flips_.push_back(bytes_.size() + (*flip - begin));
  }
  bytes_.append(other.bytes_, begin, end - begin);
}

Text Text::part(size_t begin, size_t end) const {
  Text result;
  result.append(*this, begin, end);
  return result;
}

std::vector<TextSegment> Text::segments() const {
  std::vector<TextSegment> result;
  size_t begin = 0;
  for (size_t i = 0; i <= flips_.size(); ++i) {
    const size_t end = i < flips_.size() ? flips_[i] : size();
    if (end > begin) {  // a text may begin with a flip
      result.push_back(
          {bytes_.substr(begin, end - begin), after_flips(i) == Origin::template_text});
    }
    begin = end;
  }
  return result;
}

}  // namespace wattle::chat::jinja
