// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/numerics/int8_row.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/rknpu/numerics/largest.h"

namespace wattle::rknpu {
namespace {

// To steps of which `most` are the largest magnitude.
float to_steps(std::span<const float> x, float most, int8_t* out) noexcept {
  const float largest = largest_magnitude(x);
  const bool finite = largest <= std::numeric_limits<float>::max();
  if (!finite || largest < 0x1p-119f) {
    std::fill_n(out, x.size(), int8_t{0});
    return finite ? 0 : std::numeric_limits<float>::quiet_NaN();
  }
  const float inverse = most / largest;
  for (size_t i = 0; i < x.size(); ++i)
    out[i] = static_cast<int8_t>(std::nearbyint(x[i] * inverse));
  return largest / most;
}

}  // namespace

float to_int8(std::span<const float> x, int8_t* out) noexcept { return to_steps(x, 127, out); }
float to_int4(std::span<const float> x, int8_t* out) noexcept { return to_steps(x, 7, out); }

}  // namespace wattle::rknpu
