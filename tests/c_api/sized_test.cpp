// SPDX-License-Identifier: Apache-2.0
// Programs and libraries of different versions: a struct whose last field came later.
#include "c_api/sized.h"

#include <gtest/gtest.h>

#include "tests/gguf/expect_error.h"

namespace wattle::c_api {

struct Grown {
  size_t size;
  int64_t old_field;
  int64_t new_field;
};
struct Newer {
  Grown known;
  int64_t unknown_field;
};
template <>
constexpr size_t kFirstSize<Grown> = offsetof(Grown, new_field);

namespace {

using test::expect_error;

constexpr Grown kDefaults{sizeof(Grown), 1, 2};

TEST(CApiSized, WhatAnOlderProgramDoesNotKnowIsAsByDefault) {
  const Grown older{kFirstSize<Grown>, 7, 99};
  const Grown read = read_sized(&older, kDefaults, "params");
  EXPECT_EQ(read.old_field, 7);
  EXPECT_EQ(read.new_field, 2);
  EXPECT_EQ(read.size, sizeof(Grown));
}

TEST(CApiSized, AnOlderProgramIsNotWrittenPast) {
  Grown out{0, 5, 5};
  write_sized(kDefaults, &out, kFirstSize<Grown>, "params");
  EXPECT_EQ(out.size, kFirstSize<Grown>);
  EXPECT_EQ(out.old_field, 1);
  EXPECT_EQ(out.new_field, 5);
}

TEST(CApiSized, ANewerProgramIsRefusedOnlyWhereItUsesWhatIsNew) {
  Newer newer{{sizeof(Newer), 7, 8}, 0};
  EXPECT_EQ(read_sized(&newer.known, kDefaults, "params").new_field, 8);
  newer.unknown_field = 1;
  expect_error(ErrorCode::unsupported, {"params", "does not know"},
               [&] { read_sized(&newer.known, kDefaults, "params"); });
}

TEST(CApiSized, ANewerProgramGetsZeroForWhatIsNew) {
  Newer newer{{0, 5, 5}, 5};
  write_sized(kDefaults, &newer.known, sizeof(Newer), "params");
  EXPECT_EQ(newer.known.size, sizeof(Newer));
  EXPECT_EQ(newer.known.new_field, 2);
  EXPECT_EQ(newer.unknown_field, 0);
}

TEST(CApiSized, SizesThatNobodySetAreRefused) {
  for (const size_t size : {size_t{0}, kFirstSize<Grown> - 1, kMaxSize + 1, ~size_t{0}}) {
    const Grown in{size, 7, 8};
    expect_error(ErrorCode::usage, {"params->size", "expected 16"},
                 [&] { read_sized(&in, kDefaults, "params"); });
    Grown out{};
    expect_error(ErrorCode::usage, {"params->size"},
                 [&] { write_sized(kDefaults, &out, size, "params"); });
  }
}

}  // namespace
}  // namespace wattle::c_api
