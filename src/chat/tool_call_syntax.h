// SPDX-License-Identifier: Apache-2.0
// Tool calls as models write them, to a name and arguments as JSON.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "wattle/message.h"

namespace wattle::chat {

// Nothing where the text is no call.
using ParseCall = std::optional<ToolCall> (*)(std::string_view body);

// {"name": "f", "arguments": {...}}, with "parameters" as another name of the arguments.
std::optional<ToolCall> parse_json_call(std::string_view body);

// call:f{key:value,...} with strings between <|"|>, nested {} and [], numbers, true, false, null.
std::optional<ToolCall> parse_gemma4_call(std::string_view body);

// f.call(key="value", ...), as Llama 3 calls its built-in tools.
std::optional<ToolCall> parse_dotted_call(std::string_view body);

// One or several JSON calls with ';' or white space between; empty where any of it is no call.
std::vector<ToolCall> parse_json_calls(std::string_view body);

}  // namespace wattle::chat
