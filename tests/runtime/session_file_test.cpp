// SPDX-License-Identifier: Apache-2.0
#include "runtime/session_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/read_file.h"
#include "tests/support/temp_dir.h"
#include "wattle/error.h"

namespace wattle::runtime {
namespace {

const std::vector<TokenId> kTokens{TokenId{5}, TokenId{-1}, TokenId{7}};

std::string saved() {
  const test::TempDir dir;
  const auto path = dir.path() / "session";
  const std::vector<std::byte> page(100, std::byte{3});
  write_session_file(path,
                     {.identity = {.model = 1,
                                   .full_page_bytes = 2,
                                   .ring_page_bytes = 3,
                                   .n_ring_pages = 4,
                                   .kv_k = 1,
                                   .kv_v = 2},
                      .extent = {.length = 3, .n_ring_pages_seen = 9},
                      .note = "a note",
                      .tokens = std::as_bytes(std::span(kTokens)),
                      .pages = {}},
                     [&](const auto& on_page) {
                       on_page(page);
                       on_page(std::span(page).first(7));
                     });
  return test::read_text(path);
}

SessionFile parse(const std::string& text) {
  return parse_session_file(std::as_bytes(std::span(text)), "s.session");
}

std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(SessionFile, KeepsEverything) {
  const std::string text = saved();
  const SessionFile file = parse(text);
  EXPECT_EQ(file.identity, (CacheIdentity{.model = 1,
                                          .full_page_bytes = 2,
                                          .ring_page_bytes = 3,
                                          .n_ring_pages = 4,
                                          .kv_k = 1,
                                          .kv_v = 2}));
  EXPECT_EQ(file.extent.length, 3u);
  EXPECT_EQ(file.extent.n_ring_pages_seen, 9u);
  EXPECT_EQ(file.note, "a note");
  ASSERT_EQ(file.tokens.size(), 12u);
  EXPECT_EQ(file.tokens[0], std::byte{5});
  ASSERT_EQ(file.pages.size(), 107u);
  EXPECT_EQ(file.pages.back(), std::byte{3});
}

TEST(SessionFile, RefusesEveryBeginningOfItself) {
  const std::string text = saved();
  for (size_t n = 0; n < text.size(); ++n) {
    ASSERT_NE(error_of(text.substr(0, n)).find("s.session: ends too early"), std::string::npos)
        << n;
  }
  EXPECT_NE(error_of(text + "x").find("1 bytes too many"), std::string::npos);
}

TEST(SessionFile, RefusesEveryChangedByte) {
  const std::string text = saved();
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    ASSERT_NE(error_of(changed), "no error") << i;
  }
}

TEST(SessionFile, NamesWhatItIsNot) {
  EXPECT_NE(error_of(std::string(200, 'x')).find("begins like no saved session"),
            std::string::npos);
  std::string newer = saved();
  newer[8] = 2;
  EXPECT_NE(error_of(newer).find("version 2, expected 1"), std::string::npos);
}

}  // namespace
}  // namespace wattle::runtime
