// SPDX-License-Identifier: Apache-2.0
// The messages of a conversation as the note of a saved session.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wattle/message.h"

namespace wattle::cli {

// A JSON object with the messages in the form of the OpenAI chat API.
std::string note_of(const std::vector<Message>& messages);

// The messages of such a note. `file` names where it is from. Throws Error{bad_input}.
std::vector<Message> messages_of(std::string_view note, const std::string& file);

}  // namespace wattle::cli
