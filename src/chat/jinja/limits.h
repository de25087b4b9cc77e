// SPDX-License-Identifier: Apache-2.0
// How much a template may ask for. A chat template comes out of a model file, so it may be hostile.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wattle::chat::jinja {

struct Limits {
  size_t max_template_bytes = size_t{4} << 20;
  int max_syntax_depth = 256;  // of nested blocks and expressions
  int max_depth = 1500;        // of running blocks, expressions and macro calls together
  // Nodes evaluated, items walked, and texts looked at or copied, by 8 bytes.
  uint64_t max_steps = 20'000'000;
  size_t max_text_bytes = size_t{16} << 20;     // of one string, and of the output
  size_t max_memory_bytes = size_t{192} << 20;  // of live strings and of all containers made
  int64_t max_range = 100'000;                  // items, as Jinja's sandbox has it
};

}  // namespace wattle::chat::jinja
