// SPDX-License-Identifier: Apache-2.0
#include "runtime/pooling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "wattle/error.h"

namespace wattle::runtime {

std::optional<Pooling> pooling_of(const gguf::File& file) {
  const std::string key =
      std::string(file.metadata().get<std::string_view>("general.architecture")) + ".pooling_type";
  const auto value = file.metadata().find<uint32_t>(key);
  if (!value) return std::nullopt;
  switch (*value) {
    case 0: return std::nullopt;
    case 1: return Pooling::mean;
    case 2: return Pooling::first;
    case 3: return Pooling::last;
    default:
      throw Error(ErrorCode::unsupported,
                  fmt::format("{}: key '{}': {}, expected 0 to 3 (none, mean, first, last)",
                              file.name(), key, *value),
                  "name a pooling to use it nevertheless");
  }
}

void Pooler::add(MatView<const float> rows) noexcept {
  for (size_t r = 0; r < rows.n_rows; ++r, ++n_rows_) {
    if (pooling_ == Pooling::first && n_rows_ != 0) continue;
    for (size_t i = 0; i < sum_.size(); ++i) {
      sum_[i] = (pooling_ == Pooling::mean ? sum_[i] : 0.0) + double{rows.row(r)[i]};
    }
  }
}

std::vector<float> Pooler::result(bool normalize) const {
  double divisor = pooling_ == Pooling::mean ? static_cast<double>(n_rows_) : 1.0;
  if (normalize) {
    double square = 0;
    for (const double value : sum_) square += value * value;
    divisor = square == 0 ? 1.0 : std::sqrt(square);
  }
  std::vector<float> values;
  values.reserve(sum_.size());
  for (const double value : sum_) values.push_back(static_cast<float>(value / divisor));
  return values;
}

}  // namespace wattle::runtime
