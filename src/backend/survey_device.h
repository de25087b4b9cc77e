// SPDX-License-Identifier: Apache-2.0
// A Device that multiplies nothing and notes what it is asked to prepare: loading a model with it
// says which tensors are matrices, and how each is used, from the header of a file.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "backend/device.h"
#include "base/assert.h"

namespace wattle {

// Lives as long as the file. `options` are those of steps of as many rows as the model was loaded
// for.
struct MatrixUse {
  TensorView w;
  PrepareOptions options;
};

class SurveyDevice final : public Device {
 public:
  std::string_view name() const noexcept override { return "survey"; }

  std::unique_ptr<Linear> prepare(const TensorView& w, const PrepareOptions& options) override {
    matrices_.push_back({w, options});
    return std::make_unique<Matrix>(*this, w.shape[0], w.shape[1], false);
  }
  std::unique_ptr<ExpertBank> prepare_experts(const TensorView& w,
                                              const PrepareOptions& options) override {
    matrices_.push_back({w, options});
    return std::make_unique<Bank>(*this, w.shape[0], w.shape[1], w.shape[2]);
  }
  // A model that was loaded with it is not run.
  void linear(MatView<const float>, std::span<const LinearCall>) noexcept override {
    WATTLE_ASSERT(false);
  }
  void experts(MatView<const float>, const ExpertSlots&,
               std::span<const ExpertCall>) noexcept override {
    WATTLE_ASSERT(false);
  }

  const std::vector<MatrixUse>& matrices() const noexcept { return matrices_; }

 private:
  struct Matrix final : Linear {
    using Linear::Linear;
  };
  struct Bank final : ExpertBank {
    using ExpertBank::ExpertBank;
  };

  std::vector<MatrixUse> matrices_;
};

}  // namespace wattle
