// SPDX-License-Identifier: Apache-2.0
// Asks whether a context fits into memory before any of it is allocated.
#pragma once

#include <cstdint>
#include <optional>

#include "model/kv_layout.h"

namespace wattle::runtime {

// Throws Error{out_of_memory} where keys and values of n_ctx positions do not fit into `available`
// bytes, less `promised` ones that open sessions may still take; the message names the numbers and
// the longest context that would fit. Nothing is checked where the available memory is not known.
void check_context_fits(const KvLayout& layout, uint32_t n_ctx, std::optional<uint64_t> available,
                        uint64_t promised = 0);

}  // namespace wattle::runtime
