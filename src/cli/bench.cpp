// SPDX-License-Identifier: Apache-2.0
// `wattle bench`: how fast models run on this machine.
#include "measure/bench.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/file_summary.h"
#include "cli/machine.h"
#include "cli/open_engine.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/status_line.h"
#include "gguf/reader.h"
#include "kernels/kernels.h"
#include "measure/bench_report.h"
#include "measure/number_list.h"
#include "measure/peak_memory.h"
#include "measure/roofline.h"
#include "store/lookup.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

using measure::BenchFormat;
using measure::BenchReport;
using measure::BenchRow;
using measure::BenchTest;
using Numbers = std::vector<uint32_t>;
using Strings = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

constexpr uint32_t kMaxParallel = 1024;  // each has a thread

const std::map<std::string, BenchFormat> kFormats{{"md", BenchFormat::md},
                                                  {"csv", BenchFormat::csv},
                                                  {"json", BenchFormat::json},
                                                  {"jsonl", BenchFormat::jsonl},
                                                  {"sql", BenchFormat::sql}};

struct Flags {
  Strings models;
  Strings n_prompt, n_gen, pg, n_depth, n_parallel, n_batch, n_threads, type_k, type_v;
  uint32_t n_repetitions = 5;
  std::string format = "md";
  bool pin_threads = false;
  bool no_warmup = false;
  bool no_probe = false;
  PrecisionFlag precision;
  NpuFlags npu;
  Reporting reporting;
};

// All numbers of all times the flag was given, or the default.
Numbers numbers(const Strings& texts, std::string_view flag, uint32_t fallback) {
  if (texts.empty()) return {fallback};
  Numbers all;
  for (const std::string& text : texts) {
    const Numbers some = measure::parse_number_list(text, flag);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<KvCacheType> cache_types(const Strings& texts, std::string_view flag) {
  if (texts.empty()) return {KvCacheType::f16};
  std::vector<KvCacheType> types;
  for (const std::string& text : texts) {
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size());
      types.push_back(parse_cache_type(text.substr(begin, end - begin), flag));
      begin = end + 1;
    }
  }
  return types;
}

Numbers parallel_sequences(const Flags& flags) {
  const Numbers counts = numbers(flags.n_parallel, "-np", 1);
  for (const uint32_t n : counts) {
    if (n != 0 && n <= kMaxParallel) continue;
    throw Error(ErrorCode::usage,
                fmt::format("wattle bench: -np is {}, expected 1 to {}", n, kMaxParallel));
  }
  return counts;
}

// Prompts, generations, pairs, each at every depth and with every number of sequences.
std::vector<BenchTest> tests_of(const Flags& flags) {
  std::vector<BenchTest> kinds;
  for (const uint32_t n : numbers(flags.n_prompt, "-p", 512)) kinds.push_back({.n_prompt = n});
  for (const uint32_t n : numbers(flags.n_gen, "-n", 128)) kinds.push_back({.n_gen = n});
  for (const std::string& text : flags.pg) {
    const auto [n_prompt, n_gen] = measure::parse_number_pair(text, "-pg");
    kinds.push_back({.n_prompt = n_prompt, .n_gen = n_gen});
  }
  std::erase_if(kinds, [](const BenchTest& test) {  // "-p 0"
    return test.n_prompt == 0 && test.n_gen == 0;
  });
  std::vector<BenchTest> tests;
  for (const uint32_t n_depth : numbers(flags.n_depth, "-d", 0)) {
    for (const uint32_t n_parallel : parallel_sequences(flags)) {
      for (BenchTest test : kinds) {
        test.n_depth = n_depth;
        test.n_parallel = n_parallel;
        if (uint64_t{n_depth} + test.n_prompt + test.n_gen > INT32_MAX) {
          throw Error(ErrorCode::usage, fmt::format("wattle bench: {} is too long", test.name()));
        }
        tests.push_back(test);
      }
    }
  }
  if (tests.empty()) {
    throw Error(ErrorCode::usage, "wattle bench: nothing to measure",
                "-p, -n and -pg say how many tokens");
  }
  return tests;
}

// What is open together: tests of one of these share an engine.
struct Setup {
  std::filesystem::path model;
  uint32_t n_batch;
  uint32_t n_threads;
  KvCacheType type_k;
  KvCacheType type_v;
};

