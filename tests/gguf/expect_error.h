// SPDX-License-Identifier: Apache-2.0
// Expects a wattle::Error of a code whose message names certain things.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>

#include "wattle/error.h"

namespace wattle::test {

template <class Fn>
void expect_error(ErrorCode code, std::initializer_list<std::string_view> parts, const Fn& fn) {
  try {
    fn();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    for (const std::string_view part : parts) {
      EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
          << "'" << part << "' is not in: " << error.what();
    }
    return;
  }
  ADD_FAILURE() << "no error was thrown";
}

}  // namespace wattle::test
