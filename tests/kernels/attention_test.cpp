// SPDX-License-Identifier: Apache-2.0
// Scalar attention against a textbook softmax, every set against scalar, and the promise that a
// query row's bits do not depend on its company.
#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/half.h"
#include "quant/blocks.h"
#include "tests/kernels/isa_tables.h"

namespace wattle {
namespace {

using kernels::AttentionByType;
using kernels::AttentionRun;
using kernels::KernelTable;
using kernels::KvType;
using test::nmse;
using test::random_floats;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr KvType kTypes[] = {KvType::f32, KvType::f16, KvType::q8_0};

size_t row_bytes(KvType type, size_t n) {
  switch (type) {
    case KvType::f32: return n * sizeof(float);
    case KvType::f16: return n * sizeof(uint16_t);
    case KvType::q8_0: return n / quant::kBlockElems * sizeof(quant::BlockQ8_0);
  }
  return 0;
}

std::vector<float> decoded(KvType type, const std::byte* row, size_t n) {
  std::vector<float> x(n);
  for (size_t i = 0; i < n; ++i) {
    switch (type) {
      case KvType::f32: x[i] = reinterpret_cast<const float*>(row)[i]; break;
      case KvType::f16: x[i] = f16_to_f32(reinterpret_cast<const uint16_t*>(row)[i]); break;
      case KvType::q8_0: {
        const auto& block = reinterpret_cast<const quant::BlockQ8_0*>(row)[i / 32];
        x[i] = f16_to_f32(block.d) * block.qs[i % 32];
      }
    }
  }
  return x;
}

// What the runs leave for each query row.
struct State {
  std::vector<float> max;
  std::vector<float> sum;
  std::vector<float> out;  // [n_q, head_dim_v]

  std::vector<float> normalised() const {
    std::vector<float> y = out;
    const size_t dim = out.size() / sum.size();
    for (size_t i = 0; i < y.size(); ++i) y[i] = sum[i / dim] == 0 ? 0 : y[i] / sum[i / dim];
    return y;
  }
};

// A cache of n_kv random entries and n_q query rows; row i sees entries [first[i], last[i]).
struct Problem {
  size_t head_dim_k;
  size_t head_dim_v;
  size_t n_kv;
  KvType k_type;
  KvType v_type;
  std::vector<float> q;  // [n_q, head_dim_k]
  std::vector<std::byte> k;
  std::vector<std::byte> v;
  std::vector<uint32_t> first;
  std::vector<uint32_t> last;

  Problem(size_t dim_k, size_t dim_v, size_t n_q, size_t entries, KvType k_kind, KvType v_kind)
      : head_dim_k(dim_k), head_dim_v(dim_v), n_kv(entries), k_type(k_kind), v_type(v_kind) {
    // Scores of sigma 2: some entries matter much more than others, as in a model.
    q = random_floats(n_q * dim_k, 1, 2.0F / std::sqrt(static_cast<float>(dim_k)));
    k = rows(k_type, random_floats(n_kv * dim_k, 2), dim_k);
    v = rows(v_type, random_floats(n_kv * dim_v, 3), dim_v);
    std::mt19937 rng(4);
    for (size_t i = 0; i < n_q; ++i) {  // causal, a window, anything, nothing
      const auto end = static_cast<uint32_t>(n_kv - std::min(n_kv, (n_q - 1 - i) / 2));
      const auto start = static_cast<uint32_t>(rng() % 4 == 0 ? rng() % n_kv : 0);
      first.push_back(start);
      last.push_back(i % 7 == 5 ? start : end);
    }
  }

  size_t n_q() const { return first.size(); }

  static std::vector<std::byte> rows(KvType type, const std::vector<float>& x, size_t dim) {
    const KernelTable scalar = test::kernel_table(Isa::scalar);
    std::vector<std::byte> bytes(x.size() / dim * row_bytes(type, dim));
    for (size_t r = 0; r < x.size() / dim; ++r) {
      scalar.kv_store[static_cast<size_t>(type)](&x[r * dim], dim,
                                                 &bytes[r * row_bytes(type, dim)]);
    }
    return bytes;
  }

