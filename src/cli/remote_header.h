// SPDX-License-Identifier: Apache-2.0
// What a model would need, known before it is fetched.
#pragma once

#include <nlohmann/json.hpp>

#include "store/pull.h"

namespace wattle::cli {

// The member "memory" of file_summary.h for a model that is still elsewhere: only the header is
// fetched (16 MB of a Gemma 4 file, less of most), nothing is stored. Where this build cannot run
// the model it is {"problem": why}. Throws Error where the server does not answer.
nlohmann::ordered_json remote_memory(store::Http& http, const store::PullPlan& plan,
                                     const store::FetchHooks& hooks);

}  // namespace wattle::cli
