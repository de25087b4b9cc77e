// SPDX-License-Identifier: Apache-2.0
// Text in columns, for a terminal that is narrower than its lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wattle::cli {

// Lines of at most `width` characters, cut between words. What goes on stands below the last column
// of its line (what follows two spaces or more), or below its first where that leaves too little
// room. A word that is longer than a line is left whole.
std::string wrapped(std::string_view text, size_t width);

}  // namespace wattle::cli
