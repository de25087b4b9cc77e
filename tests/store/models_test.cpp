// SPDX-License-Identifier: Apache-2.0
#include "store/models.h"

#include <gmock/gmock.h>

#include "store/used.h"
#include "tests/store/places.h"

namespace wattle::store {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> all_names(const auto& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name);
  return names;
}

using Models = test::StoreTest;

TEST_F(Models, AreFilesInFoldersAndTwoFoldersBelow) {
  add(models() / "b.gguf", 5);
  add(models() / "org/repo/a.gguf");
  add(models() / "org/repo/deeper/c.gguf");
  add(models() / ".hidden.gguf");
  add(models() / "notes.txt");
  const auto found = find_models(places());
  EXPECT_THAT(all_names(found), ElementsAre("a.gguf", "b.gguf"));
  EXPECT_EQ(found[0].path(), models() / "org/repo/a.gguf");
  EXPECT_EQ(found[1].size_bytes, 5u);
  EXPECT_FALSE(found[1].in_hub_cache);
}

TEST_F(Models, TheFirstOfSeveralFoldersWins) {
  set("WATTLE_MODELS", models().string() + "::" + (home() / "shared").string());
  add(models() / "a.gguf", 1);
  add(home() / "shared/a.gguf", 2);
  add(home() / "shared/b.gguf", 3);
  EXPECT_EQ(places().own_folder(), models());
  const auto found = find_models(places());
  EXPECT_THAT(all_names(found), ElementsAre("a.gguf", "b.gguf"));
  EXPECT_EQ(found[0].size_bytes, 1u);
}

// The layout that the client documents: snapshots hold links to blobs.
TEST_F(Models, AreFoundInTheCacheOfTheHubsClient) {
  const fs::path repo = home() / ".cache/huggingface/hub/models--org--name";
  for (const char* commit : {"1111", "2222"}) {
    const fs::path blob = add(repo / "blobs" / commit, commit[0] == '1' ? 1 : 2);
    fs::create_directories(repo / "snapshots" / commit);
    fs::create_symlink(blob, repo / "snapshots" / commit / "a.gguf");
  }
  fs::create_symlink(repo / "blobs/gone", repo / "snapshots/1111/gone.gguf");
  add(repo / "snapshots/1111/Q8_0/b-00001-of-00002.gguf");
  add(repo / "snapshots/1111/Q8_0/b-00002-of-00002.gguf");
  fs::create_directories(repo / "refs");
  std::ofstream(repo / "refs/main") << "2222";

  const auto found = find_models(places());
  EXPECT_THAT(all_names(found), ElementsAre("a.gguf", "b-00001-of-00002.gguf"));
  EXPECT_EQ(found[0].size_bytes, 2u) << "the snapshot that refs/main names";
  EXPECT_TRUE(found[0].in_hub_cache);
  EXPECT_EQ(found[1].files.size(), 2u);
  EXPECT_THAT(find_unfinished(places()), IsEmpty());

  // The same folder, named by each of the variables that may name it.
  for (const auto& [name, value] : {std::pair("HF_HUB_CACHE", repo.parent_path()),
                                    std::pair("HF_HOME", repo.parent_path().parent_path()),
                                    std::pair("WATTLE_MODELS", repo.parent_path())}) {
    set("HOME", home() / "nobody");
    set(name, value);
    EXPECT_EQ(find_models(places()).size(), 2u) << name;
    ::unsetenv(name);
  }
}

// A link to the cache itself must not be followed for ever.
TEST_F(Models, ARepositoryInASnapshotIsNone) {
  const fs::path snapshot = home() / ".cache/huggingface/hub/models--o--r/snapshots/1";
  add(snapshot / "a.gguf");
  add(snapshot / "models--o--inner/snapshots/1/b.gguf");
  EXPECT_THAT(all_names(find_models(places())), ElementsAre("a.gguf"));
}

