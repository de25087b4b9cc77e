// SPDX-License-Identifier: Apache-2.0
#include "model/keys.h"

#include <fmt/format.h>

namespace wattle {

std::string Keys::name(std::string_view key) const { return fmt::format("{}.{}", arch_, key); }

void Keys::fail(std::string_view key, std::string_view found, std::string_view expected) const {
  throw Error(
      ErrorCode::bad_input,
      fmt::format("{}: key '{}': found {}, expected {}", file_.name(), name(key), found, expected),
      "the file does not describe a model that can exist; fetch it again or convert it anew");
}

void Keys::refuse(std::string_view key, std::string_view found, std::string_view supported) const {
  throw Error(ErrorCode::unsupported, fmt::format("{}: key '{}' is {}, supported: {}", file_.name(),
                                                  name(key), found, supported));
}

std::optional<uint32_t> Keys::find_u32(std::string_view key, U32Range range) const {
  const auto value = file_.metadata().find<uint32_t>(name(key));
  if (value && (*value < range.min || *value > range.max)) {
    fail(key, fmt::to_string(*value), fmt::format("{} to {}", range.min, range.max));
  }
  return value;
}

uint32_t Keys::u32(std::string_view key, U32Range range) const {
  const auto value = find_u32(key, range);
  if (!value) fail(key, "nothing", fmt::format("{} to {}", range.min, range.max));
  return *value;
}

std::optional<float> Keys::find_f32(std::string_view key, F32Range range) const {
  const auto value = file_.metadata().find<float>(name(key));
  // Written so that a NaN fails too.
  if (value && !(*value >= range.min && *value <= range.max)) {
    fail(key, fmt::to_string(*value), fmt::format("{} to {}", range.min, range.max));
  }
  return value;
}

std::optional<std::string_view> Keys::find_string(std::string_view key) const {
  return file_.metadata().find<std::string_view>(name(key));
}

std::optional<std::vector<uint32_t>> Keys::find_per_layer(std::string_view key, uint32_t n_layer,
                                                          U32Range range) const {
  const gguf::Value* value = file_.metadata().find_value(name(key));
  if (value == nullptr) return std::nullopt;
  if (value->type != gguf::ValueType::array) {
    return std::vector<uint32_t>(n_layer, u32(key, range));
  }
  if (value->count != n_layer) {
    fail(key, fmt::format("{} values", value->count),
         fmt::format("one for each of {} layers", n_layer));
  }
  auto values = file_.metadata().get_array<uint32_t>(name(key));
  for (size_t il = 0; il < values.size(); ++il) {
    if (values[il] < range.min || values[il] > range.max) {
      fail(key, fmt::format("{} for layer {}", values[il], il),
           fmt::format("{} to {}", range.min, range.max));
    }
  }
  return values;
}

std::optional<std::vector<bool>> Keys::find_flags(std::string_view key, uint32_t n_layer) const {
  const gguf::Value* value = file_.metadata().find_value(name(key));
  if (value == nullptr) return std::nullopt;
  if (value->type == gguf::ValueType::array && value->count != n_layer) {
    fail(key, fmt::format("{} values", value->count),
         fmt::format("one for each of {} layers", n_layer));
  }
  return file_.metadata().get_array<bool>(name(key));
}

}  // namespace wattle
