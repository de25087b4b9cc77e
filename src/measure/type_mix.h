// SPDX-License-Identifier: Apache-2.0
// Which type each tensor of a synthetic model gets, by the rules that quantised files follow.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measure/synth_tensors.h"
#include "tensor/dtype.h"

namespace wattle::measure {

// A part of tensor names and the type of all that contain it: {"ffn_down", q8_0}.
struct TypeOverride {
  std::string part;
  DType type;
};
// "ffn_down=q8_0". Throws Error{usage}.
TypeOverride parse_type_override(std::string_view text);

struct TypeMix {
  std::string_view name;   // "q4_k_m"
  DType base;              // of most matrices
  DType more;              // of attn_v and ffn_down in the layers that get more bits
  DType head;              // of the matrix that makes the logits
  uint32_t file_type = 0;  // general.file_type
};

// By name, letter case ignored. Throws Error{usage} that lists them.
const TypeMix& find_type_mix(std::string_view name);

// [tensors.size()]. f32 where the tensor is not quantised. A row that does not fill whole blocks
// gets the type that converters fall back to (q4_k: q5_0, q6_k: q8_0). The last override that fits
// wins; one that fits no quantised tensor is Error{usage}.
std::vector<DType> assign_types(const TypeMix& mix, std::span<const TypeOverride> overrides,
                                std::span<const SynthTensor> tensors);

}  // namespace wattle::measure
