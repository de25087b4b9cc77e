// SPDX-License-Identifier: Apache-2.0
// Who is computed with whom, with a stand-in for the model that notes what it is asked for.
#include "runtime/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <numeric>
#include <stdexcept>

namespace wattle::runtime {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

using SizeOf = std::map<int32_t, size_t>;  // sequence -> its rows of a batch

const std::array<TokenId, 5000> kTokens{};

Request request(int32_t seq, size_t n_tokens) {
  return {.seq = SeqId{seq}, .tokens = std::span(kTokens).first(n_tokens)};
}

// Batches in order. The first one can be held, so that others gather behind it.
class Batches {
 public:
  explicit Batches(size_t n_batch)
      : scheduler(n_batch, [this](std::span<const Request> requests) { compute(requests); }) {}

  std::vector<SizeOf> computed;
  std::function<void(std::span<const Request>)> on_compute = [](auto) {};

  // Asks for these one after the other while a batch of another caller (sequence 99) is being
  // computed, so that they wait together. Returns how many rows each was told.
  std::vector<size_t> gather(const std::vector<Request>& requests) {
    std::promise<void> release;
    on_compute = [&, first = true](auto) mutable {
      if (std::exchange(first, false)) release.get_future().wait();
    };
    std::vector<std::future<size_t>> results;
    const auto ask = [&](const Request& r) {
      results.push_back(std::async(std::launch::async, [&] { return scheduler.run(r); }));
      while (scheduler.n_callers() < results.size()) std::this_thread::yield();
    };
    const Request holder = request(99, 1);
    ask(holder);
    for (const Request& r : requests) ask(r);
    release.set_value();
    std::vector<size_t> rows;
    for (auto& result : results) rows.push_back(result.get());
    rows.erase(rows.begin());
    on_compute = [](auto) {};
    EXPECT_THAT(computed.front(), ElementsAre(Pair(99, 1)));
    computed.erase(computed.begin());
    return rows;
  }

  Scheduler scheduler;