std::vector<Setup> setups_of(const Flags& flags) {
  Strings models = flags.models;
  if (models.empty()) models.emplace_back();  // the default model
  std::vector<Setup> setups;
  for (const std::string& model : models) {
    const std::filesystem::path path = store::resolve_model(model);
    for (const uint32_t n_batch : numbers(flags.n_batch, "-b", 512)) {
      for (const KvCacheType type_k : cache_types(flags.type_k, "-ctk")) {
        for (const KvCacheType type_v : cache_types(flags.type_v, "-ctv")) {
          for (uint32_t n_threads : numbers(flags.n_threads, "-t", 0)) {
            if (n_threads == 0) n_threads = static_cast<uint32_t>(available_processors());
            setups.push_back({path, n_batch, n_threads, type_k, type_v});
          }
        }
      }
    }
  }
  return setups;
}

// What the machine can do with so many threads, asked once each.
class Probe {
 public:
  struct Limits {
    double read_bandwidth = 0;
    double int8_peak = 0;
  };
  explicit Probe(bool enabled) : enabled_(enabled) {}

  Limits of(uint32_t n_threads, bool pin) {
    if (!enabled_) return {};
    const auto [at, is_new] = known_.try_emplace(n_threads);
    if (is_new) {
      ThreadPool pool(n_threads, pin);
      at->second = {measure::measure_read_bandwidth(pool), measure::measure_int8_peak(pool)};
    }
    return at->second;
  }

 private:
  bool enabled_;
  std::map<uint32_t, Limits> known_;
};

// "gemma4 tg128, 3 of 5" on a terminal, a line a test elsewhere.
class TestProgress {
 public:
  TestProgress(bool enabled, std::string name, uint32_t n_repetitions)
      : enabled_(enabled), name_(std::move(name)), n_repetitions_(n_repetitions) {}

  void at(uint32_t repetition) {
    if (!enabled_ || repetition == last_) return;
    line_.show(fmt::format("{}: {}", name_,
                           repetition == 0 ? std::string("warming up")
                                           : fmt::format("{} of {}", repetition, n_repetitions_)));
    if (!line_.on_terminal() && last_ == UINT32_MAX) print_err(name_ + "\n");
    last_ = repetition;
  }

 private:
  bool enabled_;
  std::string name_;
  uint32_t n_repetitions_;
  uint32_t last_ = UINT32_MAX;
  StatusLine line_;
};

// "gemma4 25.23B Q4_0"
std::string model_type(const gguf::File& file) {
  const gguf::Metadata& keys = file.metadata();
  uint64_t n_params = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) n_params += tensor.n_elements();
  const double billions = static_cast<double>(n_params) / 1e9;
  const auto file_type = keys.find<uint32_t>("general.file_type");
  return fmt::format(
      "{} {}{}", keys.get<std::string_view>("general.architecture"),
      billions < 1 ? fmt::format("{:.0f}M", billions * 1000) : fmt::format("{:.2f}B", billions),
      file_type ? " " + file_type_name(*file_type) : "");
}

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

class Bench {
 public:
  explicit Bench(const Flags& flags)
      : flags_(flags),
        tests_(tests_of(flags)),
        probe_(!flags.no_probe),
        report_(kFormats.at(flags.format), [](std::string_view text) {
          print_out(text);
          flush_out();
        }) {}

  // Rows come as they are measured; those that are there stay whatever happens.
  void run() {
    try {
      for (const Setup& setup : setups_of(flags_)) run(setup);
    } catch (...) {
      report_.finish();
      throw;
    }
    report_.finish();
  }

 private:
  void run(const Setup& setup) {
    BenchRow row = describe(setup);
    uint32_t n_ctx = 0;
    for (const BenchTest& test : tests_) n_ctx = std::max(n_ctx, test.n_ctx());
    measure::restart_peak_memory();
    const Clock::time_point start = Clock::now();
    const auto engine = open_engine({.model = setup.model,
                                     .n_ctx = n_ctx,
                                     .n_batch = setup.n_batch,
                                     .n_threads = setup.n_threads,
                                     .pin_threads = flags_.pin_threads,
                                     .kv_k = setup.type_k,
                                     .kv_v = setup.type_v,
                                     .precision = flags_.precision.value(),
                                     .npu = flags_.npu.params()},
                                    flags_.reporting, interrupt_);
    row.startup_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    row.n_params = engine->model().n_params;
    for (const BenchTest& test : tests_) {
      row.test = test;
      row.test_time = utc_now();
      row.samples = run(*engine, row);
      row.peak_rss_bytes = measure::peak_memory_bytes();
      // Side by side, who is in a batch with whom depends on the moment, and with it the last bits.
      if (!row.samples.repeatable && test.n_parallel == 1) {
        print_err(fmt::format("warning: {} gave other logits each time\n", test.name()));
      }
      report_.add(row);
    }
  }