  // Query rows [row_begin, row_end) with the cache cut into runs of run_length entries.
  State run(const AttentionByType& attention, size_t row_begin, size_t row_end,
            size_t run_length) const {
    const size_t n = row_end - row_begin;
    State state{std::vector<float>(n, -kInf), std::vector<float>(n, 0.0F),
                std::vector<float>(n * head_dim_v, 0.0F)};
    AlignedBuffer<float> scratch(
        kernels::attention_scratch_floats(n, run_length, head_dim_k, head_dim_v));
    for (size_t begin = 0; begin < n_kv; begin += run_length) {
      const size_t end = std::min(n_kv, begin + run_length);
      std::vector<uint32_t> run_first(n);
      std::vector<uint32_t> run_last(n);
      for (size_t i = 0; i < n; ++i) {
        const auto within = [&](uint32_t entry) {
          return static_cast<uint32_t>(std::clamp<size_t>(entry, begin, end) - begin);
        };
        run_first[i] = within(first[row_begin + i]);
        run_last[i] = within(last[row_begin + i]);
      }
      std::vector<const std::byte*> k_pages;
      std::vector<const std::byte*> v_pages;
      for (size_t page = begin; page < end; page += kernels::kAttentionPage) {
        k_pages.push_back(&k[page * row_bytes(k_type, head_dim_k)]);
        v_pages.push_back(&v[page * row_bytes(v_type, head_dim_v)]);
      }
      const AttentionRun args{.q = &q[row_begin * head_dim_k],
                              .q_stride = head_dim_k,
                              .n_q = n,
                              .head_dim_k = head_dim_k,
                              .head_dim_v = head_dim_v,
                              .k = k_pages.data(),
                              .v = v_pages.data(),
                              .n_kv = end - begin,
                              .first = run_first.data(),
                              .last = run_last.data(),
                              .max = state.max.data(),
                              .sum = state.sum.data(),
                              .out = state.out.data(),
                              .out_stride = head_dim_v,
                              .scratch = scratch.data()};
      attention.of(k_type, v_type)(args);
    }
    return state;
  }
  State run(const AttentionByType& attention, size_t run_length) const {
    return run(attention, 0, n_q(), run_length);
  }

