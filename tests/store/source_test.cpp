// SPDX-License-Identifier: Apache-2.0
#include "store/source.h"

#include <gmock/gmock.h>

#include "store/sha256.h"
#include "store/url.h"
#include "tests/store/places.h"

namespace wattle::store {
namespace {

using test::error_text;
using testing::HasSubstr;

constexpr std::string_view kMirror = "http://mirror:8080/hub";

Source parse(const std::string& text) { return parse_source(text, {}, kMirror); }

void expect_hub(const std::string& text, const std::string& repo, const std::string& revision,
                const std::string& selector) {
  const Source source = parse(text);
  EXPECT_EQ(source.kind, Source::Kind::hub) << text;
  EXPECT_EQ(source.repo, repo) << text;
  EXPECT_EQ(source.revision, revision) << text;
  EXPECT_EQ(source.selector, selector) << text;
}

TEST(PullSource, NamesARepositoryInSeveralWays) {
  expect_hub("hf:o/r", "o/r", "main", "");
  expect_hub("hf:o/r:Q4_K_M", "o/r", "main", "Q4_K_M");
  expect_hub("hf:o/r@v1.0:sub/m.gguf", "o/r", "v1.0", "sub/m.gguf");
  expect_hub("https://huggingface.co/o/r", "o/r", "main", "");
  expect_hub("https://hf.co/o/r/", "o/r", "main", "");
  expect_hub("https://huggingface.co/o/r/blob/main/sub/m%20n.gguf?download=true", "o/r", "main",
             "sub/m n.gguf");
  expect_hub("http://mirror:8080/hub/o/r/resolve/refs%2Fpr%2F1/m.gguf", "o/r", "refs/pr/1",
             "m.gguf");
}

TEST(PullSource, OtherAddressesAreFetchedAsTheyAre) {
  for (const char* url :
       {"https://huggingface.co.evil/o/r/resolve/main/m.gguf", "https://host/m.gguf?token=a/b",
        "http://192.168.0.1/dir/m.gguf#x", "https://huggingface.co/files/m.gguf"}) {
    const Source source = parse(url);
    EXPECT_EQ(source.kind, Source::Kind::url) << url;
    EXPECT_EQ(source.url, url);
  }
}

TEST(PullSource, AnAliasStandsForAnother) {
  const std::vector<Alias> aliases{{.name = "a", .from = "hf:o/r:m.gguf"},
                                   {.name = "loop", .from = "loop"}};
  EXPECT_EQ(parse_source("a", aliases, kMirror).selector, "m.gguf");
  EXPECT_THAT(error_text(ErrorCode::usage, [&] { parse_source("loop", aliases, kMirror); }),
              HasSubstr("no such file, alias or address"));
}

TEST(PullSource, OthersAreRefusedWithExamples) {
  for (const char* bad :
       {"", "hf:", "hf:r", "hf:o/", "hf:/r", "hf:o/r/x", "hf:o/..", "hf:o/r:", "hf:o/r@",
        "hf:o r/m", "https://", "https://host/", "https://host/m.bin", "https://host/.gguf",
        "file:///m.gguf", "/no/such.gguf", "https://huggingface.co/o/r/resolve/main/m.bin"}) {
    EXPECT_THAT(error_text(ErrorCode::usage, [&] { parse(bad); }), HasSubstr("hf:ORG/NAME")) << bad;
  }
  EXPECT_THAT(error_text(ErrorCode::usage, [] { parse("org/name"); }), HasSubstr("hf:org/name"));
}

TEST(Url, EncodesAndDecodes) {
  EXPECT_EQ(percent_encode("a b/c+%~", true), "a%20b/c%2B%25~");
  EXPECT_EQ(percent_encode("a/\xc3\xa9", false), "a%2F%C3%A9");
  EXPECT_EQ(percent_decode("a%20b%2fc%C3%A9"), "a b/c\xc3\xa9");
  EXPECT_EQ(percent_decode("100%, %2, %zz, %"), "100%, %2, %zz, %");
  EXPECT_EQ(file_name_of_url("https://h/a/b%20c.gguf?x=/y#z"), "b c.gguf");
  EXPECT_EQ(percent_decode(percent_encode("\x01\x7f%41", false)), "\x01\x7f%41");
}

// FIPS 180-2, examples of appendix B, and the empty text.
TEST(Sha256, AgreesWithItsStandard) {
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 hash;
  const std::string part(1000, 'a');
  for (int i = 0; i < 1000; ++i) hash.update(std::as_bytes(std::span(part)));
  EXPECT_EQ(hash.finish(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  hash.update(std::as_bytes(std::span(std::string_view("abc"))));
  EXPECT_EQ(hash.finish(), sha256_of("abc")) << "it begins anew";
  EXPECT_TRUE(is_sha256(sha256_of("")));
  EXPECT_FALSE(is_sha256(std::string(64, 'G')));
  EXPECT_FALSE(is_sha256("ab"));
}

}  // namespace
}  // namespace wattle::store
