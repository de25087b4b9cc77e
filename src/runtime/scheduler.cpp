// SPDX-License-Identifier: Apache-2.0
#include "runtime/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace wattle::runtime {
namespace {

constexpr int kPatienceShare = 8;  // of a batch's time, one part in so many
constexpr std::chrono::milliseconds kMostPatience{10};

Request beginning_of(const Request& request, size_t n_tokens) {
  const auto& rows = request.output_rows;
  const auto end = std::lower_bound(rows.begin(), rows.end(), n_tokens);
  return {.seq = request.seq,
          .tokens = request.tokens.first(n_tokens),
          .output_rows = rows.first(static_cast<size_t>(end - rows.begin())),
          .outputs = request.outputs};
}

}  // namespace

Scheduler::Scheduler(size_t n_batch, Compute compute)
    : n_batch_(n_batch), compute_(std::move(compute)) {
  // So that nothing can fail once a batch is being formed.
  expected_.reserve(n_batch);
  members_.reserve(n_batch);
  requests_.reserve(n_batch);
}

size_t Scheduler::run(const Request& request) {
  WATTLE_ASSERT(!request.tokens.empty());
  Caller self{.request = request, .thread = std::this_thread::get_id()};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&self);
  if (std::erase(expected_, self.thread) != 0) patience_ends_ = Clock::now() + patience_;
  while (!self.done) {
    if (computing_) {
      changed_.wait(lock);
    } else if (expected_.empty() || Clock::now() >= patience_ends_) {
      compute_batch(lock);
    } else {
      changed_.wait_until(lock, patience_ends_);
    }
  }
  if (self.error) std::rethrow_exception(self.error);
  return self.request.tokens.size();
}

size_t Scheduler::n_callers() {
  const std::lock_guard guard(mutex_);
  return waiting_.size() + members_.size();
}

// The batch need not hold the caller that computes it: then it was full without that one.
void Scheduler::compute_batch(std::unique_lock<std::mutex>& lock) {
  computing_ = true;
  form_batch();
  lock.unlock();
  const Clock::time_point start = Clock::now();
  compute_members();
  const Clock::time_point end = Clock::now();
  lock.lock();
  patience_ = std::min<Clock::duration>((end - start) / kPatienceShare, kMostPatience);
  patience_ends_ = end + patience_;
  expected_.clear();
  for (Caller* member : members_) {
    member->done = true;
    expected_.push_back(member->thread);
  }
  members_.clear();
  computing_ = false;
  changed_.notify_all();
}

void Scheduler::form_batch() {
  const bool hidden = waiting_.front()->request.wants_hidden();
  size_t n_left = 0;
  for (Caller* caller : waiting_) {
    if (members_.size() < n_batch_ && caller->request.wants_hidden() == hidden) {
      members_.push_back(caller);
    } else {
      waiting_[n_left++] = caller;
    }
  }
  waiting_.resize(n_left);

  // Fewest tokens first: then what one of them leaves of its share goes to those that want more.
  const auto n_wanted = [](const Caller* caller) { return caller->request.tokens.size(); };
  std::sort(members_.begin(), members_.end(),
            [&](const Caller* a, const Caller* b) { return n_wanted(a) < n_wanted(b); });
  size_t room = n_batch_;
  if (n_wanted(members_.front()) == 1) {
    room = std::min(room, members_.size() + kPromptRowsBesideAnswers);
  }
  for (size_t i = 0; i < members_.size(); ++i) {
    const size_t n = std::min(n_wanted(members_[i]), room / (members_.size() - i));
    members_[i]->request = beginning_of(members_[i]->request, n);
    room -= n;
  }
}

void Scheduler::compute_members() noexcept {
  requests_.clear();
  for (const Caller* member : members_) requests_.push_back(member->request);
  try {
    compute_(requests_);
    return;
  } catch (...) {
    if (members_.size() == 1) {
      members_.front()->error = std::current_exception();
      return;
    }
  }
  for (size_t i = 0; i < members_.size(); ++i) {
    try {
      compute_({&requests_[i], 1});
    } catch (...) {
      members_[i]->error = std::current_exception();
    }
  }
}

}  // namespace wattle::runtime
