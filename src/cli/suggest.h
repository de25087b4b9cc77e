// SPDX-License-Identifier: Apache-2.0
// What somebody probably meant to type.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wattle::cli {

// The known word that is the fewest edits (insert, delete, replace, swap of neighbours) away; none
// where all are further than a third of the word's letters.
std::optional<std::string> nearest(std::string_view wrong, std::span<const std::string> known);

}  // namespace wattle::cli
