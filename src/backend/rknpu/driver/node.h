// SPDX-License-Identifier: Apache-2.0
// Finds the node of a driver and takes it for this process.
#pragma once

#include <string>
#include <vector>

#include "backend/rknpu/driver/kernel.h"

namespace wattle::rknpu {

struct OpenNode {
  FileDescriptor file;
  std::string path;     // "/dev/dri/card1"
  std::string version;  // as DRM tells it, "0.9.8"; empty of a node that is none of DRM
};

// "/dev/dri/card" 0 to 15, then...
std::vector<std::string> numbered(const std::string& prefix, int from, int to);

// Opens the first of `paths` that DRM says belongs to `driver`; "/dev/rknpu" needs no asking. Locks
// it, so that one process has it: two that submit at once have stopped boards. The lock is of the
// node, and goes with the process.
// Throws Error{unsupported} where there is none, Error{io} where it may not be opened, and
// NpuFault{owned}.
OpenNode open_and_lock(Kernel& kernel, const std::vector<std::string>& paths,
                       const std::string& driver);

// Further descriptors of a node that is locked already. Throws as throw_refused does.
FileDescriptor open_again(Kernel& kernel, const std::string& path);

}  // namespace wattle::rknpu
