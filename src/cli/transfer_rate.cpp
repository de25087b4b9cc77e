// SPDX-License-Identifier: Apache-2.0
#include "cli/transfer_rate.h"

namespace wattle::cli {
namespace {
constexpr auto kWindow = std::chrono::seconds(10);
constexpr auto kStep = std::chrono::milliseconds(200);
constexpr double kShortest = 1.0;
}  // namespace

void TransferRate::add(uint64_t done, Clock::time_point now) {
  if (!samples_.empty() && done < samples_.back().done) samples_.clear();  // begun again
  while (samples_.size() > 1 && now - samples_.front().time > kWindow) samples_.pop_front();
  if (samples_.size() > 1 && now - samples_[samples_.size() - 2].time < kStep) samples_.pop_back();
  samples_.push_back({now, done});
}

std::optional<double> TransferRate::bytes_per_second() const {
  if (samples_.empty()) return std::nullopt;
  const std::chrono::duration<double> span = samples_.back().time - samples_.front().time;
  if (span.count() < kShortest) return std::nullopt;
  return static_cast<double>(samples_.back().done - samples_.front().done) / span.count();
}

}  // namespace wattle::cli
