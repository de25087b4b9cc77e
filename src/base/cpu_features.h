// SPDX-License-Identifier: Apache-2.0
// What this processor can run, asked once, and the kernel sets built on it.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace wattle {

// A kernel set. reference: float activations and f64 sums, the yardstick of accuracy. scalar: plain
// loops with the numerics of the fast sets (int8 activations). The rest need the named hardware.
enum class Isa { reference, scalar, avx2, avx512, avx512vnni, avx512bf16, neon, i8mm };

std::string_view isa_name(Isa isa) noexcept;
std::optional<Isa> isa_from_name(std::string_view name) noexcept;

struct CpuFeatures {
  bool avx2 = false;        // AVX2, FMA and F16C
  bool avx512 = false;      // AVX-512 F, BW, DQ, VL
  bool avx512vnni = false;  // avx512 and VNNI
  bool avx512bf16 = false;  // avx512vnni and products of bf16
  bool neon_dotprod = false;
  bool i8mm = false;  // neon_dotprod and products of 2 x 8 by 8 x 2 bytes

  bool supports(Isa isa) const noexcept;
};

// Asks the processor (and the operating system, which must save the wide registers).
CpuFeatures detect_cpu_features() noexcept;

// All sets of all architectures, fastest first; supports() says which of them run here. The last
// two are scalar and reference.
std::span<const Isa> all_isas_fastest_first() noexcept;

}  // namespace wattle
