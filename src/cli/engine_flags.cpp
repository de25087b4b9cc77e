// SPDX-License-Identifier: Apache-2.0
#include "cli/engine_flags.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "cli/text_file.h"
#include "store/lookup.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

constexpr size_t kMaxTemplateBytes = 4u << 20;

const std::map<std::string, KvCacheType> kCacheTypes{
    {"f32", KvCacheType::f32}, {"f16", KvCacheType::f16}, {"q8_0", KvCacheType::q8_0}};

const std::map<std::string, MatrixPrecision> kPrecisions{{"auto", MatrixPrecision::of_model},
                                                         {"normal", MatrixPrecision::normal},
                                                         {"fine", MatrixPrecision::fine}};

const std::map<std::string, NpuDriver> kDrivers{
    {"off", NpuDriver::off},       {"auto", NpuDriver::automatic},
    {"vendor", NpuDriver::vendor}, {"rocket", NpuDriver::rocket},
    {"sim", NpuDriver::simulator}, {"sim-rocket", NpuDriver::simulator_rocket}};
const std::map<std::string, NpuObjective> kObjectives{{"speed", NpuObjective::speed},
                                                      {"energy", NpuObjective::energy}};
const std::map<std::string, NpuArithmetic> kArithmetics{{"auto", NpuArithmetic::by_matrix},
                                                        {"w16a16", NpuArithmetic::w16a16},
                                                        {"w8a8", NpuArithmetic::w8a8},
                                                        {"w8a8-plain", NpuArithmetic::w8a8_plain},
                                                        {"w4a8", NpuArithmetic::w4a8},
                                                        {"w4a4", NpuArithmetic::w4a4},
                                                        {"w4a4-plain", NpuArithmetic::w4a4_plain}};

void add_cache_type(CLI::App& app, const char* names, std::optional<KvCacheType>& type,
                    const std::string& meaning) {
  app.add_option_function<std::string>(
         names, [&type](const std::string& name) { type = kCacheTypes.at(name); }, meaning)
      ->check(CLI::IsMember(kCacheTypes))
      ->type_name("TYPE")
      ->configurable();
}

}  // namespace

CLI::Option* add_model_flag(CLI::App& app, std::string& model) {
  return app
      .add_option(
          "-m,--model", model,
          "a GGUF file, a name that `wattle list` shows, or `stories` (default: SmolLM2 135M)")
      ->type_name("MODEL")
      ->configurable();
}

KvCacheType parse_cache_type(const std::string& name, std::string_view flag) {
  const auto found = kCacheTypes.find(name);
  if (found != kCacheTypes.end()) return found->second;
  throw Error(ErrorCode::usage, fmt::format("{}: no type of the cache is called '{}'", flag, name),
              "there are f32, f16 and q8_0");
}

std::string cache_type_name(KvCacheType type) {
  for (const auto& [name, known] : kCacheTypes) {
    if (known == type) return name;
  }
  return "unknown";
}

void add_chat_template_flag(CLI::App& app, std::string& file_or_text) {
  app.add_option("--chat-template,--chat-template-file", file_or_text,
                 "Jinja template instead of the model's own: a file, or the text")
      ->type_name("FILE_OR_TEXT")
      ->configurable();
}

std::string read_chat_template(const std::string& file_or_text) {
  std::error_code error;
  if (std::filesystem::is_regular_file(file_or_text, error)) {
    return read_text_file(file_or_text, kMaxTemplateBytes);
  }
  if (file_or_text.find('{') != std::string::npos) return file_or_text;
  throw Error(ErrorCode::usage,
              fmt::format("--chat-template: '{}' is neither a file nor a template", file_or_text),
              "a template has {{ }} or {% %} in it");
}

