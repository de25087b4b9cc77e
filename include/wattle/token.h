// SPDX-License-Identifier: Apache-2.0
// Strong types for the integers that a swap would silently mix up.
#pragma once

#include <cstdint>

namespace wattle {

enum class TokenId : int32_t {};  // index into the vocabulary
enum class Pos : int32_t {};      // 0-based position within a sequence
enum class SeqId : int32_t {};    // a sequence of a batch

constexpr int32_t to_int(TokenId id) noexcept { return static_cast<int32_t>(id); }
constexpr int32_t to_int(Pos pos) noexcept { return static_cast<int32_t>(pos); }
constexpr int32_t to_int(SeqId seq) noexcept { return static_cast<int32_t>(seq); }

}  // namespace wattle
