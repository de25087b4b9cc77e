// SPDX-License-Identifier: Apache-2.0
// Recorded and published command lists, executed by a simulated core: their product is the exact
// one, and where boards go wrong, so does the simulator.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

namespace wattle::rknpu {

enum class Outcome { right, wrong_as_on_boards, not_run };

// What one recorded line comes to; a line that turns out otherwise fails the test.
using Run = std::function<Outcome(const nlohmann::json& line)>;

Outcome run_vendor(const nlohmann::json& line);
// Numbers of rows that are neither 1 nor a multiple of 4 are read at wrong places.
Outcome run_mtx512(const nlohmann::json& line);
// So is one row of more than one cell, of which a stride is clamped.
Outcome run_rocket(const nlohmann::json& line);
// Formulas that were run on boards; only the body of each task is given.
Outcome run_formula(const nlohmann::json& line);

// Every line of a file, or those of at most so many multiplications, as the oracle is slow. Prints
// how many came to what.
void run_lines(const std::filesystem::path& file, const Run& run,
               uint64_t most_products = std::numeric_limits<uint64_t>::max());

}  // namespace wattle::rknpu
