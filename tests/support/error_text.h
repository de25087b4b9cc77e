// SPDX-License-Identifier: Apache-2.0
// Everything an error tells, for matchers.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "wattle/error.h"

namespace wattle::test {

// what() and hint() of the error that `fn` throws.
template <class Fn>
std::string error_text(ErrorCode code, const Fn& fn) {
  try {
    fn();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return std::string(error.what()) + "\n" + error.hint();
  }
  ADD_FAILURE() << "no error was thrown";
  return {};
}

}  // namespace wattle::test
