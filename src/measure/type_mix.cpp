// SPDX-License-Identifier: Apache-2.0
// The mixes are those of llama.cpp's quantiser, as files on the hub have them: the number of
// tensors of each type and the size of Gemma 4 26B-A4B are held to such files in the test.
#include "measure/type_mix.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/letter_case.h"
#include "wattle/error.h"

namespace wattle::measure {
namespace {

using enum DType;

constexpr TypeMix kMixes[] = {
    // name, base, more, head, file type
    {"q4_0", q4_0, q4_0, q6_k, 2},        {"q4_k_m", q4_k, q6_k, q6_k, 15},
    {"q8_0", q8_0, q8_0, q8_0, 7},        {"f16", f16, f16, f16, 1},
    {"bf16", bf16, bf16, bf16, 32},       {"f32", f32, f32, f32, 0},
    {"q4_1", q4_1, q4_1, q6_k, 3},        {"q5_0", q5_0, q5_0, q6_k, 8},
    {"q5_1", q5_1, q5_1, q6_k, 9},        {"q5_k_m", q5_k, q6_k, q6_k, 17},
    {"q2_k", q2_k, q2_k, q6_k, 10},       {"q3_k", q3_k, q3_k, q6_k, 11},
    {"q4_k", q4_k, q4_k, q6_k, 14},       {"q5_k", q5_k, q5_k, q6_k, 16},
    {"q6_k", q6_k, q6_k, q6_k, 18},       {"iq4_nl", iq4_nl, iq4_nl, q6_k, 25},
    {"iq4_xs", iq4_xs, iq4_xs, q6_k, 30}, {"mxfp4", mxfp4, mxfp4, q6_k, 38},
};

// "blk.7.attn_v.weight" is called "attn_v.weight"; others keep their name.
std::string_view part_of(std::string_view name) {
  if (!name.starts_with("blk.")) return name;
  return name.substr(name.find('.', 4) + 1);
}

// An eighth of the layers at either end, and every third between.
bool gets_more_bits(size_t i, size_t n) {
  return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

DType fallback(DType type) {
  switch (type) {
    case q2_k:
    case q3_k:
    case iq4_xs: return iq4_nl;
    case q4_k: return q5_0;
    case q5_k: return q5_1;
    case q6_k: return q8_0;
    default: return f16;
  }
}

DType that_fits(DType type, uint64_t n_cols) {
  while (n_cols % dtype_info(type).block_elems != 0) type = fallback(type);
  return type;
}

// Says which layers of one kind of tensor get more bits, as they come by.
struct Counter {
  size_t n = 0;  // all of them
  size_t seen = 0;
  bool next() { return gets_more_bits(seen++, n); }
};

}  // namespace

const TypeMix& find_type_mix(std::string_view name) {
  const auto found = std::ranges::find(kMixes, lower_case(name), &TypeMix::name);
  if (found != std::end(kMixes)) return *found;
  std::string names;
  for (const TypeMix& mix : kMixes)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", mix.name);
  throw Error(ErrorCode::usage, fmt::format("no mix of types is called '{}'", name),
              fmt::format("there are: {}", names));
}

TypeOverride parse_type_override(std::string_view text) {
  const size_t equals = text.find('=');
  const auto all = all_dtypes();
  const auto type =
      equals == std::string_view::npos
          ? all.end()
          : std::ranges::find(all, lower_case(text.substr(equals + 1)), &DTypeInfo::name);
  if (type == all.end() || equals == 0) {
    std::string names;
    for (const DTypeInfo& info : all)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", info.name);
    throw Error(ErrorCode::usage,
                fmt::format("'{}' does not give a type to a part of tensor names", text),
                fmt::format("such as ffn_down=q8_0; the types are {}", names));
  }
  return {std::string(text.substr(0, equals)), type->type};
}

std::vector<DType> assign_types(const TypeMix& mix, std::span<const TypeOverride> overrides,
                                std::span<const SynthTensor> tensors) {
  Counter values;
  Counter downs;  // of the dense FFN
  Counter expert_downs;
  bool has_output = false;
  for (const SynthTensor& tensor : tensors) {
    const std::string_view part = part_of(tensor.name);
    if (part == "attn_v.weight") ++values.n;
    if (part == "ffn_down.weight") ++downs.n;
    if (part == "ffn_down_exps.weight") ++expert_downs.n;
    if (part == "output.weight") has_output = true;
  }

  std::vector<DType> types;
  std::vector<bool> used(overrides.size());
  for (const SynthTensor& tensor : tensors) {
    const std::string_view part = part_of(tensor.name);
    if (!tensor.quantised) {
      types.push_back(f32);
      continue;
    }
    DType type = mix.base;
    if (part == (has_output ? "output.weight" : "token_embd.weight")) type = mix.head;
    if (part == "attn_v.weight" && values.next()) type = mix.more;
    if (part == "ffn_down.weight" && downs.next()) type = mix.more;
    if (part == "ffn_down_exps.weight" && expert_downs.next()) type = mix.more;
    // Where some matrices get more bits, a table of embeddings is one of them.
    if (part == "per_layer_token_embd.weight" && mix.more != mix.base) type = mix.more;
    for (size_t i = 0; i < overrides.size(); ++i) {
      if (tensor.name.find(overrides[i].part) == std::string::npos) continue;
      type = overrides[i].type;
      used[i] = true;
    }
    types.push_back(that_fits(type, tensor.shape.back()));
  }
  for (size_t i = 0; i < overrides.size(); ++i) {
    if (used[i]) continue;
    throw Error(
        ErrorCode::usage,
        fmt::format("no matrix of this model has '{}' in its name", overrides[i].part),
        "such as attn_v, ffn_down, token_embd; `wattle show FILE --tensors` lists the names");
  }
  return types;
}

}  // namespace wattle::measure
