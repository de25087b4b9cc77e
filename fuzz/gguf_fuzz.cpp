// SPDX-License-Identifier: Apache-2.0
// The door `gguf`: any bytes either open or give an Error, and what opens lies inside the bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "gguf/reader.h"
#include "quant/decode.h"
#include "wattle/error.h"

namespace {

using wattle::Error;
using wattle::gguf::File;

// Asks for every key with every type; a refusal is fine.
template <class T>
void ask(const File& file, std::string_view key) {
  try {
    (void)file.metadata().find<T>(key);
  } catch (const Error&) {
  }
  try {
    (void)file.metadata().find_array<T>(key);
  } catch (const Error&) {
  }
}

// Decodes the first row, so that the sanitizer sees the data touched.
void touch(const File& file, const wattle::gguf::TensorInfo& tensor) {
  if (!tensor.dtype) return;
  const wattle::TensorView view = file.view(tensor);
  const size_t n = wattle::dtype_info(view.dtype).block_elems;
  std::vector<float> out(n);
  wattle::quant::dequantize_row(view.dtype, view.data, out.data(), n);
  if (file.find(view.name)->data != view.data) std::abort();
  volatile std::byte last = view.data[view.size_bytes - 1];
  (void)last;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> bytes(begin, begin + size);  // aligned, and ends where it ends
  try {
    const File file(bytes, "fuzz.gguf");
    for (const auto& value : file.metadata().values()) {
      ask<bool>(file, value.key);
      ask<int32_t>(file, value.key);
      ask<uint64_t>(file, value.key);
      ask<float>(file, value.key);
      ask<std::string_view>(file, value.key);
    }
    for (const auto& tensor : file.tensors()) touch(file, tensor);
  } catch (const Error&) {
  }
  return 0;
}
