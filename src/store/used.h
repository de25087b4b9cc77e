// SPDX-License-Identifier: Apache-2.0
// When this user last opened a model. One empty file a model in wattle/used of the user's state
// folder, whose time is the answer: nothing that could be half written, nothing that needs write
// access to the models themselves. The time of last access of a file would not do: most file
// systems keep it coarsely or not at all, and looking at a header changes it.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "store/places.h"

namespace wattle::store {

using UsedTime = std::chrono::system_clock::time_point;

// Notes that the model is used now, where its file lies in one of the places. Where that cannot be
// noted (no home, or a read-only one), nothing happens: no answer depends on it.
void mark_used(const std::filesystem::path& model, const Places& places) noexcept;

// Nothing where it never was, or nobody could note it.
std::optional<UsedTime> last_used(const std::string& model_name);

void forget_used(const std::string& model_name) noexcept;

}  // namespace wattle::store
