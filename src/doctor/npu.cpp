// SPDX-License-Identifier: Apache-2.0
#include "doctor/npu.h"

#include <fmt/format.h>

#include <algorithm>

#include "doctor/npu_node.h"

namespace wattle::doctor {
namespace {

constexpr Version kFirstRocket{6, 18, 0};  // Linux
// Of the vendor's driver.
constexpr Version kOldestKnown{0, 8, 0};
constexpr Version kNewestKnown{0, 9, 8};
// 0.9.3 in kernels 6.1: submits fail (github.com/radxa/kernel/issues/312) or the board stops
// (github.com/armbian/linux-rockchip/pull/158, which brought 0.9.5).
constexpr Version kFirstSoundIn6_1{0, 9, 5};
constexpr Version kFirstWithSafeDomains{0, 9, 8};

constexpr const char* kOtherNpus[] = {"rk3562", "rk3566", "rk3568", "rk3576"};

Finding no_driver(const Machine& machine, const NpuSurvey& survey) {
  Finding found{
      .id = "npu.driver", .verdict = Verdict::problem, .why = "models run on the processor alone"};
  if (survey.in_tree && survey.is_enabled) {
    const char* const module = survey.tree_is_vendor ? "rknpu" : "rocket";
    found.what = fmt::format("no driver has taken the NPU; the device tree is made for {}", module);
    found.mend = {
        fmt::format("sudo modprobe {}", module),
        fmt::format("or a kernel with {}=y",
                    survey.tree_is_vendor ? "CONFIG_ROCKCHIP_RKNPU" : "CONFIG_DRM_ACCEL_ROCKET")};
  } else if (survey.in_tree) {
    found.what = "the device tree switches the NPU off";
    found.mend = {"an overlay that sets status = \"okay\" at /npu@fdab0000 and its IOMMU"};
  } else if (version_of(machine.kernel) >= kFirstRocket) {
    found.what = "the device tree of this board does not have the NPU";
    found.mend = {"the board's device tree of Linux 6.18 or newer, or an overlay with its NPU"};
  } else {
    found.what = fmt::format("Linux {} has no driver for the NPU", machine.kernel);
    found.mend = {
        "the vendor's 6.1 with rknpu 0.9.8; with Linux 6.18 or newer the NPU runs its self-test, "
        "and no models yet"};
  }
  return found;
}

Finding vendor_driver(const Machine& machine, const NpuSurvey& survey) {
  Finding found{.id = "npu.driver"};
  if (survey.version.empty()) {
    found.verdict = Verdict::note;
    found.what = "rknpu, the vendor's driver; its version is told to root alone";
    found.why = "versions differ in how much memory the NPU reaches";
    found.mend = {"sudo cat /sys/kernel/debug/rknpu/version"};
    return found;
  }
  const Version version = version_of(survey.version);
  found.what = fmt::format("rknpu {}, the vendor's driver", survey.version);
  const std::vector<std::string> newer = {"a vendor kernel with rknpu 0.9.8 (6.1 from 2025 on)"};
  if (version < kOldestKnown) {
    found.verdict = Verdict::problem;
    found.why = "its interface is older than the oldest that wattle knows, 0.8.0";
    found.mend = newer;
  } else if (version < kFirstSoundIn6_1 && version_of(machine.kernel) >= Version{6, 1, 0}) {
    found.verdict = Verdict::warning;
    found.why =
        "in kernels 6.1, jobs of versions before 0.9.5 are reported to fail or to stop the "
        "board";
    found.mend = newer;
  } else if (version < kFirstWithSafeDomains) {
    found.verdict = Verdict::note;
    found.why = "the NPU reaches 4 GiB at most: more than one domain needs 0.9.8";
    found.mend = newer;
  } else if (version > kNewestKnown) {
    found.verdict = Verdict::note;
    found.why = "newer than the newest whose interface is known here, 0.9.8";
  }
  return found;
}

Finding rocket_driver(const NpuSurvey& survey) {
  Finding found{.id = "npu.driver",
                .verdict = Verdict::note,
                .what = fmt::format("rocket, mainline's driver, {} of 3 cores", survey.n_cores),
                .why = "models do not run on this driver yet, its self-test does"};
  if (survey.n_cores < 3) {
    found.verdict = Verdict::warning;
    found.why = "the others are switched off in the device tree, or the driver did not start them";
    found.mend = {"sudo dmesg | grep -iE 'npu|rocket'"};
  }
  return found;
}

void examine_iommu(const NpuSurvey& survey, Findings& out) {
  if (survey.has_iommu) {
    out.push_back({.id = "npu.iommu", .what = "the NPU has its IOMMU"});
    return;
  }
  out.push_back(
      {.id = "npu.iommu",
       .verdict = Verdict::problem,
       .what = "the NPU has no IOMMU",
       .why = "its buffers would have to lie in one piece in the little memory that is set "
              "aside for that",
       .mend = {"an overlay that sets status = \"okay\" at the NPU's IOMMU and names it in "
                "its iommus"}});
}

void examine_npu_clock(const NpuSurvey& survey, Findings& out) {
  Finding found{.id = "npu.clock"};
  if (!survey.clock) {
    const bool is_rocket = survey.driver == KernelDriver::rocket;
    found.verdict = Verdict::note;
    found.what = "the clock of the NPU is not told";
    found.why = is_rocket ? "mainline has no control of it yet: it runs as the firmware left it, "
                            "mostly at 200 of 1000 MHz"
                          : "";
    out.push_back(std::move(found));
    return;
  }
  const Devfreq& clock = *survey.clock;
  found.what = fmt::format("clock {}, governor {}", clock.text(), clock.governor);
  if (clock.max_hz != 0 && clock.max_hz < clock.highest_hz()) {
    found.verdict = Verdict::note;
    found.why = fmt::format("held at {} MHz: right where watts count", clock.max_hz / 1000000);
    found.mend = {fmt::format("echo {} | sudo tee /{}/max_freq", clock.highest_hz(), clock.folder)};
  } else if (clock.governor == "powersave") {
    found.verdict = Verdict::warning;
    found.why = "the clock stays at its lowest step";
    found.mend = {fmt::format("echo rknpu_ondemand | sudo tee /{}/governor", clock.folder)};
  }
  out.push_back(std::move(found));
}

}  // namespace

void examine_npu(const FileTree& tree, const Machine& machine, const NpuSurvey& survey,
                 Findings& out) {
  if (machine.soc != "rk3588") {
    const bool other = std::ranges::count(kOtherNpus, machine.soc) > 0;
    out.push_back(
        {.id = "npu.driver",
         .verdict = other ? Verdict::note : Verdict::ok,
         .what = other ? fmt::format("the NPU of the {} is not driven by wattle", machine.soc)
                       : "no NPU that wattle knows: models run on the processor",
         .why = other ? "models run on the processor" : ""});
    return;
  }
  if (survey.driver == KernelDriver::none) {
    out.push_back(no_driver(machine, survey));
    return;
  }
  out.push_back(survey.driver == KernelDriver::vendor ? vendor_driver(machine, survey)
                                                      : rocket_driver(survey));
  examine_npu_nodes(tree, survey, out);
  examine_iommu(survey, out);
  examine_npu_clock(survey, out);
}

}  // namespace wattle::doctor
