// SPDX-License-Identifier: Apache-2.0
// What a board with an RK3588 and LPDDR4X does in a second and with how many watts: published
// figures, none of them measured by us. docs/npu.md repeats the table.
#pragma once

#include <cstdint>

namespace wattle::rknpu {

struct BoardFigures {
  // ---- the NPU ----
  // Operations of one core in 1e9 MAC/s at 1 GHz, reached with 128 rows of native layouts: 0.9, 1.8
  // and 4 Tops (clehaxze.tw, matrix products with the vendor's runtime).
  double f16_gmacs = 450;
  double i8_gmacs = 900;
  double i4_gmacs = 2000;
  // Row-major results lose 20-70 % of that (same source): the middle.
  double row_major_share = 0.55;
  // MHz: the vendor's driver goes up to 1000, the mainline one is commonly patched to 600.
  double vendor_mhz = 1000;
  double rocket_mhz = 600;
  // GB/s of one, two and three lists at once, two tasks of each in flight (ork-driver's probes, i8,
  // one row: 12.7 with two tasks in flight, 15.1 with three, 19.9 with six; 8.7 with a single one).
  // Four tasks lie on the line between three and six.
  double gbytes_per_s[3] = {12.7, 16.7, 19.9};
  // All lists together, packed i4 and up to this many rows (ork-driver; with 128 rows faster
  // streams are on record).
  double i4_gbytes_per_s = 10;
  uint32_t i4_few_rows = 16;
  // Microseconds: a task in a chain 8-12 (open-rknpu, RV1103); a blocking submit 31-121 in
  // hardware, 100-370 with what programs do around it (ork-driver and others).
  double task_us = 10;
  double submit_us = 100;
  // Mainline starts each task with an interrupt of its own. No figure is published: assumed.
  double rocket_task_us = 50;
  // Changing the domain waits for the cores and attaches the IOMMU. No figure: assumed.
  double domain_switch_us = 100;
  // W above idle of the whole board while the NPU works: 2.8-4.4 for dense models (rk-llama.cpp).
  double busy_watts = 3.2;

  // ---- the four A76 cores ----
  // 1e9 MAC/s with many rows, by the type of the weights: prompts of 512 tokens on llama.cpp's CPU
  // path times the weights of a token (rk-llama.cpp's table, dense models from 0.35 to 9 billion
  // weights). 4-bit integers 51-119, 8-bit 47-65, f16 and f32 47-54, others (Q6_K) 25-36.
  double cpu_int4_gmacs = 90;
  double cpu_int8_gmacs = 52;
  double cpu_float_gmacs = 48;
  double cpu_other_gmacs = 30;
  // Of that, with activations of 16 bits (Precision::fine): our kernels, on another processor
  // (docs/numerics.md: 820 to 490 tokens/s).
  double cpu_fine_share = 0.6;
  // GB/s that they read weights with: 17-22 on boards (Turing RK1), 20-22 by the speed of answers
  // of dense models (rk-llama.cpp), 13-17 by that of Gemma 4 26B-A4B.
  double cpu_gbytes_per_s = 20;
  // 1e9 weights/s that they pack in f16 for the NPU. No figure is published. Our kernels take 1.8
  // instructions a weight of Q4_0, 4.3 to 4.9 of others and 0.146 a product of 4-bit integers
  // (NEON, bench/instructions/recorded.json): at the rate at which the latter are cpu_int4_gmacs
  // the former are 7.3 and 2.7 to 3.1.
  double cpu_pack_q4_0_gweights = 7.2;
  double cpu_pack_gweights = 3.0;
  // W above idle of the whole board while they work: 6.2-8.0 (rk-llama.cpp, answers).
  double cpu_watts = 7.0;

  // GB/s that pass through memory when NPU and processor work at once. No figure is published. One
  // of them alone has been seen to move 22-28 (NPU, i8) and 24 (processor), of 34 that LPDDR4X-4267
  // can.
  double memory_gbytes_per_s = 24;
};

inline constexpr BoardFigures kBoard;

// Time, and energy of the whole board above idle.
struct Cost {
  double ms = 0;
  double mj = 0;

  Cost& operator+=(const Cost& other) noexcept {
    ms += other.ms;
    mj += other.mj;
    return *this;
  }
  double watts() const noexcept { return ms == 0 ? 0 : mj / ms; }
};

constexpr Cost operator+(Cost a, const Cost& b) noexcept { return {a.ms + b.ms, a.mj + b.mj}; }
constexpr Cost operator-(Cost a, const Cost& b) noexcept { return {a.ms - b.ms, a.mj - b.mj}; }
constexpr Cost operator*(double n, const Cost& c) noexcept { return {n * c.ms, n * c.mj}; }

}  // namespace wattle::rknpu
