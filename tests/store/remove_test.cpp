// SPDX-License-Identifier: Apache-2.0
#include "store/remove.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/models.h"
#include "store/used.h"
#include "tests/store/places.h"

namespace wattle::store {
namespace {

namespace fs = std::filesystem;
using test::error_text;
using testing::HasSubstr;

using Remove = test::StoreTest;

TEST_F(Remove, TakesEveryPartAndWhatWasBegun) {
  mark_used(add(models() / "big-00001-of-00002.gguf", 1), places());
  add(models() / "big-00002-of-00002.gguf", 2);
  const fs::path begun = add(models() / part_file_name("big-00002-of-00002.gguf", "content"), 4);
  add(models() / "bigger.gguf");
  const Removed removed = remove_model("big-00001-of-00002", places());
  EXPECT_EQ(removed.name, "big-00001-of-00002.gguf");
  EXPECT_EQ(removed.n_files, 3u);
  EXPECT_EQ(removed.size_bytes, 7u);
  EXPECT_FALSE(fs::exists(begun));
  EXPECT_EQ(find_models(places()).size(), 1u);
  EXPECT_TRUE(find_unfinished(places()).empty());
  EXPECT_EQ(last_used("big-00001-of-00002.gguf"), std::nullopt);
}

TEST_F(Remove, TakesWhatNeverCameToAnEnd) {
  add(models() / part_file_name("a.gguf", "content"), 4);
  EXPECT_EQ(remove_model("a", places()).size_bytes, 4u);
  EXPECT_TRUE(fs::is_empty(models()));
}

TEST_F(Remove, RefusesWhatIsBeingFetched) {
  const fs::path part = add(models() / part_file_name("a.gguf", "content"), 4);
  const int fd = ::open(part.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(fd, LOCK_EX), 0);
  EXPECT_THAT(error_text(ErrorCode::io, [] { remove_model("a", places()); }),
              HasSubstr("being fetched"));
  EXPECT_TRUE(fs::exists(part));
  ::close(fd);
  EXPECT_EQ(remove_model("a", places()).n_files, 1u);
}

TEST_F(Remove, LeavesTheHubsCacheToItsClient) {
  const fs::path file = add(home() / ".cache/huggingface/hub/models--o--r/snapshots/1/a.gguf", 4);
  EXPECT_THAT(error_text(ErrorCode::io, [] { remove_model("a.gguf", places()); }),
              HasSubstr("hf cache rm"));
  EXPECT_TRUE(fs::exists(file));
}

TEST_F(Remove, NeverTakesSeveralOrNone) {
  add(models() / "a1.gguf");
  add(models() / "a2.gguf");
  EXPECT_THAT(error_text(ErrorCode::io, [] { remove_model("a", places()); }),
              HasSubstr("several models"));
  EXPECT_THAT(error_text(ErrorCode::io, [] { remove_model("b", places()); }),
              HasSubstr("a1.gguf, a2.gguf"));
  EXPECT_EQ(find_models(places()).size(), 2u);
}

// A path is no name: what lies elsewhere is not ours to remove.
TEST_F(Remove, TakesNoPaths) {
  const fs::path file = add(home() / "a.gguf");
  error_text(ErrorCode::io, [&] { remove_model(file.string(), places()); });
  EXPECT_TRUE(fs::exists(file));
}

}  // namespace
}  // namespace wattle::store