TEST_F(Models, AModelOfPartsIsTheFirstOfThem) {
  add(models() / "big-00001-of-00003.gguf", 1);
  add(models() / "big-00002-of-00003.gguf", 2);
  add(models() / "late-00002-of-00002.gguf", 7);
  const auto found = find_models(places());
  ASSERT_THAT(all_names(found), ElementsAre("big-00001-of-00003.gguf"));
  EXPECT_EQ(found[0].n_parts, 3u);
  EXPECT_FALSE(found[0].complete());
  EXPECT_EQ(found[0].size_bytes, 3u);
  const auto unfinished = find_unfinished(places());
  ASSERT_THAT(all_names(unfinished), ElementsAre("late-00001-of-00002.gguf"));
  EXPECT_EQ(unfinished[0].size_bytes, 7u);
  add(models() / "big-00003-of-00003.gguf");
  EXPECT_TRUE(find_models(places())[0].complete());
}

TEST_F(Models, WhatIsBeingFetchedIsUnfinished) {
  add(models() / part_file_name("a.gguf", "content"), 3);
  add(models() / part_file_name("big-00002-of-00002.gguf", "content"), 4);
  add(models() / "big-00001-of-00002.gguf", 5);
  EXPECT_THAT(all_names(find_models(places())), ElementsAre("big-00001-of-00002.gguf"));
  const auto unfinished = find_unfinished(places());
  ASSERT_THAT(all_names(unfinished), ElementsAre("a.gguf", "big-00001-of-00002.gguf"));
  EXPECT_EQ(unfinished[0].size_bytes, 3u);
  EXPECT_EQ(unfinished[1].size_bytes, 4u);
}

TEST(PartFileName, IsReadBackAndNothingElseIs) {
  EXPECT_EQ(name_of_part_file(".a.b.gguf.0123456789abcdef.part"), "a.b.gguf");
  EXPECT_EQ(name_of_part_file(part_file_name("a.gguf", "any")), "a.gguf");
  EXPECT_NE(part_file_name("a.gguf", "any"), part_file_name("a.gguf", "other"));
  for (const char* other :
       {"a.gguf", ".part", ".0123456789abcdef.part", "..0123456789abcdef.part",
        ".a.gguf.0123456789abcdeg.part", ".a.gguf.0123456789abcde.part",
        "a.gguf.0123456789abcdef.part", ".a.gguf.1234-0.part", ".a.gguf.0123456789abcdef.par"}) {
    EXPECT_EQ(name_of_part_file(other), std::nullopt) << other;
  }
}

TEST_F(Models, RememberWhenTheyWereUsed) {
  const fs::path stored = add(models() / "a.gguf");
  const fs::path other = add(home() / "elsewhere/b.gguf");
  EXPECT_EQ(last_used("a.gguf"), std::nullopt);
  mark_used(stored, places());
  mark_used(other, places());
  const auto used = last_used("a.gguf");
  ASSERT_TRUE(used.has_value());
  EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - *used), std::chrono::minutes(1));
  EXPECT_EQ(last_used("b.gguf"), std::nullopt) << "not a stored model";
  forget_used("a.gguf");
  EXPECT_EQ(last_used("a.gguf"), std::nullopt);
}

// Folders and files are named in many ways.
TEST_F(Models, AreKnownToBeStoredHoweverTheyAreNamed) {
  const fs::path stored = add(models() / "org/a-00002-of-00002.gguf");
  const fs::path relative = fs::relative(models());
  for (const std::string& folder :
       {models().string() + "/", relative.string(), (home() / "x/../models").string()}) {
    for (const fs::path& file : {stored, relative / "org/a-00002-of-00002.gguf"}) {
      forget_used("a-00001-of-00002.gguf");
      set("WATTLE_MODELS", folder);
      mark_used(file, places());
      EXPECT_NE(last_used("a-00001-of-00002.gguf"), std::nullopt) << folder << " " << file;
    }
  }
}

TEST_F(Models, CanBeUsedWhereNothingCanBeNoted) {
  const fs::path stored = add(models() / "a.gguf");
  add(home() / "file");
  set("XDG_STATE_HOME", home() / "file");  // no folder can be made below a file
  mark_used(stored, places());
  EXPECT_EQ(last_used("a.gguf"), std::nullopt);
  ::unsetenv("XDG_STATE_HOME");
  ::unsetenv("HOME");
  mark_used(stored, places());
  EXPECT_EQ(last_used("a.gguf"), std::nullopt);
}

}  // namespace
}  // namespace wattle::store
