// SPDX-License-Identifier: Apache-2.0
// One task of the RK3576's NPU: C = A B in int8, as a convolution with kernels of one element. The
// blocks and the command words are those of the RK3588, registers and their fields are not.
//
// Written as one public generator does (tests/backend/rknpu/streams_test.cpp); that is all that is
// claimed. No driver of ours and no simulator runs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "backend/rknpu/command_word.h"

namespace wattle::rknpu {

struct Rk3576Task {
  enum class Output {
    i8,        // scaled by 16385 / 2^14, less 128: constants of the generator
    i32,       // sums
    i32_wide,  // sums, in another layout
  };

  Output output = Output::i32;
  uint32_t m = 0;  // rows of A, one below the other: 1 or a multiple of 4
  uint32_t k = 0;  // a multiple of 32, as n
  uint32_t n = 0;
  uint32_t a = 0;  // addresses
  uint32_t b = 0;
  uint32_t c = 0;
  uint32_t coefficients = 0;  // two tables that the output passes, of 8 n bytes the first
};

// "i8i8i32" or "i8", "i8i8i32-wide", "i8i8i8".
std::optional<Rk3576Task::Output> rk3576_output_of(std::string_view name) noexcept;

// All but the four words that end a task. Throws Error{bad_input} for sizes that the fields, or the
// 256 KiB that a core holds of A, do not take.
std::vector<RegisterWrite> register_writes(const Rk3576Task& task);

}  // namespace wattle::rknpu
