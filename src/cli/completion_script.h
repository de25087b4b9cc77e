// SPDX-License-Identifier: Apache-2.0
// The reference as completions of the shells people use. Descriptions are data: quoted for the
// shell that reads them.
#pragma once

#include <string>

#include "cli/reference.h"

namespace wattle::cli {

std::string bash_completion(const ProgramReference& reference);
std::string zsh_completion(const ProgramReference& reference);
std::string fish_completion(const ProgramReference& reference);

}  // namespace wattle::cli
