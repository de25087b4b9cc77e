// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace wattle::json_schema {

// GBNF of the decimal integers from `min` to `max`, without leading zeros. Where a side is open,
// numbers have at most 16 digits, or as many as the other side: a model that has begun to write
// digits does not always know how to stop. min <= max where both are given.
std::string integer_range(std::optional<int64_t> min, std::optional<int64_t> max);

}  // namespace wattle::json_schema
