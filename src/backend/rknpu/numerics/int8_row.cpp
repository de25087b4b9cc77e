// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/numerics/int8_row.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/rknpu/numerics/largest.h"

namespace wattle::rknpu {

float to_int8(std::span<const float> x, int8_t* out) noexcept {
  const float largest = largest_magnitude(x);
  const bool finite = largest <= std::numeric_limits<float>::max();
  if (!finite || largest < 0x1p-119f) {
    std::fill_n(out, x.size(), int8_t{0});
    return finite ? 0 : std::numeric_limits<float>::quiet_NaN();
  }
  const float inverse = 127.0f / largest;
  for (size_t i = 0; i < x.size(); ++i)
    out[i] = static_cast<int8_t>(std::nearbyint(x[i] * inverse));
  return largest / 127.0f;
}

}  // namespace wattle::rknpu