 private:
  void compute(std::span<const Request> requests) {
    on_compute(requests);
    SizeOf sizes;
    for (const Request& r : requests) sizes[to_int(r.seq)] = r.tokens.size();
    computed.push_back(sizes);
  }
};

TEST(Scheduler, AloneItComputesAtOnceOnTheCallersThread) {
  Batches batches(8);
  const auto here = std::this_thread::get_id();
  batches.on_compute = [&](auto) { EXPECT_EQ(std::this_thread::get_id(), here); };
  EXPECT_EQ(batches.scheduler.run(request(1, 20)), 8u);
  EXPECT_EQ(batches.scheduler.run(request(1, 12)), 8u);
  EXPECT_EQ(batches.scheduler.run(request(1, 4)), 4u);
  EXPECT_THAT(batches.computed, ElementsAre(SizeOf{{1, 8}}, SizeOf{{1, 8}}, SizeOf{{1, 4}}));
}

TEST(Scheduler, CutsWhatIsWantedToWhatIsComputed) {
  std::vector<uint32_t> wanted;
  Scheduler scheduler(8, [&](std::span<const Request> requests) {
    wanted.assign(requests[0].output_rows.begin(), requests[0].output_rows.end());
  });
  const std::vector<uint32_t> rows{0, 7, 8, 19};
  Request some = request(1, 20);
  some.output_rows = rows;
  scheduler.run(some);
  EXPECT_THAT(wanted, ElementsAre(0, 7));
}

TEST(Scheduler, ComputesTogetherWhatWaitsTogether) {
  Batches batches(512);
  EXPECT_THAT(batches.gather({request(1, 1), request(2, 1), request(3, 1)}), ElementsAre(1, 1, 1));
  EXPECT_THAT(batches.computed, ElementsAre(SizeOf{{1, 1}, {2, 1}, {3, 1}}));
}

TEST(Scheduler, ALongPromptAndAnswersGoOnSideBySide) {
  Batches batches(512);
  EXPECT_THAT(batches.gather({request(1, 5000), request(2, 1), request(3, 1)}),
              ElementsAre(kPromptRowsBesideAnswers + 1, 1, 1));
  Batches small(4);
  EXPECT_THAT(small.gather({request(1, 5000), request(2, 1)}), ElementsAre(3, 1));
}

TEST(Scheduler, PromptsShareABatch) {
  Batches batches(100);
  EXPECT_THAT(batches.gather({request(1, 5000), request(2, 20), request(3, 70)}),
              ElementsAre(40, 20, 40));
}

TEST(Scheduler, MoreCallersThanRowsAreServedInOrderOfArrival) {
  Batches batches(2);
  EXPECT_THAT(batches.gather({request(1, 3), request(2, 1), request(3, 1)}), ElementsAre(1, 1, 1));
  EXPECT_THAT(batches.computed, ElementsAre(SizeOf{{1, 1}, {2, 1}}, SizeOf{{3, 1}}));
}

TEST(Scheduler, APassComputesOutputsOfOneKind) {
  Batches batches(16);
  std::array<float, 4> row{};
  Request embeds = request(2, 1);
  embeds.outputs.hidden = {row.data(), 1, row.size()};
  batches.gather({request(1, 1), embeds, request(3, 1)});
  EXPECT_THAT(batches.computed, ElementsAre(SizeOf{{1, 1}, {3, 1}}, SizeOf{{2, 1}}));
}

// The stand-in fails as the model does: for the whole batch, before anything has changed.
TEST(Scheduler, AnErrorHitsNobodyElse) {
  std::vector<int32_t> computed;
  std::promise<void> release;
  bool first = true;
  Scheduler scheduler(16, [&](std::span<const Request> requests) {
    if (std::exchange(first, false)) release.get_future().wait();
    for (const Request& r : requests) {
      if (r.seq == SeqId{2}) throw std::runtime_error("no page for sequence 2");
    }
    for (const Request& r : requests) computed.push_back(to_int(r.seq));
  });
  std::vector<std::future<size_t>> results;
  for (int32_t seq = 0; seq < 4; ++seq) {
    results.push_back(
        std::async(std::launch::async, [&, seq] { return scheduler.run(request(seq, 1)); }));
    while (scheduler.n_callers() < results.size()) std::this_thread::yield();
  }
  release.set_value();
  for (const size_t seq : {0, 1, 3}) EXPECT_EQ(results[seq].get(), 1u);
  EXPECT_THROW(results[2].get(), std::runtime_error);
  EXPECT_THAT(computed, UnorderedElementsAre(0, 1, 3));  // each once
  EXPECT_EQ(scheduler.run(request(5, 1)), 1u);
}

// Batches of 5 ms that sleep, so that the callers have the processors in between. Without waiting
// for each other they would fall apart into the one that is back first and the others: half of
// kThreads on average.
TEST(Scheduler, AnswersSideBySideStayTogether) {
  constexpr int32_t kThreads = 4;
  constexpr size_t kSteps = 30;
  Batches batches(512);
  batches.on_compute = [](auto) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); };
  std::vector<std::thread> threads;
  for (int32_t seq = 0; seq < kThreads; ++seq) {
    threads.emplace_back([&, seq] {
      for (size_t i = 0; i < kSteps; ++i) EXPECT_EQ(batches.scheduler.run(request(seq, 1)), 1u);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(batches.computed.size(), kSteps * 4 / 3);
  size_t n_rows = 0;
  for (const SizeOf& sizes : batches.computed) n_rows += sizes.size();
  EXPECT_EQ(n_rows, kThreads * kSteps);
}

TEST(Scheduler, WhoStaysAwayIsNotWaitedForAgain) {
  Batches batches(512);
  batches.gather({request(1, 1), request(2, 1)});  // by threads that have ended since
  batches.computed.clear();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) batches.scheduler.run(request(1, 1));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(250));
  EXPECT_EQ(batches.computed.size(), 50u);
}

// A thread that turns to another sequence has come back. Were the first one waited for, every gap
// would be as long as the patience after batches of 80 ms.
TEST(Scheduler, OneThreadMayTakeTurnsWithItsSequences) {
  using Clock = std::chrono::steady_clock;
  Batches batches(512);
  Clock::time_point last_end = Clock::now();
  Clock::duration shortest_gap = std::chrono::hours(1);
  batches.on_compute = [&](auto) {
    shortest_gap = std::min(shortest_gap, Clock::now() - last_end);
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    last_end = Clock::now();
  };
  batches.scheduler.run(request(0, 1));
  shortest_gap = std::chrono::hours(1);
  for (int32_t i = 1; i < 5; ++i) batches.scheduler.run(request(i % 2, 1));
  EXPECT_LT(shortest_gap, std::chrono::milliseconds(5));
}

}  // namespace
}  // namespace wattle::runtime
