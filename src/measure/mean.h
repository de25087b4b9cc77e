// SPDX-License-Identifier: Apache-2.0
// Sums of samples that become a mean and how sure it is.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace wattle::measure {

class Mean {
 public:
  void add(double value) noexcept {
    ++n_;
    sum_ += value;
    squares_ += value * value;
  }

  uint64_t n() const noexcept { return n_; }
  double value() const noexcept { return n_ == 0 ? 0 : sum_ / static_cast<double>(n_); }
  // The standard error of the mean, if the samples are independent; 0 for fewer than two.
  double error() const noexcept {
    if (n_ < 2) return 0;
    const double variance = squares_ / static_cast<double>(n_) - value() * value();
    return std::sqrt(std::max(variance, 0.0) / static_cast<double>(n_ - 1));
  }

 private:
  uint64_t n_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

}  // namespace wattle::measure
