// SPDX-License-Identifier: Apache-2.0
// Reads a mapped model from the disk before the first token needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace wattle::runtime {

// Walks over whole mappings (each begins on a page) and waits until what is missing is in memory.
// What the page cache holds already is not touched, and only asked for by samples; a missing page
// between them is read when it is needed. on_progress(done, total) in bytes is called from this
// thread, with done == total at last; where it returns false the walk ends, and so does this
// function, with false. It may be empty.
bool page_in(std::span<const std::span<const std::byte>> mappings,
             const std::function<bool(uint64_t done, uint64_t total)>& on_progress);

}  // namespace wattle::runtime
