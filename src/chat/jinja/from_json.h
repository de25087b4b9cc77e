// SPDX-License-Identifier: Apache-2.0
// JSON to template values.
#pragma once

#include "base/json_input.h"
#include "chat/jinja/runtime.h"

namespace wattle::chat::jinja {

// All strings, keys included, are marked as input.
Value from_json(Runtime& rt, const Json& json);

}  // namespace wattle::chat::jinja
