// SPDX-License-Identifier: Apache-2.0
// Watches the global operator new of this test program: the largest block asked for since reset.
#pragma once

#include <cstddef>

namespace wattle::test {

void reset_largest_allocation() noexcept;
size_t largest_allocation() noexcept;

}  // namespace wattle::test
