// SPDX-License-Identifier: Apache-2.0
// Command lists as text that a person reads, and back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/rknpu/chip.h"

namespace wattle::rknpu {

// "0201001f00201024  CNA       1024  DATA_SIZE1  CHANNEL_REAL 31, CHANNEL 32"; fields that are 0
// are left out. No line end.
// Of RK3576 registers and fields have no names here.
std::string annotated(uint64_t word, Chip chip = Chip::rk3588);

// The words in a text: 16 hex digits at the beginning of each line. What follows them is a remark,
// and so is a line that begins with '#'. Throws Error (bad_input) for anything else, with the
// line's number.
std::vector<uint64_t> parse_listing(std::string_view text);

// The words of each task: up to its enable word.
std::vector<std::span<const uint64_t>> tasks_of(std::span<const uint64_t> words);

// What the words of one task compute: "i8i8i32, 4 rows x 512 x 256, native; A 0x10002000, ...", or
// that it is no product. No line end.
std::string summary(std::span<const uint64_t> task, Chip chip = Chip::rk3588);

}  // namespace wattle::rknpu
