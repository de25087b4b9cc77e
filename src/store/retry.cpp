// SPDX-License-Identifier: Apache-2.0
#include "store/retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "wattle/error.h"

namespace wattle::store {
namespace {

constexpr uint64_t kPauseMs = 1000;  // doubles with each vain attempt
constexpr uint64_t kLongestPauseMs = 30'000;
constexpr uint64_t kCutPauseMs = 250;
constexpr uint32_t kLongestAskedForSeconds = 300;

constexpr const char* kKept = "what is there is kept: run the same again to go on";

bool may_pass(int status) noexcept { return status == 408 || status == 429 || status >= 500; }

std::string describe(const HttpResult& result) {
  if (!result.problem.empty()) return result.problem;
  if (result.head.status == 429) return "the server says that there are too many requests";
  if (!is_success(result.head)) return fmt::format("the server answers {}", result.head.status);
  return "the connection ended early";
}

}  // namespace

bool is_success(const HttpHead& head) noexcept { return head.status < 300; }

void throw_if_refused(const HttpHead& head, const std::string& about, bool with_token) {
  const int status = head.status;
  if (is_success(head) || may_pass(status)) return;
  const auto fail = [&](const char* what, const char* hint) {
    throw Error(ErrorCode::io, fmt::format("{}: {}", about, what), hint);
  };
  if (head.error_code == "GatedRepo") {
    fail("its authors want their terms accepted first",
         with_token ? "accept them on its page, with the account that HF_TOKEN belongs to"
                    : "accept them on its page, then set HF_TOKEN to a token of that account");
  }
  if (status == 401 || status == 403) {
    // The hub does not tell strangers which private repositories there are.
    if (with_token) fail("the token does not open it", "see HF_TOKEN, and the name");
    fail("is not there, or private", "check the name; what is private wants HF_TOKEN");
  }
  if (head.error_code == "RevisionNotFound") fail("has no such revision", "leave out the '@'");
  if (status == 404 || status == 410) fail("is not there", "check the name");
  fail(fmt::format("the server answers {}", status).c_str(), "");
}

void Retry::pause(const std::string& about, const HttpResult& result, bool brought_something) {
  n_vain_ = brought_something ? 0 : n_vain_ + 1;
  const std::string problem = describe(result);
  if (hooks_.n_retries == 0 || n_vain_ > hooks_.n_retries) {
    throw Error(ErrorCode::io, fmt::format("{}: {}", about, problem), kKept);
  }
  uint64_t ms = kCutPauseMs;
  if (n_vain_ > 0) ms = std::min(kLongestPauseMs, kPauseMs << std::min(n_vain_ - 1, 10u));
  if (const auto seconds = result.head.retry_after_s; seconds && !is_success(result.head)) {
    if (*seconds > kLongestAskedForSeconds) {
      throw Error(ErrorCode::io,
                  fmt::format("{}: {}, and to come back in {} s", about, problem, *seconds), kKept);
    }
    ms = std::max(ms, uint64_t{*seconds} * 1000);
  }
  hooks_.note(fmt::format("{}; again in {:.1f} s", problem, static_cast<double>(ms) / 1000));
  sleep(ms);
}

void Retry::sleep(uint64_t ms) const {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(ms);
  while (!hooks_.cancelled()) {
    const auto left = end - Clock::now();
    if (left <= Clock::duration::zero()) return;
    std::this_thread::sleep_for(std::min<Clock::duration>(left, std::chrono::milliseconds(100)));
  }
  throw Error(ErrorCode::cancelled, "interrupted");
}

}  // namespace wattle::store
