// SPDX-License-Identifier: Apache-2.0
// The reference as manual pages and as one Markdown page.
#pragma once

#include <string>

#include "cli/reference.h"

namespace wattle::cli {

// Section 1, in the macros of man(7). `command` is of the reference; null: the page of the program.
std::string manual_page(const ProgramReference& reference, const CommandReference* command);

// docs/cli.md.
std::string markdown_reference(const ProgramReference& reference);

}  // namespace wattle::cli
