// SPDX-License-Identifier: Apache-2.0
#include "doctor/npu_survey.h"

#include <fmt/format.h>

#include <algorithm>

namespace wattle::doctor {
namespace {

// The cores' registers. The vendor's device tree has one device at the first for all three.
constexpr const char* kCores[] = {"fdab0000.npu", "fdac0000.npu", "fdad0000.npu"};
constexpr const char* kDeviceTreeNode = "proc/device-tree/npu@fdab0000";

std::string device(const char* core) { return fmt::format("sys/bus/platform/devices/{}", core); }

void read_device_tree(const FileTree& tree, NpuSurvey& survey) {
  const auto names = tree.strings(fmt::format("{}/compatible", kDeviceTreeNode));
  const auto status = tree.strings(fmt::format("{}/status", kDeviceTreeNode));
  survey.in_tree = !names.empty();
  survey.is_enabled = survey.in_tree && (status.empty() || status[0] == "okay");
  survey.tree_is_vendor = std::ranges::count(names, "rockchip,rk3588-rknpu") > 0;
}

// "RKNPU driver: v0.9.8"
std::string vendor_version(const FileTree& tree) {
  for (const char* file : {"sys/kernel/debug/rknpu/version", "proc/rknpu/version"}) {
    const std::string text = tree.text(file).value_or("");
    const size_t v = text.rfind('v');
    if (v != std::string::npos && version_of(text.substr(v + 1)) != Version{}) {
      return version_text(version_of(text.substr(v + 1)));
    }
  }
  return {};
}

void add_node(const FileTree& tree, NpuNodeKind kind, std::string path, NpuSurvey& survey) {
  auto node = tree.node(path);
  survey.nodes.push_back({.kind = kind, .path = std::move(path), .node = node});
}

void find_vendor_nodes(const FileTree& tree, NpuSurvey& survey) {
  const std::string drm = device(kCores[0]) + "/drm";
  for (const auto& name : tree.names(drm, "card")) {
    add_node(tree, NpuNodeKind::card, "dev/dri/" + name, survey);
  }
  for (const auto& name : tree.names(drm, "renderD")) {
    add_node(tree, NpuNodeKind::render, "dev/dri/" + name, survey);
  }
  if (tree.exists("sys/class/misc/rknpu")) {
    add_node(tree, NpuNodeKind::misc, "dev/rknpu", survey);
  }
}

void find_rocket_nodes(const FileTree& tree, NpuSurvey& survey) {
  for (const auto& name : tree.names("sys/class/accel", "accel")) {
    // The cores share one device of the name "rknn"; other makers' accelerators have others.
    if (tree.link_name(fmt::format("sys/class/accel/{}/device", name)) == "rknn") {
      add_node(tree, NpuNodeKind::accel, "dev/accel/" + name, survey);
    }
  }
}

}  // namespace

NpuSurvey survey_npu(const FileTree& tree) {
  NpuSurvey survey;
  read_device_tree(tree, survey);
  const std::string driver = tree.link_name(device(kCores[0]) + "/driver");
  if (driver == "RKNPU") {
    survey.driver = KernelDriver::vendor;
    survey.n_cores = 3;
    survey.version = vendor_version(tree);
    find_vendor_nodes(tree, survey);
  } else if (driver == "rocket") {
    survey.driver = KernelDriver::rocket;
    for (const char* core : kCores) {
      if (tree.link_name(device(core) + "/driver") == driver) ++survey.n_cores;
    }
    find_rocket_nodes(tree, survey);
  }
  survey.has_iommu = !tree.link_name(device(kCores[0]) + "/iommu_group").empty();
  survey.clock = read_devfreq(tree, kCores[0]);
  return survey;
}

}  // namespace wattle::doctor
