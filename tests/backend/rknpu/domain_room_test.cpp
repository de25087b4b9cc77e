// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/domain_room.h"

#include <gtest/gtest.h>

#include <optional>

#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

std::optional<ErrorCode> refused(const DomainRoom& room, size_t size, uint32_t domain) {
  try {
    room.check(size, domain);
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

TEST(DomainRoom, RefusesWhatADomainDoesNotHaveLeft) {
  DomainRoom room("npu", 2);
  EXPECT_EQ(refused(room, kDomainBytes, 1), std::nullopt);
  room.take(kDomainBytes - 4096, 1);
  EXPECT_EQ(room.free_bytes(1), 4096u);
  EXPECT_EQ(refused(room, 4096, 1), std::nullopt);
  EXPECT_EQ(refused(room, 4097, 1), ErrorCode::out_of_memory);
  EXPECT_EQ(refused(room, kDomainBytes, 0), std::nullopt);
  room.give_back(kDomainBytes - 4096, 1);
  EXPECT_EQ(refused(room, kDomainBytes, 1), std::nullopt);
}

TEST(DomainRoom, RefusesWhatNoDomainHas) {
  const DomainRoom room("npu", 2);
  EXPECT_EQ(refused(room, 0, 0), ErrorCode::usage);
  EXPECT_EQ(refused(room, kDomainBytes + 1, 0), ErrorCode::usage);
  EXPECT_EQ(refused(room, 1, 2), ErrorCode::usage);
}

}  // namespace
}  // namespace wattle::rknpu
