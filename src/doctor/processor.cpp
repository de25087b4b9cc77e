// SPDX-License-Identifier: Apache-2.0
#include "doctor/processor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

namespace wattle::doctor {
namespace {

constexpr const char* kPolicies = "sys/devices/system/cpu/cpufreq";

std::string ghz(int64_t khz) { return fmt::format("{:.2f} GHz", static_cast<double>(khz) / 1e6); }

// These drivers call "powersave" what others call "schedutil": the clock follows the load.
bool powersave_follows_load(std::string_view driver) {
  return driver == "intel_pstate" || driver == "amd-pstate-epp";
}

void examine_policy(const FileTree& tree, const std::string& name, Findings& out) {
  const std::string policy = fmt::format("{}/{}", kPolicies, name);
  const auto governor = tree.text(policy + "/scaling_governor");
  if (!governor) return;
  const auto cpus = tree.words(policy + "/affected_cpus");
  const std::string whose =
      cpus.empty() ? name : fmt::format("cpu {} ({})", fmt::join(cpus, " "), name);
  const auto most = tree.number(policy + "/cpuinfo_max_freq");
  const auto allowed = tree.number(policy + "/scaling_max_freq");

  Finding clock{.id = "processor.governor",
                .what = fmt::format("{}: governor {}{}", whose, *governor,
                                    most ? ", up to " + ghz(*most) : "")};
  const std::string driver = tree.text(policy + "/scaling_driver").value_or("");
  if (*governor == "powersave" && !powersave_follows_load(driver)) {
    clock.verdict = Verdict::warning;
    clock.why = "the clock stays at its lowest step";
    clock.mend = {fmt::format("echo schedutil | sudo tee /{}/scaling_governor", policy)};
  } else if (*governor == "ondemand" || *governor == "conservative") {
    clock.verdict = Verdict::note;
    clock.why =
        "the clock rises late; where every watt-second is not counted, performance is faster";
    clock.mend = {fmt::format("echo performance | sudo tee /{}/scaling_governor", policy)};
  }
  out.push_back(std::move(clock));

  if (most && allowed && *allowed < *most) {
    out.push_back(
        {.id = "processor.clock",
         .verdict = Verdict::warning,
         .what = fmt::format("{}: held at {} of {}", whose, ghz(*allowed), ghz(*most)),
         .why = "a limit was set, by somebody or by heat",
         .mend = {fmt::format("echo {} | sudo tee /{}/scaling_max_freq", *most, policy)}});
  }
}

void examine_huge_pages(const FileTree& tree, Findings& out) {
  const char* const file = "sys/kernel/mm/transparent_hugepage/enabled";
  const auto modes = tree.text(file);
  if (!modes) return;
  const size_t open = modes->find('[');
  const size_t close = modes->find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return;
  const std::string mode = modes->substr(open + 1, close - open - 1);
  Finding found{.id = "processor.huge_pages", .what = "transparent huge pages: " + mode};
  if (mode == "never") {
    found.verdict = Verdict::note;
    found.why =
        "`wattle bench` reads memory in small pages, and in a virtual machine reports less "
        "bandwidth than there is";
    found.mend = {fmt::format("echo madvise | sudo tee /{}", file)};
  }
  out.push_back(std::move(found));
}

}  // namespace

void examine_kernel_set(const CpuFeatures& cpu, Isa chosen, Findings& out) {
  Isa best = Isa::reference;
  for (const Isa isa : all_isas_fastest_first()) {
    if (cpu.supports(isa)) {
      best = isa;
      break;
    }
  }
  Finding found{.id = "processor.kernels", .what = fmt::format("kernels: {}", isa_name(chosen))};
  if (chosen != best) {
    found.verdict = Verdict::warning;
    found.why = fmt::format("WATTLE_ISA asks for it; {} is faster here", isa_name(best));
    found.mend = {"unset WATTLE_ISA"};
  } else if (best == Isa::scalar) {
    found.verdict = Verdict::warning;
    found.why =
        "this processor has neither AVX2 nor dot products of bytes (ARMv8.2): models run, "
        "many times slower";
  }
  out.push_back(std::move(found));
}

void examine_processor(const FileTree& tree, Findings& out) {
  const auto policies = tree.names(kPolicies, "policy");
  if (policies.empty()) {
    out.push_back(
        {.id = "processor.governor",
         .verdict = Verdict::note,
         .what = "no frequency governor",
         .why = "the clock is up to the firmware, or to the host of this virtual machine"});
  }
  for (const std::string& policy : policies) examine_policy(tree, policy, out);
  examine_huge_pages(tree, out);
}

}  // namespace wattle::doctor
