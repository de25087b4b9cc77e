// SPDX-License-Identifier: Apache-2.0
#include "store/hub.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/store/places.h"

namespace wattle::store {
namespace {

using test::error_text;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kCommit(40, 'c');
const std::string kSha(64, 'a');

// As the hub answers, cut to what matters and one member that does not.
std::string answer(const std::string& siblings) {
  return fmt::format(R"({{"id": "o/r", "gated": false, "sha": "{}", "siblings": [{}]}})", kCommit,
                     siblings);
}

HubRepo repo_of(const std::vector<std::string>& paths) {
  HubRepo repo{.name = "o/r", .commit = kCommit};
  for (const std::string& path : paths) {
    repo.files.push_back({.path = path, .size_bytes = 2'000'000'000, .sha256 = kSha});
  }
  return repo;
}

std::vector<std::string> chosen(const std::vector<std::string>& paths,
                                const std::string& selector) {
  std::vector<std::string> names;
  for (const HubFile& file : choose_files(repo_of(paths), selector)) names.push_back(file.path);
  return names;
}

TEST(HubMetadata, KeepsSizeAndChecksumOfModels) {
  const HubRepo repo = parse_hub_repo(answer(R"({"rfilename": "README.md"},
               {"rfilename": "a/m.gguf", "size": 14439363584, "blobId": "1",
                "lfs": {"sha256": ")" + kSha +
                                             R"(", "size": 14439363584, "pointerSize": 136}},
               {"rfilename": "small.gguf", "size": 7, "blobId": "2"})"),
                                      "o/r");
  EXPECT_EQ(repo.commit, kCommit);
  ASSERT_EQ(repo.files.size(), 2u);
  EXPECT_EQ(repo.files[0].path, "a/m.gguf");
  EXPECT_EQ(repo.files[0].name(), "m.gguf");
  EXPECT_EQ(repo.files[0].size_bytes, 14'439'363'584u);
  EXPECT_EQ(repo.files[0].sha256, kSha);
  EXPECT_EQ(repo.files[1].sha256, "");
}

TEST(HubMetadata, RefusesWhatIsNoAnswerOfAHub) {
  const std::string one = R"({"rfilename": "m.gguf", "size": 1})";
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("{}"), answer(one).substr(1),
        answer(one) + "x", std::string(R"({"sha": "main", "siblings": []})"),
        R"({"sha": ")" + kCommit + R"("})", R"({"sha": ")" + kCommit + R"(", "siblings": {}})",
        answer("1"), answer(R"({"rfilename": "m.gguf"})"),
        answer(R"({"rfilename": "m.gguf", "size": -1})"),
        answer(R"({"rfilename": "m.gguf", "size": 1.5})"),
        answer(R"({"rfilename": "m.gguf", "size": 18446744073709551616})"),
        answer(one + ", " + one),
        answer(R"({"rfilename": "m.gguf", "size": 1, "lfs": {"sha256": "abc"}})")}) {
    EXPECT_THAT(error_text(ErrorCode::bad_input, [&] { parse_hub_repo(bad, "o/r"); }),
                HasSubstr("o/r: the hub's answer"))
        << bad;
  }
}

TEST(HubFiles, AQuantisationIsAWholeWord) {
  const std::vector<std::string> paths{"m-Q4_K.gguf", "m-Q4_K_M.gguf", "26B_q4_0-it.gguf",
                                       "m.IQ4_XS.gguf", "Q4_0_8_8/m-Q4_0_8_8.gguf"};
  EXPECT_THAT(chosen(paths, "Q4_K"), ElementsAre("m-Q4_K.gguf"));
  EXPECT_THAT(chosen(paths, "q4_k_m"), ElementsAre("m-Q4_K_M.gguf"));
  EXPECT_THAT(chosen(paths, "Q4_0"), ElementsAre("26B_q4_0-it.gguf"));
  EXPECT_THAT(chosen(paths, "IQ4_XS"), ElementsAre("m.IQ4_XS.gguf"));
  EXPECT_THAT(error_text(ErrorCode::usage, [&] { chosen(paths, "4_XS"); }),
              AllOf(HasSubstr("no file is 4_XS"), HasSubstr("m.IQ4_XS.gguf (2.0 GB)")));
}

TEST(HubFiles, WithoutASelectorTheUsualOneIsTaken) {
  EXPECT_THAT(chosen({"only-F16.gguf", "mmproj-F16.gguf", "mtp-m.gguf"}, ""),
              ElementsAre("only-F16.gguf"));
  EXPECT_THAT(chosen({"m-F16.gguf", "m-Q4_0.gguf", "m-Q4_K_M.gguf"}, ""),
              ElementsAre("m-Q4_K_M.gguf"));
  EXPECT_THAT(chosen({"m-F16.gguf", "m-Q4_0.gguf"}, ""), ElementsAre("m-Q4_0.gguf"));
  EXPECT_THAT(error_text(ErrorCode::usage, [] { chosen({"m-F16.gguf", "m-F32.gguf"}, ""); }),
              HasSubstr("which of its models?"));
  EXPECT_THAT(error_text(ErrorCode::usage,
                         [] { chosen({"a-Q4_K_M.gguf", "b-Q4_K_M.gguf", "c-F16.gguf"}, ""); }),
              AllOf(HasSubstr("several"), Not(HasSubstr("c-F16")), HasSubstr("hf:o/r:FILE")));
  EXPECT_THAT(error_text(ErrorCode::usage, [] { chosen({}, ""); }), HasSubstr("no .gguf file"));
}

TEST(HubFiles, PartsBelongTogether) {
  const std::vector<std::string> paths{"q/b-Q8_0-00002-of-00002.gguf", "m-Q4_0.gguf",
                                       "q/b-Q8_0-00001-of-00002.gguf"};
  const auto parts = ElementsAre("q/b-Q8_0-00001-of-00002.gguf", "q/b-Q8_0-00002-of-00002.gguf");
  EXPECT_THAT(chosen(paths, "Q8_0"), parts);
  EXPECT_THAT(chosen(paths, "q/b-Q8_0-00002-of-00002.gguf"), parts);
  EXPECT_THAT(chosen(paths, "b-Q8_0-00001-of-00002.gguf"), parts);
  EXPECT_THAT(error_text(ErrorCode::bad_input, [] { chosen({"b-00002-of-00003.gguf"}, ""); }),
              HasSubstr("1 of the 3 parts"));
}

// What a hub suggests as name is never more than a name in the folder of models.
TEST(HubFiles, NamesStayInTheFolder) {
  EXPECT_EQ(choose_files(repo_of({"../../up.gguf"}), "")[0].name(), "up.gguf");
  for (const char* bad : {"a/.hidden.gguf", "line\nbreak.gguf", "a/.gguf"}) {
    EXPECT_THAT(error_text(ErrorCode::bad_input, [&] { choose_files(repo_of({bad}), ""); }),
                HasSubstr("is no name"))
        << bad;
  }
  error_text(ErrorCode::bad_input,
             [] { choose_files(repo_of({std::string(250, 'x') + ".gguf"}), ""); });
}

}  // namespace
}  // namespace wattle::store