void PlacementFlags::add_to(CLI::App& app) {
  app.add_option("--objective", objective,
                 "what the NPU is used for: speed, or energy, as projected for a board (default "
                 "speed)")
      ->check(CLI::IsMember(kObjectives))
      ->type_name("NAME")
      ->configurable();
  app.add_option(
         "--watts", max_watts,
         "use the NPU so that a prompt and an answer each take no more power above idle, as "
         "projected (default: any)")
      ->check(CLI::Range(0.1, 1000.0))
      ->type_name("W")
      ->configurable();
  app.add_option("--npu-kl", max_divergence,
                 "use no arithmetic of a larger KL divergence from exact, in those of the CPU "
                 "(default 1.1)")
      ->check(CLI::Range(0.01, 1000.0))
      ->type_name("RATIO")
      ->configurable();
  app.add_option("--npu-memory", max_mib,
                 "MiB for weights that stay packed for the NPU (default: half of what is free, and "
                 "no more than the model leaves)")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 24))
      ->type_name("MIB")
      ->configurable();
  app.add_option("--npu-arithmetic", arithmetic,
                 "how the NPU computes: auto, w16a16, w8a8 or w4a8 (default auto, as planned); to "
                 "compare, w8a8-plain, w4a4 or w4a4-plain")
      ->check(CLI::IsMember(kArithmetics))
      ->type_name("NAME")
      ->configurable();
  app.add_option("--npu-rows", min_rows,
                 "products of as many rows and more go to the NPU (default: as planned)")
      ->check(CLI::Range(1u, 65536u))
      ->type_name("N")
      ->configurable();
}

void PlacementFlags::apply_to(NpuParams& params) const {
  params.objective = kObjectives.at(objective);
  params.max_watts = max_watts;
  params.max_divergence = max_divergence;
  params.max_bytes = max_mib << 20;
  params.arithmetic = kArithmetics.at(arithmetic);
  params.min_rows = min_rows;
}

void NpuFlags::add_to(CLI::App& app) {
  app.add_option("--npu", driver,
                 "where large products run: off; vendor or rocket, the board's NPU through "
                 "Rockchip's or Linux's own kernel driver; auto, the one that there is; sim or "
                 "sim-rocket, a simulated NPU of an RK3588 with one of them (default off)")
      ->type_name("DRIVER")
      ->configurable();
  app.add_option("--npu-faults", faults,
                 "what a simulated NPU does wrong, such as timeout/7: see wattle npu selftest")
      ->type_name("PLAN");
  placement.add_to(app);
}

NpuParams NpuFlags::params() const {
  NpuParams params;
  placement.apply_to(params);
  const auto found = kDrivers.find(driver);
  if (found == kDrivers.end()) {
    throw Error(ErrorCode::usage, fmt::format("--npu: no driver is called '{}'", driver),
                "there are off, auto, vendor, rocket, sim and sim-rocket");
  }
  params.driver = found->second;
  params.faults = faults;
  return params;
}

void PrecisionFlag::add_to(CLI::App& app) {
  app.add_option("--precision", name,
                 "of what quantised weights multiply: normal, 8 bits; fine, some 16 for twice the "
                 "arithmetic; auto, normal but for mixtures of up to three experts a token, whose "
                 "other matrices are fine (default auto)")
      ->check(CLI::IsMember(kPrecisions))
      ->type_name("NAME")
      ->configurable();
}

MatrixPrecision PrecisionFlag::value() const { return kPrecisions.at(name); }

void EngineFlags::add_to(CLI::App& app) {
  add_model_flag(app, model);
  app.add_option("-c,--ctx-size", n_ctx,
                 "tokens of context (default 0: what the model was trained for, at most 8192)")
      ->type_name("N")
      ->configurable();
  app.add_option("-b,--batch-size", n_batch, "prompt tokens computed at once (default 512)")
      ->check(CLI::Range(1u, 65536u))
      ->type_name("N")
      ->configurable();
  app.add_option("-t,--threads", n_threads, "threads (default 0: every usable processor)")
      ->check(CLI::Range(0u, 1024u))
      ->type_name("N")
      ->configurable();
  app.add_flag("--pin", pin_threads, "keep each thread on its own processor")->configurable();
  add_cache_type(app, "--kv", kv,
                 fmt::format("type of the KV cache: f32, f16 or q8_0 (default {})",
                             kv_default == KvCacheType::f32 ? "f32" : "f16"));
  add_cache_type(app, "--cache-type-k", kv_k, "the same for K alone (-ctk)");
  add_cache_type(app, "--cache-type-v", kv_v, "the same for V alone (-ctv)");
  precision.add_to(app);
  npu.add_to(app);
}

EngineParams EngineFlags::params() const {
  EngineParams params;
  params.model = store::resolve_model(model);
  params.n_ctx = n_ctx;
  params.n_batch = n_batch;
  params.n_threads = n_threads;
  params.pin_threads = pin_threads;
  params.kv_k = kv_k.value_or(kv.value_or(kv_default));
  params.kv_v = kv_v.value_or(kv.value_or(kv_default));
  params.precision = precision.value();
  params.npu = npu.params();
  return params;
}

}  // namespace wattle::cli
