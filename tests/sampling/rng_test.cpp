// SPDX-License-Identifier: Apache-2.0
#include "sampling/rng.h"

#include <gtest/gtest.h>

#include <array>

namespace wattle::sampling {
namespace {

// Published test vectors: SplitMix64 of seed 1234567 (Rosetta Code), xoshiro256** of state 1 2 3 4
// (the tests of the Rust crate rand_xoshiro, made with the authors' C code).
TEST(Rng, SplitMixGivesThePublishedNumbers) {
  SplitMix64 rng(1234567);
  for (const uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                  4593380528125082431u, 16408922859458223821u}) {
    EXPECT_EQ(rng.next(), expected);
  }
}

TEST(Rng, XoshiroGivesThePublishedNumbers) {
  Xoshiro256 rng(Xoshiro256::State{1, 2, 3, 4});
  for (const uint64_t expected :
       {uint64_t{11520}, uint64_t{0}, uint64_t{1509978240}, uint64_t{1215971899390074240},
        uint64_t{1216172134540287360}, uint64_t{607988272756665600},
        uint64_t{16172922978634559625u}, uint64_t{8476171486693032832},
        uint64_t{10595114339597558777u}, uint64_t{2904607092377533576}}) {
    EXPECT_EQ(rng.next(), expected);
  }
}

TEST(Rng, UnitNumbersFillTheirIntervalEvenly) {
  Xoshiro256 rng(uint64_t{42});
  std::array<int, 64> bins{};
  constexpr int kDraws = 64000;
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.next_unit();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++bins[static_cast<size_t>(u * 64)];
  }
  double chi2 = 0.0;
  for (const int n : bins) chi2 += (n - 1000.0) * (n - 1000.0) / 1000.0;
  EXPECT_LT(chi2,
            103.4);  // 63 degrees of freedom: a right generator exceeds it once in 1,000 seeds
}

TEST(Rng, FreshSeedsDiffer) { EXPECT_NE(fresh_seed(), fresh_seed()); }

}  // namespace
}  // namespace wattle::sampling
