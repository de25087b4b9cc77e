// SPDX-License-Identifier: Apache-2.0
#include "doctor/memory.h"

#include <fmt/format.h>

#include "doctor/clock.h"
#include "runtime/available_memory.h"
#include "runtime/memory_fit.h"
#include "wattle/error.h"

namespace wattle::doctor {
namespace {

std::string gib(uint64_t bytes) {
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1u << 30));
}

// "16252928 kB"
std::optional<uint64_t> meminfo_bytes(const FileTree& tree, std::string_view key) {
  const auto kib = leading_number(tree.value("proc/meminfo", key).value_or(""));
  if (!kib || *kib < 0 || *kib > INT64_MAX / 1024) return std::nullopt;
  return static_cast<uint64_t>(*kib) * 1024;
}

Finding examine_model(const ModelNeed& model, uint64_t available) {
  const uint64_t cache = model.kv.sequence_bytes(model.n_ctx);
  Finding found{
      .id = "memory.model",
      .what = fmt::format("{}: {} of weights and {} for {} tokens, of {} available", model.name,
                          gib(model.weights_bytes), gib(cache), model.n_ctx, gib(available))};
  if (model.weights_bytes > available) {
    found.verdict = Verdict::problem;
    found.why =
        "the weights do not stay in memory: they are read from the disk again for each token";
    found.mend = {"close other programs, or take a smaller quantisation or model"};
    return found;
  }
  try {
    runtime::check_context_fits(model.kv, model.n_ctx, available - model.weights_bytes);
  } catch (const Error& error) {
    found.verdict = Verdict::problem;
    found.why = fmt::format("beside the weights, {}", error.what());
    found.mend = {error.hint()};
  }
  return found;
}

void examine_memory_clock(const FileTree& tree, Findings& out) {
  const auto clock = read_devfreq(tree, "dmc");
  if (!clock) return;
  Finding found{
      .id = "memory.clock",
      .what = fmt::format("memory clock {}, governor {}", clock->text(), clock->governor)};
  if (clock->governor != "performance" && clock->cur_hz < clock->highest_hz()) {
    found.verdict = Verdict::warning;
    found.why =
        "reading weights is most of the work, and memory is not clocked up for it in time: "
        "up to half of the speed is lost";
    found.mend = {fmt::format("echo performance | sudo tee /{}/governor", clock->folder)};
  } else if (clock->max_hz != 0 && clock->max_hz < clock->highest_hz()) {
    found.verdict = Verdict::warning;
    found.why = "its limit is below what the board can";
    found.mend = {
        fmt::format("echo {} | sudo tee /{}/max_freq", clock->highest_hz(), clock->folder)};
  }
  out.push_back(std::move(found));
}

}  // namespace

void examine_memory(const FileTree& tree, const std::optional<ModelNeed>& model, Findings& out) {
  const auto total = meminfo_bytes(tree, "MemTotal");
  const auto system = meminfo_bytes(tree, "MemAvailable");
  const auto available = runtime::available_memory(tree.at("proc"), tree.at("sys/fs/cgroup"));
  if (!total || !available) {
    out.push_back({.id = "memory.ram",
                   .verdict = Verdict::note,
                   .what = "the system does not tell how much memory there is",
                   .why = "nothing checks whether a model fits"});
  } else {
    out.push_back(
        {.id = "memory.ram",
         .what = fmt::format("{} of memory, {} available", gib(*total), gib(*available))});
    if (system && *available < *system) {
      out.push_back({.id = "memory.group",
                     .verdict = Verdict::note,
                     .what = fmt::format("a control group leaves {} of {} available",
                                         gib(*available), gib(*system)),
                     .why = "the container or service that this runs in has a limit of its own",
                     .mend = {"docker update --memory 12g --memory-swap 12g CONTAINER",
                              "sudo systemctl set-property UNIT MemoryMax=12G"}});
    }
  }
  if (model && available) out.push_back(examine_model(*model, *available));
  examine_memory_clock(tree, out);
}

}  // namespace wattle::doctor
