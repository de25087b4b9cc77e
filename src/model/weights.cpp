// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "quant/decode.h"
#include "wattle/error.h"

namespace wattle {
namespace {

// A vector may be stored as a matrix of one row and the other way round.
bool same_shape(const TensorView& tensor, std::span<const Dim> expected) {
  std::array<uint64_t, 4> padded{1, 1, 1, 1};
  std::array<uint64_t, 4> found{1, 1, 1, 1};
  for (size_t i = 0; i < expected.size(); ++i) {
    padded[4 - expected.size() + i] = expected[i].n;
  }
  for (size_t i = 0; i < tensor.n_dims; ++i) found[4 - tensor.n_dims + i] = tensor.shape[i];
  return padded == found;
}

std::string describe(std::span<const Dim> shape) {
  std::vector<std::string> dims;
  for (const Dim& dim : shape) dims.push_back(fmt::format("{}={}", dim.name, dim.n));
  return fmt::format("[{}]", fmt::join(dims, ", "));
}

[[noreturn]] void throw_missing(const gguf::File& file, std::string_view name,
                                std::span<const Dim> shape) {
  throw Error(
      ErrorCode::bad_input,
      fmt::format("{}: tensor '{}' is missing, expected {}", file.name(), name, describe(shape)),
      fmt::format("`wattle show --tensors {}` lists what the file holds", file.name()));
}

}  // namespace

bool Weights::has(std::string_view name) const { return file_.find(name).has_value(); }

std::optional<TensorView> Weights::bind(std::string_view name, std::span<const Dim> shape) {
  std::optional<TensorView> tensor = file_.find(name);
  if (!tensor) return std::nullopt;
  if (!same_shape(*tensor, shape)) {
    throw Error(
        ErrorCode::bad_input,
        fmt::format("{}: tensor '{}': shape [{}], expected {}", file_.name(), name,
                    fmt::join(tensor->shape.begin(), tensor->shape.begin() + tensor->n_dims, ", "),
                    describe(shape)),
        fmt::format("the keys and the tensors of the file do not fit together; fetch it again, or "
                    "look at it with `wattle show --tensors {}`",
                    file_.name()));
  }
  tensor->n_dims = static_cast<uint32_t>(shape.size());
  tensor->shape = {1, 1, 1, 1};
  for (size_t i = 0; i < shape.size(); ++i) tensor->shape[i] = shape[i].n;

  bound_.emplace(name);
  return tensor;
}

TensorView Weights::required(std::string_view name, std::initializer_list<Dim> shape) {
  const auto tensor = bind(name, shape);
  if (!tensor) throw_missing(file_, name, shape);
  return *tensor;
}

std::optional<TensorView> Weights::optional(std::string_view name,
                                            std::initializer_list<Dim> shape) {
  return bind(name, shape);
}

std::vector<float> Weights::optional_vector(std::string_view name, Dim n) {
  const auto tensor = optional(name, {n});
  if (!tensor) return {};
  std::vector<float> values(n.n);
  quant::dequantize_row(tensor->dtype, tensor->data, values.data(), values.size());
  return values;
}

std::vector<float> Weights::vector(std::string_view name, Dim n) {
  required(name, {n});
  return optional_vector(name, n);
}

Norm Weights::norm(std::string_view name, Dim n, float eps) {
  return {.weight = vector(fmt::format("{}.weight", name), n), .eps = eps};
}

Projection Weights::optional_projection(std::string_view name, Dim n_out, Dim n_in,
                                        MatrixOptions options) {
  const auto w = optional(fmt::format("{}.weight", name), {n_out, n_in});
  if (!w) return {};
  PrepareOptions prepare{
      .max_rows = n_batch_, .precision = options.precision, .outputs_only = options.outputs_only};
  if (options.extras != Extras::bare) {
    const auto scale = optional_vector(fmt::format("{}.scale", name), {"1", 1});
    if (!scale.empty()) prepare.scale = scale[0];
  }
  Projection projection;
  projection.linear = device_.prepare(*w, prepare);
  if (options.extras == Extras::scale_and_bias) {
    projection.bias = optional_vector(fmt::format("{}.bias", name), n_out);
  }
  return projection;
}

Projection Weights::projection(std::string_view name, Dim n_out, Dim n_in, MatrixOptions options) {
  required(fmt::format("{}.weight", name), {n_out, n_in});
  return optional_projection(name, n_out, n_in, options);
}

std::unique_ptr<ExpertBank> Weights::experts(std::string_view name, Dim n_expert, Dim n_out,
                                             Dim n_in, const PrepareOptions& options) {
  return device_.prepare_experts(required(fmt::format("{}.weight", name), {n_expert, n_out, n_in}),
                                 options);
}

void Weights::check_leftovers() const {
  for (const gguf::TensorInfo& tensor : file_.tensors()) {
    for (const std::string_view suffix : {".bias", ".scale"}) {
      if (!tensor.name.ends_with(suffix) || bound_.contains(tensor.name)) continue;
      const auto owner = tensor.name.substr(0, tensor.name.size() - suffix.size());
      if (!bound_.contains(fmt::format("{}.weight", owner))) continue;
      throw Error(ErrorCode::unsupported,
                  fmt::format("{}: tensor '{}': this architecture is not known to have one here",
                              file_.name(), tensor.name),
                  "take a file made by llama.cpp's converter");
    }
  }
}

}  // namespace wattle
