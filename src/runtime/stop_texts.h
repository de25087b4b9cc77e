// SPDX-License-Identifier: Apache-2.0
// Finds the first of several stop texts in a stream, and never lets the beginning of one out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wattle::runtime {

// The result does not depend on how the text was cut into pieces: the stop text that ends first
// wins, of those that end together the longest. Linear in the text for each stop text
// (Knuth-Morris-Pratt).
class StopTexts {
 public:
  // Throws Error{usage} where one is empty or not UTF-8.
  explicit StopTexts(std::vector<std::string> texts);

  // Takes the next piece (whole characters) and returns what may be shown now; valid until the next
  // call. Once a stop text was found, what stands before it is all that was and will be returned.
  std::string_view feed(std::string_view piece);

  // The stream is over: what was held back as a possible beginning.
  std::string_view finish();

  bool found() const noexcept { return found_; }

 private:
  struct Pattern {
    std::string text;
    std::vector<size_t>
        border;  // [i]: longest proper prefix of text that is a suffix of text[0..i]
    size_t n_matched = 0;
  };
  std::vector<Pattern> patterns_;
  std::string held_;  // not shown yet
  std::string out_;
  bool found_ = false;
};

}  // namespace wattle::runtime
