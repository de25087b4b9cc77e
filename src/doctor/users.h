// SPDX-License-Identifier: Apache-2.0
// Who runs this, and which groups there are, by the files of the tree.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "doctor/file_tree.h"

namespace wattle::doctor {

// "render"; the number where no line of etc/group has it.
std::string group_name(const FileTree& tree, gid_t group);

// The user of this process; empty where etc/passwd does not name it.
std::string user_name(const FileTree& tree);

// Whether etc/group lists the user. A process has the groups of its login, which may be older.
bool is_member(const FileTree& tree, std::string_view group, std::string_view user);

}  // namespace wattle::doctor
