// SPDX-License-Identifier: Apache-2.0
// Where the library's messages go. The library itself never prints: a front end passes a sink.
#pragma once

#include <functional>
#include <string_view>

namespace wattle {

enum class LogLevel { debug, info, warning };

// Called from whichever thread has something to say, one whole line (no newline at its end).
// An empty function drops everything. Must not throw.
using LogSink = std::function<void(LogLevel, std::string_view line)>;

}  // namespace wattle
