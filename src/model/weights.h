// SPDX-License-Identifier: Apache-2.0
// Binds the tensors of a file to the places of a model: one call states name and expected shape,
// and a mismatch prints both.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/device.h"
#include "gguf/reader.h"
#include "model/blocks/norm.h"
#include "model/blocks/projection.h"

namespace wattle {

// One dimension of an expected shape; the name appears in messages.
struct Dim {
  const char* name;
  uint64_t n;
};

// Used while a model is built; borrows file and device. Names are those of the file without
// ".weight" (and ".bias", ".scale", which belong to it). Every call throws Error{bad_input} naming
// tensor, shape found and shape expected where they differ, and for a tensor that must be there.
class Weights {
 public:
  // n_batch: rows of a step, at most. precision: of all matrices of the layers; nothing: what the
  // model asks for each.
  Weights(const gguf::File& file, Device& device, size_t n_batch,
          std::optional<Precision> precision = {})
      : file_(file), device_(device), n_batch_(n_batch), precision_(precision) {}

  const gguf::File& file() const noexcept { return file_; }
  size_t n_batch() const noexcept { return n_batch_; }
  Precision precision_or(Precision of_model) const noexcept {
    return precision_.value_or(of_model);
  }
  bool has(std::string_view name) const;  // complete, ".weight" included

  // A tensor in place. `name` is complete, ".weight" included.
  TensorView required(std::string_view name, std::initializer_list<Dim> shape);
  std::optional<TensorView> optional(std::string_view name, std::initializer_list<Dim> shape);

  // A vector as floats, copied. The optional one is empty where the tensor is absent.
  std::vector<float> vector(std::string_view name, Dim n);
  std::vector<float> optional_vector(std::string_view name, Dim n);
  Norm norm(std::string_view name, Dim n, float eps);

  // A matrix with what belongs to it: an optional scale {1} and, where the architecture has them,
  // an optional bias {n_out}. bare: neither (gemma4's router has a ".scale" of another meaning).
  enum class Extras { bare, scale, scale_and_bias };
  struct MatrixOptions {
    Extras extras = Extras::scale;
    Precision precision = Precision::normal;
    bool outputs_only = false;  // see PrepareOptions
  };
  Projection projection(std::string_view name, Dim n_out, Dim n_in, MatrixOptions options);
  // Null where the tensor is absent.
  Projection optional_projection(std::string_view name, Dim n_out, Dim n_in, MatrixOptions options);

  // The matrices of all experts.
  std::unique_ptr<ExpertBank> experts(std::string_view name, Dim n_expert, Dim n_out, Dim n_in,
                                      const PrepareOptions& options);

  // After the last tensor is bound. Unknown tensors are no error, but a bias or a scale that
  // belongs to a bound matrix and was not asked for is Error{unsupported}: leaving it out would
  // give quietly wrong numbers.
  void check_leftovers() const;

 private:
  std::optional<TensorView> bind(std::string_view name, std::span<const Dim> shape);

  const gguf::File& file_;
  Device& device_;
  size_t n_batch_;
  std::optional<Precision> precision_;
  std::set<std::string, std::less<>> bound_;  // names
};

}  // namespace wattle
