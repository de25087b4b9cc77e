// SPDX-License-Identifier: Apache-2.0
// How long a board would take, and with how much energy: a projection from published figures, none
// of them measured by us.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/rknpu/form.h"
#include "backend/rknpu/simulator/convolution_task.h"

namespace wattle::rknpu {

// RK3588 with LPDDR4X; docs/npu.md repeats the table with the spread of each figure.
struct CostConstants {
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
};

struct SubmitCost {
  double ms = 0;
  double mj = 0;
};

// Of one submit: the tasks of each list.
SubmitCost project(std::span<const std::vector<ConvolutionTask>> lists, Form form,
                   bool switches_domain);

}  // namespace wattle::rknpu