  measure::BenchSamples run(Engine& engine, const BenchRow& row) {
    TestProgress progress(!flags_.reporting.quiet,
                          fmt::format("{}, {} threads: {}", printable(row.model_type),
                                      row.n_threads, row.test.name()),
                          flags_.n_repetitions);
    return measure::run_bench(engine, row.test,
                              {.n_repetitions = flags_.n_repetitions,
                               .n_batch = row.n_batch,
                               .warm_up = !flags_.no_warmup,
                               .on_step = [&](uint32_t repetition) {
                                 progress.at(repetition);
                                 return !interrupt_.requested();
                               }});
  }

  // What is known before the engine is open.
  BenchRow describe(const Setup& setup) {
    const CpuFeatures cpu = detect_cpu_features();
    const gguf::File file(setup.model);
    const auto limits = probe_.of(setup.n_threads, flags_.pin_threads);
    BenchRow row;
    row.version = WATTLE_VERSION;
    row.cpu_info = processor_name();
    row.isa = isa_name(kernels::isa_from_environment(cpu));
    row.model_filename = setup.model.string();
    row.model_type = model_type(file);
    row.cost = measure::token_cost(file);
    row.n_batch = setup.n_batch;
    row.n_threads = setup.n_threads;
    row.type_k = cache_type_name(setup.type_k);
    row.type_v = cache_type_name(setup.type_v);
    row.read_bandwidth = limits.read_bandwidth;
    row.int8_peak = limits.int8_peak;
    return row;
  }

  const Flags& flags_;
  std::vector<BenchTest> tests_;
  Interrupt interrupt_;
  Probe probe_;
  BenchReport report_;
};

int bench(const Flags& flags) {
  Bench(flags).run();
  return kExitOk;
}

}  // namespace

Command add_bench(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = program.add_subcommand("bench", "measure the speed of models on this machine");
  const auto list = [&](const char* names, Strings& to, const char* meaning, const char* type) {
    app->add_option(names, to, meaning)->type_name(type)->allow_extra_args(false);
  };
  list("-m,--model", flags->models, "what to measure; may be given several times", "MODEL");
  list("-p,--n-prompt", flags->n_prompt, "tokens of a prompt (default 512)", "LIST");
  list("-n,--n-gen", flags->n_gen, "tokens to generate (default 128)", "LIST");
  list("--pg", flags->pg, "a prompt and then a generation (-pg), such as 512,128", "N,N");
  list("-d,--n-depth", flags->n_depth, "tokens that are there before (default 0)", "LIST");
  list("--parallel", flags->n_parallel, "sequences side by side, each with these (default 1; -np)",
       "LIST");
  list("-b,--batch-size", flags->n_batch, "prompt tokens computed at once (default 512)", "LIST");
  list("-t,--threads", flags->n_threads, "threads (default 0: every usable processor)", "LIST");
  list("--cache-type-k", flags->type_k, "f32, f16 or q8_0 (default f16; -ctk)", "TYPES");
  list("--cache-type-v", flags->type_v, "the same for V (-ctv)", "TYPES");
  app->add_option("-r,--repetitions", flags->n_repetitions, "of each test (default 5)")
      ->check(CLI::Range(1u, 100000u))
      ->type_name("N");
  app->add_option("-o,--output", flags->format, "md, csv, json, jsonl or sql (default md)")
      ->check(CLI::IsMember(kFormats))
      ->type_name("FORMAT");
  app->add_flag("--pin", flags->pin_threads, "keep each thread on its own processor");
  app->add_flag("--no-warmup", flags->no_warmup, "time the first run, too");
  app->add_flag("--no-probe", flags->no_probe,
                "do not measure what memory and processor can do (256 MiB, half a second)");
  flags->precision.add_to(*app);
  flags->npu.add_to(*app);
  flags->reporting.add_to(*app);
  app->footer(
      "A LIST is 512 or 1,2,4 or 512-2048+512 or 1-16*2. Flags and fields are those of "
      "llama-bench;\n"
      "docs/measuring.md says what the others mean and how to compare fairly.");
  return {app, [flags] { return bench(*flags); }};
}

}  // namespace wattle::cli
