// SPDX-License-Identifier: Apache-2.0
// What the doctor says of boards; data/README.md says where the trees come from.
#include "doctor/examine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/doctor/recorded_tree.h"

namespace wattle::doctor {
namespace {

using test::RecordedTree;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const CpuFeatures kCortexA76{.neon_dotprod = true};

Findings examine_board(const FileTree& tree) {
  return examine(tree, {.cpu = kCortexA76, .isa = Isa::neon});
}

Finding find(const Findings& findings, const std::string& id) {
  const auto found = std::ranges::find(findings, id, &Finding::id);
  if (found != findings.end()) return *found;
  ADD_FAILURE() << "no finding " << id;
  return {};
}

std::vector<std::string> ids(const Findings& findings, Verdict verdict) {
  std::vector<std::string> found;
  for (const Finding& finding : findings) {
    if (finding.verdict == verdict) found.push_back(finding.id);
  }
  return found;
}

TEST(Doctor, FindsNothingWrongWithABoardThatIsSetUp) {
  const Findings findings = examine_board(RecordedTree("orangepi-5_vendor-6.1"));
  EXPECT_THAT(ids(findings, Verdict::problem), IsEmpty());
  EXPECT_THAT(ids(findings, Verdict::warning), IsEmpty());
  EXPECT_EQ(find(findings, "machine.board").what, "Orange Pi 5, rk3588");
  EXPECT_EQ(find(findings, "machine.kernel").what, "Linux 6.1.99-rockchip-rk3588");
  EXPECT_EQ(find(findings, "processor.governor").what,
            "cpu 0 1 2 3 (policy0): governor performance, up to 1.80 GHz");
  EXPECT_EQ(find(findings, "npu.driver").what, "rknpu 0.9.8, the vendor's driver");
  EXPECT_EQ(find(findings, "npu.node").what,
            "/dev/dri/card1 (rw-rw---- video), /dev/dri/renderD129 (rw-rw---- render)");
  EXPECT_EQ(find(findings, "npu.iommu").verdict, Verdict::ok);
  EXPECT_EQ(find(findings, "npu.clock").what, "clock 1000 of 1000 MHz, governor rknpu_ondemand");
  EXPECT_EQ(find(findings, "memory.ram").what, "15.5 GiB of memory, 14.0 GiB available");
  EXPECT_THAT(find(findings, "heat.zones").what, HasSubstr("soc-thermal 44"));
}

TEST(Doctor, TellsWhoMayNotOpenTheNpuWhatToDo) {
  const Findings findings = examine_board(RecordedTree("rock-5b_vendor-5.10"));
  EXPECT_THAT(ids(findings, Verdict::problem), ElementsAre("npu.node"));
  const Finding node = find(findings, "npu.node");
  EXPECT_THAT(node.what, HasSubstr("/dev/dri/card1 (rw-rw---- video, not for this user)"));
  EXPECT_THAT(node.mend, ElementsAre("sudo usermod -aG video board", "log out and in again"));

  EXPECT_THAT(ids(findings, Verdict::warning), ElementsAre("memory.clock"));
  EXPECT_THAT(find(findings, "memory.clock").what, HasSubstr("528 of 2112 MHz"));
  EXPECT_THAT(find(findings, "memory.clock").mend,
              ElementsAre("echo performance | sudo tee /sys/class/devfreq/dmc/governor"));
  EXPECT_THAT(find(findings, "npu.driver").why, HasSubstr("4 GiB"));
  EXPECT_EQ(find(findings, "processor.governor").verdict, Verdict::note);
}

TEST(Doctor, KnowsALoginThatIsOlderThanTheGroup) {
  const Findings findings = examine_board(RecordedTree("rock-5b_vendor-6.1"));
  EXPECT_THAT(ids(findings, Verdict::problem), ElementsAre("npu.node"));
  ASSERT_EQ(find(findings, "npu.node").mend.size(), 1u);
  EXPECT_THAT(find(findings, "npu.node").mend[0], HasSubstr("log out and in again"));
  // And one that is hot.
  EXPECT_THAT(ids(findings, Verdict::warning), ElementsAre("heat.zones"));
  EXPECT_THAT(find(findings, "heat.zones").why,
              HasSubstr("soc-thermal is at 86, and clocks go down from 85"));
}

TEST(Doctor, SaysWhenOnlyRootMayKnowTheVersion) {
  const Findings findings = examine_board(RecordedTree("orangepi-5_vendor-5.10"));
  EXPECT_THAT(ids(findings, Verdict::problem), IsEmpty());
  const Finding driver = find(findings, "npu.driver");
  EXPECT_EQ(driver.verdict, Verdict::note);
  EXPECT_THAT(driver.mend, ElementsAre("sudo cat /sys/kernel/debug/rknpu/version"));
}

TEST(Doctor, KnowsTheMainlineDriver) {
  RecordedTree tree("rock-5b_mainline-6.18");
  const Findings findings = examine_board(tree);
  EXPECT_THAT(ids(findings, Verdict::problem), IsEmpty());
  EXPECT_EQ(find(findings, "npu.driver").what, "rocket, mainline's driver, 3 of 3 cores");
  EXPECT_THAT(find(findings, "npu.driver").why, HasSubstr("models do not run on this driver yet"));
  EXPECT_EQ(find(findings, "npu.node").what, "/dev/accel/accel0 (rw-rw-rw- render)");
  EXPECT_THAT(find(findings, "npu.clock").why, HasSubstr("200 of 1000 MHz"));

  tree.remove("sys/bus/platform/devices/fdad0000.npu");
  EXPECT_EQ(find(examine_board(tree), "npu.driver").verdict, Verdict::warning);
  // An accelerator of another maker is no NPU of ours.
  tree.add("sys/class/accel/accel0/device -> ../../../0000:00:0b.0");
  EXPECT_THAT(find(examine_board(tree), "npu.node").what, HasSubstr("has made no device"));
}

TEST(Doctor, SaysWhyThereIsNoDriver) {
  RecordedTree off("orangepi-5_mainline-6.18");
  const Findings findings = examine_board(off);
  EXPECT_THAT(ids(findings, Verdict::problem), ElementsAre("npu.driver"));
  EXPECT_THAT(find(findings, "npu.driver").what, HasSubstr("switches the NPU off"));

  off.add("proc/device-tree/npu@fdab0000/status : okay");
  EXPECT_EQ(find(examine_board(off), "npu.driver").mend[0], "sudo modprobe rocket");
  off.add("proc/device-tree/npu@fdab0000/compatible : rockchip,rk3588-rknpu");
  EXPECT_EQ(find(examine_board(off), "npu.driver").mend[0], "sudo modprobe rknpu");
  off.remove("proc/device-tree/npu@fdab0000");
  EXPECT_THAT(find(examine_board(off), "npu.driver").what, HasSubstr("does not have the NPU"));
  off.add("proc/sys/kernel/osrelease = 6.12.57-current-rockchip64");
  EXPECT_THAT(find(examine_board(off), "npu.driver").mend[0], HasSubstr("Linux 6.18 or newer"));
}

TEST(Doctor, JudgesVersionsOfTheVendorsDriver) {
  struct Case {
    const char* kernel;
    const char* version;
    Verdict verdict;
    const char* why;
  };
  for (const auto& [kernel, version, verdict, why] :
       {Case{"5.10.110", "v0.7.2", Verdict::problem, "older than the oldest"},
        {"5.10.110", "v0.9.3", Verdict::note, "4 GiB"},
        {"6.1.43", "v0.9.3", Verdict::warning, "stop the board"},
        {"6.1.43", "v0.9.6", Verdict::note, "4 GiB"},
        {"6.1.99", "v0.9.8", Verdict::ok, ""},
        {"6.1.200", "v1.0.0", Verdict::note, "newer than the newest"}}) {
    RecordedTree tree("orangepi-5_vendor-6.1");
    tree.add(std::string("proc/sys/kernel/osrelease = ") + kernel);
    tree.add(std::string("sys/kernel/debug/rknpu/version = RKNPU driver: ") + version);
    const Finding driver = find(examine_board(tree), "npu.driver");
    EXPECT_EQ(driver.verdict, verdict) << version;
    EXPECT_THAT(driver.why, HasSubstr(why));
  }
}

TEST(Doctor, KnowsTheMiscDeviceAndItsFiles) {
  RecordedTree tree("orangepi-5_vendor-6.1");
  tree.remove("sys/bus/platform/devices/fdab0000.npu/drm");
  tree.add("sys/class/misc/rknpu/dev = 10:122");
  EXPECT_THAT(find(examine_board(tree), "npu.node").what, HasSubstr("/dev/rknpu (missing)"));
  EXPECT_THAT(find(examine_board(tree), "npu.node").mend[0], HasSubstr("--device /dev/rknpu"));

  tree.add("dev/rknpu @ rw------- root:root");
  const Finding node = find(examine_board(tree), "npu.node");
  ASSERT_EQ(node.mend.size(), 4u);
  EXPECT_THAT(node.mend[0], HasSubstr("KERNEL==\"rknpu\", GROUP=\"render\", MODE=\"0660\""));
  const Finding files = find(examine_board(tree), "limits.files");
  EXPECT_EQ(files.verdict, Verdict::warning);
  EXPECT_EQ(files.mend[0], "ulimit -n 65536");

  tree.remove("proc/self/limits");
  tree.add(
      "proc/self/limits | Max open files            65536                1048576              "
      "files");
  EXPECT_EQ(find(examine_board(tree), "limits.files").verdict, Verdict::ok);
}

TEST(Doctor, WarnsOfTheRenderNodeAlone) {
  RecordedTree tree("rock-5b_vendor-5.10");
  tree.remove("proc/self/status");
  tree.add("proc/self/status | Uid:\t1000\t1000\t1000\t1000");
  tree.add("proc/self/status | Groups:\t105 1000");
  const Finding node = find(examine_board(tree), "npu.node");
  EXPECT_EQ(node.verdict, Verdict::warning);
  EXPECT_THAT(node.why, HasSubstr("/dev/dri/card1 is the one to open"));
}

TEST(Doctor, SeesHeldAndSlowClocks) {
  RecordedTree tree("orangepi-5_vendor-6.1");
  tree.add("sys/devices/system/cpu/cpufreq/policy6/scaling_max_freq = 1200000");
  tree.add("sys/devices/system/cpu/cpufreq/policy0/scaling_governor = powersave");
  tree.add("sys/class/devfreq/fdab0000.npu/max_freq = 600000000");
  tree.add("sys/class/devfreq/dmc/max_freq = 1560000000");
  const Findings findings = examine_board(tree);
  EXPECT_THAT(ids(findings, Verdict::warning),
              ElementsAre("processor.governor", "processor.clock", "memory.clock"));
  EXPECT_THAT(find(findings, "processor.clock").what, HasSubstr("held at 1.20 GHz of 2.35 GHz"));
  EXPECT_THAT(find(findings, "npu.clock").why, HasSubstr("held at 600 MHz"));
  EXPECT_EQ(find(findings, "memory.clock").mend[0],
            "echo 2112000000 | sudo tee /sys/class/devfreq/dmc/max_freq");
}

TEST(Doctor, NeedsTheIommu) {
  RecordedTree tree("orangepi-5_vendor-6.1");
  tree.remove("sys/bus/platform/devices/fdab0000.npu/iommu_group");
  EXPECT_THAT(ids(examine_board(tree), Verdict::problem), ElementsAre("npu.iommu"));
}

TEST(Doctor, IsFineWithAMachineWithoutNpu) {
  const RecordedTree tree("desktop_6.12");
  const Findings findings = examine(tree, {.cpu = {.avx2 = true}, .isa = Isa::avx2});
  EXPECT_THAT(ids(findings, Verdict::problem), IsEmpty());
  EXPECT_THAT(ids(findings, Verdict::warning), IsEmpty());
  EXPECT_EQ(find(findings, "machine.board").what, "LENOVO 11TCCTO1WW");
  EXPECT_EQ(find(findings, "npu.driver").what,
            "no NPU that wattle knows: models run on the processor");
  EXPECT_EQ(find(findings, "processor.kernels").what, "kernels: avx2");
  EXPECT_EQ(find(findings, "processor.huge_pages").what, "transparent huge pages: madvise");
}

TEST(Doctor, KnowsNpusThatItDoesNotDrive) {
  RecordedTree tree("desktop_6.12");
  tree.add("proc/device-tree/compatible : radxa,rock-4d ; rockchip,rk3576");
  EXPECT_EQ(find(examine_board(tree), "npu.driver").what,
            "the NPU of the rk3576 is not driven by wattle");
}

TEST(Doctor, SeesAProcessorThatRunsSlowKernels) {
  const RecordedTree tree("desktop_6.12");
  EXPECT_EQ(find(examine(tree, {.cpu = {}, .isa = Isa::scalar}), "processor.kernels").verdict,
            Verdict::warning);
  const Finding forced =
      find(examine(tree, {.cpu = {.avx2 = true}, .isa = Isa::scalar}), "processor.kernels");
  EXPECT_THAT(forced.why, HasSubstr("avx2 is faster"));
  EXPECT_THAT(forced.mend, ElementsAre("unset WATTLE_ISA"));
}

// 2 layers * 2 heads * (64 + 64) halves = 1,024 bytes a position.
ModelNeed small_model(uint64_t weights_bytes, uint32_t n_ctx) {
  const KvLayerShape layer{.n_head_kv = 2, .head_dim_k = 64, .head_dim_v = 64};
  return {.name = "small.gguf",
          .weights_bytes = weights_bytes,
          .kv = KvLayout({.layers = {layer, layer}}, {.n_ctx = n_ctx, .n_batch = 16}),
          .n_ctx = n_ctx};
}

TEST(Doctor, SaysWhetherAModelFits) {
  const RecordedTree tree("rock-5b_mainline-6.18");  // 14 GiB available
  const auto ask = [&](const FileTree& from, ModelNeed need) {
    return find(examine(from, {.cpu = kCortexA76, .isa = Isa::neon, .model = std::move(need)}),
                "memory.model");
  };
  const Finding fits = ask(tree, small_model(uint64_t{13} << 30, 4096));
  EXPECT_EQ(fits.verdict, Verdict::ok);
  EXPECT_EQ(fits.what,
            "small.gguf: 13.0 GiB of weights and 0.0 GiB for 4096 tokens, of 14.0 GiB available");

  const Finding large = ask(tree, small_model(uint64_t{15} << 30, 4096));
  EXPECT_EQ(large.verdict, Verdict::problem);
  EXPECT_THAT(large.why, HasSubstr("read from the disk again"));

  const Finding longer = ask(tree, small_model(uint64_t{13} << 30, 1 << 21));
  EXPECT_EQ(longer.verdict, Verdict::problem);
  EXPECT_THAT(longer.why, HasSubstr("beside the weights, a context of 2097152 tokens"));
  EXPECT_THAT(longer.mend[0], HasSubstr("-c "));

  // A container may leave less.
  RecordedTree container("rock-5b_mainline-6.18");
  container.add("proc/self/cgroup = 0::/box");
  container.add("sys/fs/cgroup/box/memory.max = 2147483648");
  container.add("sys/fs/cgroup/box/memory.current = 0");
  const Finding boxed = ask(container, small_model(uint64_t{3} << 30, 4096));
  EXPECT_EQ(boxed.verdict, Verdict::problem);
  EXPECT_THAT(find(examine_board(container), "memory.group").what,
              HasSubstr("leaves 2.0 GiB of 14.0 GiB"));
}

}  // namespace
}  // namespace wattle::doctor
