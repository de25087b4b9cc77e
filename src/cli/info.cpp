// SPDX-License-Identifier: Apache-2.0
// `wattle info`: this machine, and which kernel runs each operation on it.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "cli/commands.h"
#include "cli/definition.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "kernels/kernels.h"

namespace wattle::cli {
namespace {

uint64_t memory_bytes(std::string_view key) {
  const std::string kilobytes = proc_value("/proc/meminfo", key);
  return kilobytes.empty() ? 0 : std::stoull(kilobytes) * 1024;
}

nlohmann::ordered_json collect() {
  const CpuFeatures cpu = detect_cpu_features();
  const Isa isa = kernels::isa_from_environment(cpu);
  const kernels::KernelTable table = kernels::make_kernel_table(cpu, isa);

  struct utsname system{};
  ::uname(&system);
  nlohmann::ordered_json info;
  info["version"] = WATTLE_VERSION;
  info["system"] = fmt::format("{} {} {}", system.sysname, system.release, system.machine);
  info["processor"] = processor_name();
  info["processors"] = std::thread::hardware_concurrency();
  info["processors_usable"] = available_processors();
  info["memory_bytes"] = memory_bytes("MemTotal");
  info["memory_available_bytes"] = memory_bytes("MemAvailable");
  info["isa"] = isa_name(isa);
  for (const Isa known : all_isas_fastest_first()) {
    if (cpu.supports(known)) info["isa_supported"].push_back(isa_name(known));
  }
  for (const auto& [op, name] : table.choices()) info["kernels"][std::string(op)] = name;
  return info;
}

std::string as_text(const nlohmann::ordered_json& info) {
  const auto gib = [](const nlohmann::ordered_json& bytes) {
    return static_cast<double>(bytes.get<uint64_t>()) / (1u << 30);
  };
  std::string supported;
  for (const auto& isa : info["isa_supported"]) supported += " " + isa.get<std::string>();
  std::string text;
  const auto row = [&](const char* name, const std::string& value) {
    text += fmt::format("{:<12}{}\n", name, value);
  };
  row("wattle", info["version"]);
  row("system", info["system"]);
  row("processor",
      fmt::format("{}, {} of {} usable", info["processor"].get<std::string>(),
                  info["processors_usable"].get<unsigned>(), info["processors"].get<unsigned>()));
  row("memory", fmt::format("{:.1f} GiB, {:.1f} available", gib(info["memory_bytes"]),
                            gib(info["memory_available_bytes"])));
  row("kernels",
      fmt::format("{} (this machine runs:{})", info["isa"].get<std::string>(), supported));
  for (const auto& [op, name] : info["kernels"].items()) {
    text += fmt::format("  {:<22}{}\n", op, name.get<std::string>());
  }
  return text;
}

// Only what is set somewhere: the rest is as --help says.
int print_settings(bool json) {
  const std::unique_ptr<Definition> definition = define_program();
  const Settings settings(load_config(), definition->app);
  const ConfigFile& file = settings.file();
  nlohmann::ordered_json out;
  out["file"] = file.path.string();
  out["file_exists"] = file.exists;
  out["settings"] = nlohmann::ordered_json::array();
  std::string text =
      fmt::format("configuration file: {}{}\n",
                  file.path.empty() ? "none, as HOME is not set" : printable(file.path.string()),
                  file.exists || file.path.empty() ? "" : " (not there)");
  for (const Settings::Row& row : settings.rows(definition->app)) {
    nlohmann::ordered_json values = nlohmann::ordered_json::array();
    text += fmt::format("  {:<20}", printable(row.name));
    for (const auto& [value, from] : row.values) {
      text += fmt::format("{}{} ({})", values.empty() ? "" : "; not ", printable(value),
                          printable(from));
      values.push_back({{"value", value}, {"from", from}});
    }
    text += "\n";
    out["settings"].push_back({{"name", row.name}, {"values", std::move(values)}});
  }
  text += "A flag wins over all of these.\n";
  print_out(json ? out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"
                 : text);
  return 0;
}

}  // namespace

Command add_info(CLI::App& program) {
  auto json = std::make_shared<bool>(false);
  auto config = std::make_shared<bool>(false);
  CLI::App* app = program.add_subcommand("info", "this machine and the kernels chosen for it");
  app->add_flag("--json", *json, "print one JSON object");
  app->add_flag("--config", *config,
                "show instead which settings the environment and the configuration file make");
  return {app, [json, config] {
            if (*config) return print_settings(*json);
            const auto info = collect();
            print_out(*json ? info.dump(2) + "\n" : as_text(info));
            return 0;
          }};
}

}  // namespace wattle::cli
