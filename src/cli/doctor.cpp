// SPDX-License-Identifier: Apache-2.0
// `wattle doctor`: what keeps this machine from running models well, and how to mend it.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/cpu_features.h"
#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/npu_selftest.h"
#include "cli/output.h"
#include "cli/program.h"
#include "doctor/examine.h"
#include "doctor/npu_survey.h"
#include "gguf/reader.h"
#include "kernels/kernels.h"
#include "model/registry.h"
#include "store/lookup.h"
#include "wattle/engine.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Verdict;
using Json = nlohmann::ordered_json;

constexpr uint32_t kDefaultContext = 8192;  // EngineParams::n_ctx

struct Flags {
  std::string model;
  uint32_t n_ctx = 0;
  std::string root = "/";
  bool selftest = false;
  bool json = false;
};

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::note: return "note";
    case Verdict::warning: return "warning";
    case Verdict::problem: return "problem";
  }
  return "?";
}

size_t count(const Findings& findings, Verdict verdict) {
  return static_cast<size_t>(std::ranges::count(findings, verdict, &Finding::verdict));
}

doctor::ModelNeed need_of(const Flags& flags) {
  const gguf::File file(store::resolve_model(flags.model));
  const Hparams hparams = read_hparams(file);
  const uint32_t n_ctx =
      flags.n_ctx != 0 ? flags.n_ctx : std::min(kDefaultContext, hparams.n_ctx_train);
  return {.name = std::filesystem::path(file.name()).filename().string(),
          .weights_bytes = file.size_bytes(),
          .kv = KvLayout(kv_shape(hparams), {.n_ctx = n_ctx, .n_batch = EngineParams{}.n_batch}),
          .n_ctx = n_ctx};
}

std::string as_text(const Findings& findings) {
  const Paint paint(STDOUT_FILENO);
  std::string text;
  std::string area;
  for (const Finding& finding : findings) {
    const std::string now = finding.id.substr(0, finding.id.find('.'));
    if (now != area) text += now + "\n";
    area = now;
    std::string verdict = fmt::format("{:<9}", verdict_name(finding.verdict));
    if (finding.verdict == Verdict::problem) verdict = paint.red(verdict);
    if (finding.verdict == Verdict::warning) verdict = paint.bold(verdict);
    text += fmt::format("  {}{}\n", verdict, printable(finding.what));
    if (!finding.why.empty()) text += fmt::format("           {}\n", printable(finding.why));
    for (const std::string& step : finding.mend) {
      text += fmt::format("             {}\n", printable(step));
    }
  }
  const size_t problems = count(findings, Verdict::problem);
  const size_t warnings = count(findings, Verdict::warning);
  const auto plural = [](size_t n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  text += problems == 0 && warnings == 0
              ? "nothing is wrong\n"
              : fmt::format("{}, {}\n", plural(problems, "problem"), plural(warnings, "warning"));
  return text;
}

Json as_json(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"id", finding.id},
                    {"verdict", verdict_name(finding.verdict)},
                    {"what", finding.what},
                    {"why", finding.why},
                    {"mend", finding.mend}});
  }
  return {{"version", WATTLE_VERSION},
          {"problems", count(findings, Verdict::problem)},
          {"warnings", count(findings, Verdict::warning)},
          {"findings", std::move(list)}};
}

// Through the driver that has the NPU.
NpuSelftest selftest(const doctor::FileTree& tree, bool tells) {
  const doctor::KernelDriver driver = doctor::survey_npu(tree).driver;
  if (driver == doctor::KernelDriver::none) {
    throw Error(ErrorCode::unsupported, "no kernel driver has an NPU here",
                "`wattle npu selftest` tests the simulator");
  }
  const bool is_vendor = driver == doctor::KernelDriver::vendor;
  const auto device = open_npu({.device = is_vendor ? "vendor" : "rocket"});
  return run_npu_selftest(*device, tells);
}

int examine(const Flags& flags) {
  doctor::Question question{.cpu = detect_cpu_features()};
  question.isa = kernels::isa_from_environment(question.cpu);
  if (!flags.model.empty()) question.model = need_of(flags);
  const doctor::FileTree tree(flags.root);
  const Findings findings = doctor::examine(tree, question);
  bool is_well = count(findings, Verdict::problem) == 0;
  Json report = as_json(findings);
  if (!flags.json) print_out(as_text(findings));
  if (flags.selftest) {
    NpuSelftest result = selftest(tree, !flags.json);
    is_well &= result.passed;
    report["npu_selftest"] = std::move(result.report);
  }
  if (flags.json) {
    print_out(report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  return is_well ? kExitOk : kExitFailure;
}

}  // namespace

Command add_doctor(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = program.add_subcommand(
      "doctor", "what keeps this machine from running models well, and how to mend it");
  add_model_flag(*app, flags->model)->description("ask too whether this model fits into memory");
  app->add_option("-c,--ctx-size", flags->n_ctx,
                  "with a conversation of that many tokens (default: what the model was trained "
                  "for, at most "
                  "8192)")
      ->check(CLI::Range(1u, UINT32_MAX / 2))
      ->type_name("N");
  CLI::Option* npu =
      app->add_flag("--npu-selftest", flags->selftest,
                    "then open the NPU and compare products on it with plain arithmetic");
  app->add_flag("--json", flags->json, "print one JSON object");
  // A copy of another machine's files. Not for people: a copy has other owners.
  app->add_option("--root", flags->root)->group("")->excludes(npu);
  app->footer(
      "Reads /proc, /sys and /dev and changes nothing; opens no device without --npu-selftest.\n"
      "Exit code 1: something that the machine has does not work. A machine without an NPU is "
      "fine.");
  return {app, [flags] { return examine(*flags); }};
}

}  // namespace wattle::cli
