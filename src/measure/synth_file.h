// SPDX-License-Identifier: Apache-2.0
// A GGUF file of a known shape and random weights: to measure a machine before a download, or
// before it is bought.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "measure/synth_shape.h"
#include "measure/synth_tensors.h"
#include "measure/type_mix.h"
#include "tensor/dtype.h"

namespace wattle::measure {

struct SynthPlan {
  SynthShape shape;
  uint32_t file_type = 0;  // general.file_type
  std::vector<SynthTensor> tensors;
  std::vector<DType> types;  // [tensors.size()]

  uint64_t tensor_bytes(size_t i) const noexcept;
  uint64_t weight_bytes() const noexcept;  // of all
  uint64_t n_params() const noexcept;
};

// Throws Error{usage} for overrides that fit nothing.
SynthPlan plan_synth(const SynthShape& shape, const TypeMix& mix,
                     std::span<const TypeOverride> overrides);

struct SynthWriteOptions {
  uint64_t seed = 0;    // equal seeds give equal files
  bool sparse = false;  // all weights are zeros that take no room on the disk
  // Bytes of weights written so far, of all; returning false ends it with Error{cancelled}.
  std::function<bool(uint64_t done, uint64_t total)> on_progress{};
};

// Streams the file; what is in memory is the header and a few MiB. It appears complete or not at
// all. Throws Error{io} where something has that name already, where the disk has no room for it
// (before anything is written), and for what the system refuses.
void write_synth(const SynthPlan& plan, const std::filesystem::path& path,
                 const SynthWriteOptions& options);

// Throws Error{io} where the file would not fit.
void check_disk_space(const std::filesystem::path& path, uint64_t needed_bytes,
                      uint64_t free_bytes);

}  // namespace wattle::measure
