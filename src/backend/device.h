// SPDX-License-Identifier: Apache-2.0
// The seam between models and hardware. A model asks a Device to prepare each of its matrices once
// and then multiplies rows by them; everything else (norms, rope, attention) runs in kernels/ on
// the CPU. Only Device, Linear and ExpertBank are polymorphic.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "tensor/view.h"

namespace wattle {

class Device;

// y = scale * W x for one matrix W [n_out, n_in], prepared by a device. Immutable; used through the
// device.
class Linear {
 public:
  Linear(const Device& device, size_t n_out, size_t n_in, bool rounds_input)
      : device_(device), n_out_(n_out), n_in_(n_in), rounds_input_(rounds_input) {}
  virtual ~Linear() = default;
  Linear(const Linear&) = delete;
  Linear& operator=(const Linear&) = delete;

  const Device& device() const noexcept { return device_; }
  size_t n_out() const noexcept { return n_out_; }
  size_t n_in() const noexcept { return n_in_; }
  // Whether x is rounded to some 8 bits first (Precision::normal of a device that computes in
  // integers). What makes such an input need not be much finer.
  bool rounds_input() const noexcept { return rounds_input_; }

 private:
  const Device& device_;
  size_t n_out_;
  size_t n_in_;
  bool rounds_input_;
};

// The n_expert matrices [n_expert, n_out, n_in] of one MoE projection.
class ExpertBank {
 public:
  ExpertBank(const Device& device, size_t n_expert, size_t n_out, size_t n_in)
      : device_(device), n_expert_(n_expert), n_out_(n_out), n_in_(n_in) {}
  virtual ~ExpertBank() = default;
  ExpertBank(const ExpertBank&) = delete;
  ExpertBank& operator=(const ExpertBank&) = delete;

  const Device& device() const noexcept { return device_; }
  size_t n_expert() const noexcept { return n_expert_; }
  size_t n_out() const noexcept { return n_out_; }
  size_t n_in() const noexcept { return n_in_; }

 private:
  const Device& device_;
  size_t n_expert_;
  size_t n_out_;
  size_t n_in_;
};

// One product of a call of Device::linear: y [x.n_rows, w.n_out()], overwritten.
struct LinearCall {
  const Linear* w;
  RowsView<float> y;
};

// The same for experts: y [slots, bank.n_out()].
struct ExpertCall {
  const ExpertBank* bank;
  MatView<float> y;
};

// Which input row goes through which expert: slot s multiplies input row x_row[s] by expert
// expert[s] and writes output row s. Slots are sorted by expert, so that an expert's weights are
// read once however many rows chose it.
struct ExpertSlots {
  std::span<const uint32_t> x_row;
  std::span<const uint32_t> expert;
};

// Products of one call at most: every matrix that reads the same input, with room to spare.
inline constexpr size_t kMaxLinearCalls = 8;

// How finely a device that computes in integers rounds its input rows.
//   normal  as the weight type is commonly run (int8 activations for quantised weights)
//   fine    so finely that only the weights' own rounding is left. For what a decision hangs on: in
//           a mixture of experts a small error before a router picks another expert.
enum class Precision : uint8_t { normal, fine };

struct PrepareOptions {
  size_t max_rows = 0;   // the most input rows of one call
  size_t max_slots = 0;  // experts: the most slots of one call
  Precision precision = Precision::normal;
  float scale = 1.0f;  // matrices: of the product
  // Only rows whose logits are wanted come to it: of a prompt, the last one.
  bool outputs_only = false;
};

// Calls are made from one thread at a time. After the last prepare nothing is allocated.
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view name() const noexcept = 0;

  // w is [n_out, n_in], or [n_expert, n_out, n_in] for a bank, and must stay valid as long as what
  // is returned. Throws Error{unsupported} where the device cannot run the type, std::bad_alloc.
  virtual std::unique_ptr<Linear> prepare(const TensorView& w, const PrepareOptions& options) = 0;
  virtual std::unique_ptr<ExpertBank> prepare_experts(const TensorView& w,
                                                      const PrepareOptions& options) = 0;

  // All calls share the input x [n_rows, n_in], which is quantised once for all of them.
  // Rows of x start on 64-byte boundaries; x and the outputs must not overlap.
  virtual void linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept = 0;
  virtual void experts(MatView<const float> x, const ExpertSlots& slots,
                       std::span<const ExpertCall> calls) noexcept = 0;
};

}  // namespace wattle
