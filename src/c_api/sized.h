// SPDX-License-Identifier: Apache-2.0
// Structs of the C API that begin with their size, as program and library each know it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "c_api/guard.h"

namespace wattle::c_api {

// The size a struct had when it was first released. A struct that grows gets a specialisation with
// the number from before, so that older programs go on working.
template <class T>
inline constexpr size_t kFirstSize = sizeof(T);
template <>
inline constexpr size_t kFirstSize<wattle_engine_params> = offsetof(wattle_engine_params, npu);

// Anything larger was never written by an _init function.
inline constexpr size_t kMaxSize = 4096;

template <class T>
void check_size(size_t size, const char* name) {
  static_assert(std::is_trivially_copyable_v<T> && offsetof(T, size) == 0);
  if (size < kFirstSize<T> || size > kMaxSize) {
    throw Error(ErrorCode::usage,
                fmt::format("{}->size is {}, expected {} or more", name, size, kFirstSize<T>),
                "set it to the sizeof of the struct, or call its _init function");
  }
}

// The caller's struct in the form of this library: what an older program does not know is as in
// `defaults`. Throws Error: usage; unsupported where a newer program wants what is unknown here.
template <class T>
T read_sized(const T* in, const T& defaults, const char* name) {
  require(in, name);
  check_size<T>(in->size, name);
  const auto* bytes = reinterpret_cast<const unsigned char*>(in);
  for (size_t i = sizeof(T); i < in->size; ++i) {
    if (bytes[i] != 0) {
      throw Error(
          ErrorCode::unsupported,
          fmt::format("{} uses a field that libwattle {} does not know", name, wattle_version()),
          "a newer libwattle knows it");
    }
  }
  T value = defaults;
  std::memcpy(&value, in, std::min(in->size, sizeof(T)));
  value.size = sizeof(T);
  return value;
}

// Fills the struct up to the size that the caller says it has; fields unknown here become zero.
template <class T>
void write_sized(const T& value, T* out, size_t size, const char* name) {
  require(out, name);
  check_size<T>(size, name);
  std::memset(static_cast<void*>(out), 0, size);
  std::memcpy(static_cast<void*>(out), &value, std::min(size, sizeof(T)));
  out->size = size;
}

}  // namespace wattle::c_api