  // softmax(q k^T) v as the formula says, in f64; rows that see nothing are 0.
  std::vector<float> textbook() const {
    std::vector<float> y(n_q() * head_dim_v);
    for (size_t row = 0; row < n_q(); ++row) {
      double sum = 0;
      std::vector<double> acc(head_dim_v);
      for (size_t j = first[row]; j < last[row]; ++j) {
        const auto key = decoded(k_type, &k[j * row_bytes(k_type, head_dim_k)], head_dim_k);
        const auto val = decoded(v_type, &v[j * row_bytes(v_type, head_dim_v)], head_dim_v);
        double score = 0;
        for (size_t i = 0; i < head_dim_k; ++i) {
          score += static_cast<double>(q[row * head_dim_k + i]) * key[i];
        }
        const double p = std::exp(score);
        sum += p;
        for (size_t i = 0; i < head_dim_v; ++i) acc[i] += p * val[i];
      }
      for (size_t i = 0; i < head_dim_v; ++i) {
        y[row * head_dim_v + i] = sum == 0 ? 0 : static_cast<float>(acc[i] / sum);
      }
    }
    return y;
  }
};

// Heads of real models, of tiny ones, unequal, and two that no vector divides.
constexpr size_t kHeads[][2] = {{64, 64}, {16, 16},   {48, 48},   {80, 80}, {96, 128},
                                {32, 32}, {256, 256}, {512, 512}, {20, 12}, {7, 9}};

template <class Fn>
void for_each_problem(Fn fn) {
  for (const auto& [dim_k, dim_v] : kHeads) {
    for (const KvType k_type : kTypes) {
      for (const KvType v_type : kTypes) {
        if (k_type == KvType::q8_0 && dim_k % 32 != 0) continue;
        if (v_type == KvType::q8_0 && dim_v % 32 != 0) continue;
        for (const size_t n_q : {1, 2, 3, 4, 7, 8, 21}) {
          const size_t n_kv = dim_k >= 256 ? 70 : 150;
          SCOPED_TRACE(testing::Message()
                       << "head " << dim_k << "," << dim_v << " types " << int(k_type) << ","
                       << int(v_type) << " n_q " << n_q << " n_kv " << n_kv);
          fn(Problem(dim_k, dim_v, n_q, n_kv, k_type, v_type));
        }
      }
    }
  }
}

const AttentionByType& scalar_attention() {
  static const KernelTable table = test::kernel_table(Isa::scalar);
  return table.attention;
}

// Every kernel of this machine, of the lists for few and for many query rows.
struct Named {
  std::string name;
  AttentionByType attention;
  bool integers;  // q, k and v are rounded to integers
};

std::vector<Named> every_attention() {
  std::vector<Named> all;
  for (const Isa isa : test::isas_that_have("attention")) {
    all.push_back({std::string(isa_name(isa)), test::kernel_table(isa).attention, false});
  }
  for (const Isa isa : test::isas_that_have("attention_many")) {
    all.push_back({std::string(isa_name(isa)) + ", many", test::kernel_table(isa).attention_many,
                   isa == Isa::avx512vnni});
  }
  return all;
}

TEST(AttentionScalar, IsTheSoftmaxOfTheFormula) {
  for_each_problem([&](const Problem& problem) {
    const auto want = problem.textbook();
    // max, sum and out are rounded to f32 after each run: a few u = 2^-24 each.
    EXPECT_LE(nmse(problem.run(scalar_attention(), problem.n_kv).normalised(), want), 4 * 0x1p-48);
    EXPECT_LE(nmse(problem.run(scalar_attention(), 32).normalised(), want), 100 * 0x1p-48);
  });
}

TEST(Attention, EverySetIsNearScalar) {
  // A score is a sum of head_dim terms in f32 whose partial sums stay near the score's sigma of 2:
  // its error is about sqrt(head_dim) u * 2, below 50 u; p is off by as much of itself, and 3 u for
  // exp. Sums of up to 150 positive p and of p * v add about sqrt(150) u. So (70 u)^2.
  const double floats = 70 * 0x1p-24 * 70 * 0x1p-24;
  // Integers: the largest of a row is some 3 sigma, a step of q and k 3 / 8191 of sigma and its
  // error 1 / sqrt(12) of that, 1.1e-4; two of those in a score of sigma 2 make 3e-4, as much of p,
  // and v adds 2.1e-4, p 1e-4 and less.
  const double integers = 6e-4 * 6e-4;
  for (const auto& [name, attention, rounds] : every_attention()) {
    SCOPED_TRACE(name);
    for_each_problem([&](const Problem& problem) {
      for (const size_t run_length : {size_t{32}, problem.n_kv}) {
        const State want = problem.run(scalar_attention(), run_length);
        const State got = problem.run(attention, run_length);
        EXPECT_LE(nmse(got.normalised(), want.normalised()), rounds ? integers : floats);
        for (size_t i = 0; i < want.max.size(); ++i) {
          if (want.sum[i] == 0) {  // saw nothing: as it was
            EXPECT_EQ(got.sum[i], 0);
            EXPECT_EQ(got.max[i], -kInf);
          } else {
            EXPECT_NEAR(got.max[i], want.max[i], rounds ? 2e-3 : 1e-4);
          }
        }
      }
    });
  }
}

TEST(Attention, CompanyDoesNotChangeABit) {
  for (const auto& [name, attention, rounds] : every_attention()) {
    SCOPED_TRACE(name);
    for_each_problem([&](const Problem& problem) {
      const State together = problem.run(attention, 100);
      for (size_t row = 0; row < problem.n_q(); ++row) {
        const State alone = problem.run(attention, row, row + 1, 100);
        EXPECT_EQ(alone.max[0], together.max[row]);
        EXPECT_EQ(alone.sum[0], together.sum[row]);
        for (size_t i = 0; i < problem.head_dim_v; ++i) {
          EXPECT_EQ(alone.out[i], together.out[row * problem.head_dim_v + i]);
        }
      }
    });
  }
}

TEST(Attention, ReadsNothingOutsideTheRanges) {
  for (const auto& [name, attention, rounds] : every_attention()) {
    SCOPED_TRACE(name);
    for (const size_t n_q : {1, 3, 12}) {
      for (const KvType type : kTypes) {
        Problem problem(64, 64, n_q, 150, type, type);
        for (size_t i = 0; i < n_q; ++i) {
          problem.first[i] = 40;
          problem.last[i] = 97;
        }
        const State want = problem.run(attention, 150);
        const size_t bytes = row_bytes(type, 64);
        for (const auto rows : {&problem.k, &problem.v}) {  // all bits set is a NaN in f32 and f16
          std::memset(rows->data(), 0xff, 40 * bytes);
          std::memset(rows->data() + 97 * bytes, 0xff, 53 * bytes);
        }
        EXPECT_EQ(problem.run(attention, 150).out, want.out);
      }
    }
  }
}

TEST(Attention, SurvivesScoresThatOverflowExp) {
  for (const auto& [name, attention, rounds] : every_attention()) {
    Problem problem(64, 64, 3, 150, KvType::f32, KvType::f32);
    for (float& q : problem.q) q *= 1000;  // scores of several thousand: one entry takes all
    const auto y = problem.run(attention, 50).normalised();
    EXPECT_LE(nmse(y, problem.run(scalar_attention(), 50).normalised()), 1e-6) << name;
  }
}

TEST(Attention, ShowsNaNAndInfinity) {
  for (const auto& [name, attention, rounds] : every_attention()) {
    for (const float bad : {kInf, -kInf, std::nanf("")}) {
      for (const bool in_k : {true, false}) {
        Problem problem(64, 64, 12, 100, KvType::f32, KvType::f32);
        std::byte* const at = (in_k ? problem.k : problem.v).data() + 70 * 64 * sizeof bad;
        std::memcpy(at, &bad, sizeof bad);
        problem.first.assign(problem.n_q(), 0);
        problem.last.assign(problem.n_q(), 100);
        const auto y = problem.run(attention, 100).normalised();
        EXPECT_TRUE(std::any_of(y.begin(), y.end(), [](float v) { return !std::isfinite(v); }))
            << name << (in_k ? " k " : " v ") << bad;
      }
    }
  }
}

// ---- the cache's own rounding ----

TEST(KvStore, EverySetWritesTheSameBytes) {
  std::vector<std::vector<float>> inputs;
  for (const float sigma : {1.0F, 1e-3F, 1e-6F, 1e-9F, 3e4F, 1e30F}) {
    inputs.push_back(random_floats(512, 5, sigma));
  }
  inputs.emplace_back(512, 0.0F);
  inputs.push_back(random_floats(512, 6));
  inputs.back()[100] = kInf;
  inputs.back()[300] = -kInf;
  inputs.push_back(random_floats(512, 7));  // ties: halves of the step d = 1
  for (size_t i = 0; i < 512; ++i) inputs.back()[i] = static_cast<float>(i % 254) - 126.5F;
  for (size_t i = 0; i < 512; i += 32) inputs.back()[i] = 127;

  const KernelTable scalar = test::kernel_table(Isa::scalar);
  for (const Isa isa : test::isas_that_have("attention")) {
    const KernelTable table = test::kernel_table(isa);
    for (const KvType type : kTypes) {
      for (size_t i = 0; i < inputs.size(); ++i) {
        for (const size_t n : {512, 96, 32, 20, 3}) {
          if (type == KvType::q8_0 && n % 32 != 0) continue;
          std::vector<std::byte> want(2048, std::byte{7});
          std::vector<std::byte> got = want;
          scalar.kv_store[static_cast<size_t>(type)](inputs[i].data(), n, want.data());
          table.kv_store[static_cast<size_t>(type)](inputs[i].data(), n, got.data());
          EXPECT_EQ(got, want) << isa_name(isa) << " type " << int(type) << " input " << i;
        }
      }
    }
  }
}

TEST(KvStore, RoundsToTheNearestValueOfTheType) {
  const KernelTable scalar = test::kernel_table(Isa::scalar);
  for (const float sigma : {1e-3F, 1.0F, 100.0F}) {
    const auto x = random_floats(512, 8, sigma);
    std::vector<std::byte> row(2048);
    scalar.kv_store[static_cast<size_t>(KvType::f16)](x.data(), x.size(), row.data());
    auto y = decoded(KvType::f16, row.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(y[i], x[i], std::max(std::fabs(x[i]) * 0x1p-11, 0x1p-25));
    }
    scalar.kv_store[static_cast<size_t>(KvType::q8_0)](x.data(), x.size(), row.data());
    y = decoded(KvType::q8_0, row.data(), x.size());
    const auto* blocks = reinterpret_cast<const quant::BlockQ8_0*>(row.data());
    for (size_t i = 0; i < x.size(); ++i) {
      // Half a step; the largest value of a block may also miss what f16 rounded off d.
      const float d = f16_to_f32(blocks[i / 32].d);
      EXPECT_NEAR(y[i], x[i], d * (0.5 + 127 * 0x1p-11));
    }
  }
}

TEST(KvStore, ABlockWithNaNOrInfinityDecodesToNaN) {
  for (const Isa isa : test::isas_that_have("attention")) {
    const KernelTable table = test::kernel_table(isa);
    for (const float bad : {kInf, -kInf, std::nanf(""), 1e38F}) {
      std::vector<float> x(64, 1.0F);
      x[40] = bad;
      std::vector<std::byte> row(2 * sizeof(quant::BlockQ8_0));
      table.kv_store[static_cast<size_t>(KvType::q8_0)](x.data(), x.size(), row.data());
      const auto y = decoded(KvType::q8_0, row.data(), x.size());
      for (size_t i = 0; i < 64; ++i) EXPECT_EQ(std::isnan(y[i]), i >= 32) << isa_name(isa);
    }
  }
}

}  // namespace
}  // namespace wattle
