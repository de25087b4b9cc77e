// SPDX-License-Identifier: Apache-2.0
// Which kernel runs for which op: one list per op, fastest first. A set need not have every kernel;
// the first that this machine can run and that has one is taken.
#include <fmt/format.h>

#include <array>
#include <string>

#include "base/assert.h"
#include "base/env.h"
#include "kernels/kernels.h"
#include "wattle/error.h"

namespace wattle::kernels {
namespace {

template <class Kernel>
struct Impl {
  Isa isa;
  Kernel kernel;
};

constexpr Impl<const MatmulSet*> kMatmul[] = {
#if defined(__x86_64__)
    {Isa::avx512bf16, &avx512bf16::kMatmul}, {Isa::avx512vnni, &avx512vnni::kMatmul},
    {Isa::avx512, &avx512::kMatmul},         {Isa::avx2, &avx2::kMatmul},
#elif defined(__aarch64__)
    {Isa::i8mm, &i8mm::kMatmul},
    {Isa::neon, &neon::kMatmul},
#endif
    {Isa::scalar, &scalar::kMatmul},         {Isa::reference, &reference::kMatmul},
};

constexpr Impl<QuantizeActFn> kQuantizeAct[] = {
#if defined(__x86_64__)
    {Isa::avx2, avx2::quantize_act},
#elif defined(__aarch64__)
    {Isa::neon, neon::quantize_act},
#endif
    {Isa::scalar, scalar::quantize_act},
    {Isa::reference, scalar::quantize_act},
};

constexpr Impl<RoundActFn> kRoundAct[] = {
#if defined(__x86_64__)
    {Isa::avx512bf16, avx512bf16::round_act},
#endif
    {Isa::scalar, scalar::round_act},
    {Isa::reference, scalar::round_act},
};

constexpr Impl<const ElementwiseKernels*> kElementwise[] = {
#if defined(__x86_64__)
    {Isa::avx512, &avx512::kElementwise},
    {Isa::avx2, &avx2::kElementwise},
#elif defined(__aarch64__)
    {Isa::neon, &neon::kElementwise},
#endif
    {Isa::scalar, &scalar::kElementwise},
    {Isa::reference, &scalar::kElementwise},
};

constexpr Impl<const DecodeRowSet*> kDecodeRow[] = {
#if defined(__x86_64__)
    {Isa::avx2, &avx2::kDecodeRow},
#elif defined(__aarch64__)
    {Isa::neon, &neon::kDecodeRow},
#endif
    {Isa::scalar, &scalar::kDecodeRow},
    {Isa::reference, &scalar::kDecodeRow},
};

constexpr Impl<HalfRunsFn> kHalfRunsQ40[] = {
#if defined(__x86_64__)
    {Isa::avx2, avx2::half_runs_q4_0},
#elif defined(__aarch64__)
    {Isa::neon, neon::half_runs_q4_0},
#endif
    {Isa::scalar, scalar::half_runs_q4_0},
    {Isa::reference, scalar::half_runs_q4_0},
};

constexpr Impl<const AttentionKernels*> kAttention[] = {
#if defined(__x86_64__)
    {Isa::avx512, &avx512::kAttention},
    {Isa::avx2, &avx2::kAttention},
#elif defined(__aarch64__)
    {Isa::neon, &neon::kAttention},
#endif
    {Isa::scalar, &scalar::kAttention},
    {Isa::reference, &scalar::kAttention},
};

constexpr Impl<const AttentionByType*> kAttentionMany[] = {
#if defined(__x86_64__)
    {Isa::avx512vnni, &avx512vnni::kAttentionMany}, {Isa::avx512, &avx512::kAttention.attention},
    {Isa::avx2, &avx2::kAttention.attention},
#elif defined(__aarch64__)
    {Isa::neon, &neon::kAttention.attention},
#endif
    {Isa::scalar, &scalar::kAttention.attention},   {Isa::reference, &scalar::kAttention.attention},
};

// In the order of all_dtypes().
constexpr std::string_view kMatmulOps[] = {
    "matmul f32",    "matmul f16",    "matmul q4_0", "matmul q4_1",  "matmul q5_0", "matmul q5_1",
    "matmul q8_0",   "matmul q2_k",   "matmul q3_k", "matmul q4_k",  "matmul q5_k", "matmul q6_k",
    "matmul iq4_nl", "matmul iq4_xs", "matmul bf16", "matmul mxfp4",
};

class Picker {
 public:
  Picker(const CpuFeatures& features, Isa limit, KernelTable& table) noexcept
      : features_(features), limit_(limit), table_(table) {}

