// SPDX-License-Identifier: Apache-2.0
// What the system shows of the NPU: its kernel driver, its nodes, its clock.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor/clock.h"
#include "doctor/file_tree.h"
#include "doctor/machine.h"

namespace wattle::doctor {

enum class KernelDriver {
  none,
  vendor,  // Rockchip's rknpu, in kernels 5.10 and 6.1
  rocket,  // mainline's, from Linux 6.18
};

enum class NpuNodeKind {
  card,    // of the vendor's driver with DRM_GEM
  render,  // the same
  misc,    // /dev/rknpu, of the vendor's driver with DMA_HEAP
  accel,   // of rocket
};

struct NpuNode {
  NpuNodeKind kind;
  std::string path;                    // "dev/dri/card1"
  std::optional<FileTree::Node> node;  // nothing: the kernel has the device, /dev does not
};

struct NpuSurvey {
  bool in_tree = false;         // the device tree has the NPU
  bool is_enabled = false;      // and its status is "okay"
  bool tree_is_vendor = false;  // it is described as the vendor's driver wants it

  KernelDriver driver = KernelDriver::none;
  unsigned n_cores = 0;  // of rocket: that the driver has taken
  std::string version;   // of the vendor's driver, "0.9.8"; empty where root alone is told
  std::vector<NpuNode> nodes = {};  // best first
  bool has_iommu = false;
  std::optional<Devfreq> clock = {};
};

// Of the NPU of an RK3588.
NpuSurvey survey_npu(const FileTree& tree);

}  // namespace wattle::doctor
