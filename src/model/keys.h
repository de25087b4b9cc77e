// SPDX-License-Identifier: Apache-2.0
// Hyperparameter keys of one architecture, with the range each may have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/reader.h"
#include "wattle/error.h"

namespace wattle {

// Values that a model may have, both ends included.
struct U32Range {
  uint32_t min = 0;
  uint32_t max = 0;
};
struct F32Range {
  float min = 0.0f;
  float max = 0.0f;
};

// Key "a.b" is read as "<arch>.a.b". Whatever is absent (without a default), of a wrong type, out
// of range or not a number is Error{bad_input} naming file, key, found and expected. Borrows file.
class Keys {
 public:
  Keys(const gguf::File& file, std::string arch) : file_(file), arch_(std::move(arch)) {}

  const gguf::File& file() const noexcept { return file_; }
  const std::string& arch() const noexcept { return arch_; }
  std::string name(std::string_view key) const;

  uint32_t u32(std::string_view key, U32Range range) const;
  std::optional<uint32_t> find_u32(std::string_view key, U32Range range) const;
  std::optional<float> find_f32(std::string_view key, F32Range range) const;
  std::optional<std::string_view> find_string(std::string_view key) const;

  // One value for all layers or an array with one for each.
  std::optional<std::vector<uint32_t>> find_per_layer(std::string_view key, uint32_t n_layer,
                                                      U32Range range) const;
  std::optional<std::vector<bool>> find_flags(std::string_view key, uint32_t n_layer) const;

  // For checks across keys: `found` and `expected` in words.
  [[noreturn]] void fail(std::string_view key, std::string_view found,
                         std::string_view expected) const;
  // Error{unsupported}: right as it is, but not for this build.
  [[noreturn]] void refuse(std::string_view key, std::string_view found,
                           std::string_view supported) const;

 private:
  const gguf::File& file_;
  std::string arch_;
};

}  // namespace wattle
