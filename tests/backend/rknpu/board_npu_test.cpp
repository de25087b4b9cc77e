// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/board_npu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

#include "tests/backend/rknpu/fake_kernel.h"
#include "tests/support/error_text.h"

namespace wattle::rknpu {
namespace {

using test::FakeRocketKernel;
using test::FakeVendorKernel;
using testing::AllOf;
using testing::HasSubstr;

TEST(BoardNpu, IsOpenedThroughTheDriverThereIs) {
  EXPECT_EQ(open_board_npu(std::make_shared<FakeVendorKernel>())->info().driver, "vendor");
  EXPECT_EQ(open_board_npu(std::make_shared<FakeRocketKernel>())->info().driver, "rocket");
}

TEST(BoardNpu, WithoutAnyBothAreNamed) {
  const auto kernel = std::make_shared<FakeRocketKernel>();
  kernel->refuse = [](std::string_view call, const std::string&) {
    return call == "open" ? ENODEV : 0;
  };
  EXPECT_THAT(wattle::test::error_text(ErrorCode::unsupported, [&] { open_board_npu(kernel); }),
              AllOf(HasSubstr("rknpu"), HasSubstr("rocket")));
}

// Who may not open the one, or finds it taken, is not sent on to the other.
TEST(BoardNpu, OneThatIsThereButRefusedIsTheAnswer) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  kernel->refuse = [](std::string_view call, const std::string&) {
    return call == "open" ? EACCES : 0;
  };
  EXPECT_THAT(wattle::test::error_text(ErrorCode::io, [&] { open_board_npu(kernel); }),
              AllOf(HasSubstr("/dev/dri"), testing::Not(HasSubstr("rocket"))));
  kernel->refuse = {};
  kernel->is_owned = true;
  EXPECT_THROW(open_board_npu(kernel), NpuFault);
}

}  // namespace
}  // namespace wattle::rknpu
