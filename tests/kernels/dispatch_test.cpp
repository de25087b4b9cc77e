// SPDX-License-Identifier: Apache-2.0
// The choice of kernels: complete for every set, within the limit asked for, and never silent.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "base/env.h"
#include "kernels/engine_context.h"
#include "kernels/kernels.h"
#include "wattle/error.h"

namespace wattle {
namespace {

using kernels::KernelTable;

// Sets WATTLE_ISA for one scope.
class ForcedIsa {
 public:
  explicit ForcedIsa(const char* name) : before_(env::get(env::kIsa)) {
    ::setenv(env::kIsa.name, name, 1);
  }
  ~ForcedIsa() {
    if (before_) {
      ::setenv(env::kIsa.name, before_->c_str(), 1);
    } else {
      ::unsetenv(env::kIsa.name);
    }
  }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;

 private:
  std::optional<std::string> before_;
};

// A set that this machine cannot run: every machine lacks one.
Isa foreign_isa() { return detect_cpu_features().supports(Isa::neon) ? Isa::avx2 : Isa::neon; }

void expect_complete(const KernelTable& table) {
  for (const DTypeInfo& info : all_dtypes()) {
    const kernels::MatmulKernel* kernel = table.matmul_for(info.type);
    ASSERT_NE(kernel, nullptr) << info.name;
    EXPECT_TRUE(kernel->matvec && kernel->matmul && kernel->scratch_bytes) << info.name;
    EXPECT_GE(kernel->tile_rows, 1U) << info.name;
  }
  EXPECT_TRUE(table.quantize_act && table.rms_norm && table.add && table.scale && table.axpy &&
              table.mul && table.silu_mul && table.gelu_mul && table.softcap && table.rope_neox &&
              table.rope_norm && table.softmax);
  for (const auto store : table.kv_store) EXPECT_TRUE(store);
  for (const auto* by_type : {&table.attention, &table.attention_many}) {
    for (const auto& row : by_type->fn) {
      for (const auto attention : row) EXPECT_TRUE(attention);
    }
  }
}

TEST(Dispatch, EverySetHasAKernelForEveryOp) {
  for (const Isa isa : all_isas_fastest_first()) {
    SCOPED_TRACE(isa_name(isa));
    expect_complete(kernels::make_kernel_table(detect_cpu_features(), isa));
  }
}

TEST(Dispatch, AProcessorWithNothingSpecialStillRunsEverything) {
  const KernelTable table = kernels::make_kernel_table(CpuFeatures{}, Isa::neon);
  EXPECT_EQ(table.isa, Isa::scalar);
  expect_complete(table);
}

TEST(Dispatch, ChoicesStayWithinTheLimitAndNameEveryOp) {
  for (const Isa limit : all_isas_fastest_first()) {
    if (!detect_cpu_features().supports(limit)) continue;
    const KernelTable table = kernels::make_kernel_table(detect_cpu_features(), limit);
    EXPECT_EQ(table.isa, limit);
    EXPECT_EQ(table.choices().size(), all_dtypes().size() + 7);
    for (const auto& choice : table.choices()) {
      const auto isa = isa_from_name(choice.name);
      ASSERT_TRUE(isa) << choice.name;
      EXPECT_LE(*isa, limit) << choice.op;
    }
  }
}

TEST(Dispatch, TheEnvironmentForcesASet) {
  for (const Isa isa : all_isas_fastest_first()) {
    if (!detect_cpu_features().supports(isa)) continue;
    const ForcedIsa forced(std::string(isa_name(isa)).c_str());
    EXPECT_EQ(kernels::isa_from_environment(detect_cpu_features()), isa);
    const EngineContext context({.n_threads = 1});
    EXPECT_EQ(context.kernels.isa, isa);
  }
}

TEST(Dispatch, ASetThatCannotRunIsRefusedByName) {
  const std::string names[] = {"avx1024", std::string(isa_name(foreign_isa()))};
  for (const std::string& name : names) {
    const ForcedIsa forced(name.c_str());
    try {
      kernels::isa_from_environment(detect_cpu_features());
      FAIL() << name << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
      EXPECT_NE(error.hint().find("scalar"), std::string::npos) << error.hint();
    }
  }
}

TEST(EngineContext, TwoWithDifferentSetsLiveSideBySide) {
  const EngineContext fast({.n_threads = 2});
  std::string line;
  const EngineContext slow({.n_threads = 1,
                            .isa = Isa::reference,
                            .log = [&](LogLevel, std::string_view text) { line = text; }});
  EXPECT_EQ(slow.kernels.isa, Isa::reference);
  EXPECT_EQ(fast.kernels.isa, kernels::isa_from_environment(fast.cpu));
  EXPECT_EQ(fast.pool.size(), 2U);
  fast.log(LogLevel::info, "nobody listens");
  slow.log(LogLevel::info, "one line");
  EXPECT_EQ(line, "one line");
}

}  // namespace
}  // namespace wattle
