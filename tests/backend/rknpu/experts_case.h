// SPDX-License-Identifier: Apache-2.0
// A bank of experts of Q4_0, and rows that go through them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/device.h"
#include "tests/support/random_matrix.h"

namespace wattle::rknpu {

class ExpertsCase {
 public:
  // n_rows[e] of the rows go through expert e: some rows through several, some several times.
  ExpertsCase(wattle::test::RandomBlocks& random, const std::vector<uint32_t>& n_rows, size_t n_out,
              size_t n_in)
      : n_out_(n_out),
        w_(random, DType::q4_0, n_rows.size() * n_out, n_in),
        x_(random_rows(random, kRows, n_in)) {
    for (uint32_t e = 0; e < n_rows.size(); ++e) {
      for (uint32_t i = 0; i < n_rows[e]; ++i) {
        expert_.push_back(e);
        x_row_.push_back((7 * i + e) % kRows);
      }
    }
    bank_ = w_.view;
    bank_.n_dims = 3;
    bank_.shape = {n_rows.size(), n_out, n_in, 1};
  }

  std::unique_ptr<ExpertBank> prepare(Device& device) const {
    return device.prepare_experts(bank_, {.max_rows = kRows, .max_slots = expert_.size()});
  }
  test::Rows outputs() const { return {expert_.size(), n_out_}; }
  void multiply(Device& device, const ExpertBank& bank, const test::Rows& y) const {
    device.experts(x_.view, {x_row_, expert_}, std::vector<ExpertCall>{{&bank, y.view}});
  }
  double error(const test::Rows& y) const {
    return relative_error(w_, n_out_, x_.view, x_row_, expert_, y.view);
  }

 private:
  static constexpr uint32_t kRows = 50;

  size_t n_out_;
  test::Matrix w_;
  TensorView bank_;
  std::vector<uint32_t> expert_;  // [slots]
  std::vector<uint32_t> x_row_;   // [slots]
  test::Rows x_;
};

}  // namespace wattle::rknpu
