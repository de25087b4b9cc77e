// SPDX-License-Identifier: Apache-2.0
// How much memory this process may still take, asked before anything large is allocated.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace wattle::runtime {

// Bytes that can be had without swapping: what the kernel calls available (free memory and page
// cache that can be dropped), less where a control group (v1 or v2) of this process allows less.
// Nothing where the system does not tell. The folders are parameters for tests.
std::optional<uint64_t> available_memory(const std::filesystem::path& proc = "/proc",
                                         const std::filesystem::path& cgroup = "/sys/fs/cgroup");

}  // namespace wattle::runtime
