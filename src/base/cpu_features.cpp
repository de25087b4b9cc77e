// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_features.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace wattle {
namespace {

constexpr Isa kFastestFirst[] = {Isa::avx512bf16, Isa::avx512vnni, Isa::avx512, Isa::avx2,
                                 Isa::i8mm,       Isa::neon,       Isa::scalar, Isa::reference};

}  // namespace

std::string_view isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::reference: return "reference";
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::avx512vnni: return "avx512vnni";
    case Isa::avx512bf16: return "avx512bf16";
    case Isa::neon: return "neon";
    case Isa::i8mm: return "i8mm";
  }
  return "?";
}

std::optional<Isa> isa_from_name(std::string_view name) noexcept {
  for (const Isa isa : kFastestFirst) {
    if (isa_name(isa) == name) return isa;
  }
  return std::nullopt;
}

bool CpuFeatures::supports(Isa isa) const noexcept {
  switch (isa) {
    case Isa::reference:
    case Isa::scalar: return true;
    case Isa::avx2: return avx2;
    case Isa::avx512: return avx512;
    case Isa::avx512vnni: return avx512vnni;
    case Isa::avx512bf16: return avx512bf16;
    case Isa::neon: return neon_dotprod;
    case Isa::i8mm: return i8mm;
  }
  return false;
}

CpuFeatures detect_cpu_features() noexcept {
  CpuFeatures f;
#if defined(__x86_64__)
  __builtin_cpu_init();
  f.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("f16c");
  f.avx512 = f.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  f.avx512vnni = f.avx512 && __builtin_cpu_supports("avx512vnni");
  f.avx512bf16 = f.avx512vnni && __builtin_cpu_supports("avx512bf16");
#elif defined(__aarch64__)
  f.neon_dotprod = (::getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  f.i8mm = f.neon_dotprod && (::getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
#endif
  return f;
}

std::span<const Isa> all_isas_fastest_first() noexcept { return kFastestFirst; }

}  // namespace wattle
