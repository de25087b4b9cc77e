// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/node.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "backend/rknpu/driver/drm_abi.h"
#include "backend/rknpu/driver/refusal.h"
#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {
namespace {

constexpr std::string_view kMiscNode = "/dev/rknpu";

// The version of the driver behind a DRM node; nothing where it is another driver's.
std::optional<std::string> version_of(Kernel& kernel, int fd, const std::string& driver) {
  std::array<char, 64> name{};
  abi::DrmVersion version{};
  version.name_size = name.size();
  version.name = reinterpret_cast<uint64_t>(name.data());
  if (retried_ioctl(kernel, fd, abi::kDrmVersion, &version) != 0) return std::nullopt;
  if (version.name_size > name.size()) return std::nullopt;
  if (std::string_view(name.data(), version.name_size) != driver) return std::nullopt;
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

void lock(Kernel& kernel, const OpenNode& node) {
  if (kernel.flock(node.file.get()) == 0) return;
  const int error = errno;
  if (error == EWOULDBLOCK) {
    throw NpuFault(NpuFault::Kind::owned, fmt::format("{}: another process has the NPU", node.path),
                   "one process at a time: wait for it to end, or run on the CPU");
  }
  throw Error(ErrorCode::io, fmt::format("{}: cannot lock: {}", node.path, std::strerror(error)),
              "without a lock two processes could stop the board, so the NPU is not used");
}

}  // namespace

std::vector<std::string> numbered(const std::string& prefix, int from, int to) {
  std::vector<std::string> paths;
  for (int i = from; i < to; ++i) paths.push_back(fmt::format("{}{}", prefix, i));
  return paths;
}

OpenNode open_and_lock(Kernel& kernel, const std::vector<std::string>& paths,
                       const std::string& driver) {
  std::string refused;
  for (const std::string& path : paths) {
    FileDescriptor file(kernel, kernel.open(path));
    const int error = errno;
    if (!file.is_open()) {
      if (error == EMFILE || error == ENFILE) throw_refused("cannot open " + path, error);
      if (error == EACCES || error == EPERM) refused += (refused.empty() ? "" : ", ") + path;
      continue;
    }
    std::string version;
    if (path != kMiscNode) {
      const auto found = version_of(kernel, file.get(), driver);
      if (!found) continue;
      version = *found;
    }
    OpenNode node{.file = std::move(file), .path = path, .version = version};
    lock(kernel, node);
    return node;
  }
  if (!refused.empty()) {
    throw Error(ErrorCode::io, fmt::format("may not open {}", refused),
                "`wattle doctor` says which group of users may");
  }
  throw Error(ErrorCode::unsupported,
              fmt::format("this machine has no NPU with the kernel driver {}", driver),
              "`wattle doctor` says what there is");
}

FileDescriptor open_again(Kernel& kernel, const std::string& path) {
  FileDescriptor file(kernel, kernel.open(path));
  if (!file.is_open()) throw_refused("cannot open " + path, errno);
  return file;
}

}  // namespace wattle::rknpu
