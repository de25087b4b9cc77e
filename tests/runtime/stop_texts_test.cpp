// SPDX-License-Identifier: Apache-2.0
#include "runtime/stop_texts.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "wattle/error.h"

namespace wattle::runtime {
namespace {

struct Result {
  std::string text;
  bool found = false;
  bool operator==(const Result&) const = default;
};

// Grows the text character by character and looks at its end.
Result slowly(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (std::string_view(text).substr(0, end).ends_with(stop)) {
        longest = std::max(longest, stop.size());
      }
    }
    if (longest > 0) return {text.substr(0, end - longest), true};
  }
  return {text, false};
}

// What is shown must at every moment be the beginning of the final text.
Result streamed(const std::string& text, const std::vector<std::string>& stops, std::mt19937& gen) {
  StopTexts stop(stops);
  const Result expected = slowly(text, stops);
  std::string shown;
  for (size_t at = 0; at < text.size() && !stop.found();) {
    const size_t n = 1 + gen() % 3;
    shown += stop.feed(std::string_view(text).substr(at, n));
    at += n;
    EXPECT_TRUE(expected.text.starts_with(shown)) << shown;
  }
  const bool found = stop.found();
  if (!found) shown += stop.finish();
  return {shown, found};
}

TEST(StopTexts, AgreeWithSearchingTheGrowingText) {
  std::mt19937 gen(11);
  const auto word = [&](size_t n) {
    std::string s;
    while (s.size() < n) s += static_cast<char>('a' + gen() % 2);
    return s;
  };
  int n_found = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> stops;
    for (unsigned i = 0; i < 1 + gen() % 3; ++i) stops.push_back(word(1 + gen() % 6));
    const std::string text = word(gen() % 20);
    const Result got = streamed(text, stops, gen);
    EXPECT_EQ(got, slowly(text, stops));
    n_found += got.found ? 1 : 0;
  }
  EXPECT_GT(n_found, 500);
}

TEST(StopTexts, HoldBackOnlyWhatMayBecomeAStopText) {
  StopTexts stop({"\nUser:"});
  EXPECT_EQ(stop.feed("Hello\n"), "Hello");
  EXPECT_EQ(stop.feed("Us"), "");
  EXPECT_EQ(stop.feed("ual"), "\nUsual");
  EXPECT_EQ(stop.feed("\n\nUse"), "\n");
  EXPECT_EQ(stop.feed("r: hi"), "");
  EXPECT_TRUE(stop.found());
  EXPECT_EQ(stop.feed("more"), "");
  EXPECT_EQ(stop.finish(), "");
}

TEST(StopTexts, GiveBackWhatTheyHeldWhenTheTextEnds) {
  StopTexts stop({"END"});
  EXPECT_EQ(stop.feed("the EN"), "the ");
  EXPECT_EQ(stop.finish(), "EN");
  EXPECT_FALSE(stop.found());
}

TEST(StopTexts, NoneLetsEverythingThrough) {
  StopTexts stop({});
  EXPECT_EQ(stop.feed("abc"), "abc");
  EXPECT_EQ(stop.finish(), "");
}

TEST(StopTexts, AreRefusedWhenEmptyOrNotUtf8) {
  EXPECT_THROW(StopTexts({""}), Error);
  EXPECT_THROW(StopTexts({"\xc3"}), Error);
}

}  // namespace
}  // namespace wattle::runtime