  template <class Kernel, size_t kSize>
  Kernel pick(std::string_view op, const Impl<Kernel> (&list)[kSize]) noexcept {
    for (const Impl<Kernel>& impl : list) {
      if (!allowed(impl.isa)) continue;
      note(op, impl.isa);
      return impl.kernel;
    }
    return nullptr;  // never: the reference row always runs
  }

  MatmulKernel pick_matmul(std::string_view op, DType weight) noexcept {
    for (const auto& impl : kMatmul) {
      if (!allowed(impl.isa)) continue;
      for (size_t i = 0; i < impl.kernel->n_rows; ++i) {
        if (impl.kernel->rows[i].weight != weight) continue;
        note(op, impl.isa);
        MatmulKernel kernel = impl.kernel->rows[i].kernel;
        kernel.name = isa_name(impl.isa);
        return kernel;
      }
    }
    return {};  // never: the reference set has every type
  }

 private:
  // The sets of one architecture are declared in rising order; those of others never run here.
  bool allowed(Isa isa) const noexcept { return isa <= limit_ && features_.supports(isa); }

  void note(std::string_view op, Isa isa) noexcept {
    WATTLE_ASSERT(table_.n_choices < std::size(table_.choice_storage));
    table_.choice_storage[table_.n_choices++] = {op, isa_name(isa)};
  }

  const CpuFeatures& features_;
  const Isa limit_;
  KernelTable& table_;
};

}  // namespace

KernelTable make_kernel_table(const CpuFeatures& features, Isa limit) noexcept {
  KernelTable table{};
  table.isa = Isa::reference;
  for (const Isa isa : all_isas_fastest_first()) {
    if (isa > limit || !features.supports(isa)) continue;
    table.isa = isa;
    break;
  }

  Picker picker(features, limit, table);
  static_assert(std::size(kMatmulOps) == std::size(KernelTable{}.matmul));
  for (size_t i = 0; i < all_dtypes().size(); ++i)
    table.matmul[i] = picker.pick_matmul(kMatmulOps[i], all_dtypes()[i].type);
  table.quantize_act = picker.pick("quantize_act", kQuantizeAct);
  table.round_act = picker.pick("round_act", kRoundAct);
  table.decode_rows = picker.pick("decode_row", kDecodeRow);
  table.half_runs_q4_0 = picker.pick("half_runs q4_0", kHalfRunsQ40);
  static_cast<ElementwiseKernels&>(table) = *picker.pick("elementwise", kElementwise);
  static_cast<AttentionKernels&>(table) = *picker.pick("attention", kAttention);
  table.attention_many = *picker.pick("attention_many", kAttentionMany);
  return table;
}

namespace {

// In all_dtypes().
size_t index_of(DType type) noexcept {
  const auto types = all_dtypes();
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i].type == type) return i;
  }
  WATTLE_ASSERT(false);  // a DType is only ever made by dtype_from_id or by name
  return 0;
}

}  // namespace

const MatmulKernel* KernelTable::matmul_for(DType weight) const noexcept {
  return &matmul[index_of(weight)];
}

DecodeRowFn KernelTable::decode_row_of(DType weight) const noexcept {
  return decode_rows->of_type[index_of(weight)];
}

std::span<const KernelTable::Choice> KernelTable::choices() const noexcept {
  return {choice_storage, n_choices};
}

Isa isa_from_environment(const CpuFeatures& features) {
  std::string runnable;
  std::optional<Isa> best;
  for (const Isa isa : all_isas_fastest_first()) {
    if (!features.supports(isa)) continue;
    if (!best) best = isa;
    runnable += fmt::format("{}{}", runnable.empty() ? "" : ", ", isa_name(isa));
  }
  const std::optional<std::string> name = env::get(env::kIsa);
  if (!name) return *best;

  const std::optional<Isa> isa = isa_from_name(*name);
  if (isa && features.supports(*isa)) return *isa;
  throw Error(ErrorCode::usage,
              fmt::format("{}={}: {}", env::kIsa.name, *name,
                          isa ? "this processor cannot run it" : "no such kernel set"),
              fmt::format("this machine runs {}", runnable));
}

}  // namespace wattle::kernels
