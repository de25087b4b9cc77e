// SPDX-License-Identifier: Apache-2.0
// The chips whose commands can be written: their blocks are the same, their registers are not.
#pragma once

namespace wattle::rknpu {

enum class Chip { rk3588, rk3576 };

}  // namespace wattle::rknpu
