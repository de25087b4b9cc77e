// SPDX-License-Identifier: Apache-2.0
// Whole files for tests; a file that cannot be read fails the test with its name.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace wattle::test {

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.is_open()) << "cannot read " << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

// Little-endian f32.
inline std::vector<float> read_floats(const std::filesystem::path& path) {
  static_assert(std::endian::native == std::endian::little);
  const std::string text = read_text(path);
  std::vector<float> values(text.size() / sizeof(float));
  std::memcpy(values.data(), text.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace wattle::test
