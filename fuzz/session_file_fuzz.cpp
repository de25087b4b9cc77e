// SPDX-License-Identifier: Apache-2.0
// The door `session_file`: any bytes as a saved session. What is well-formed but for its checksum
// is given the right one, so that all behind it is reached.
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "model/kv_cache.h"
#include "runtime/session_file.h"
#include "wattle/error.h"

namespace {

constexpr wattle::KvLayerShape kFull{.n_head_kv = 1, .head_dim_k = 2, .head_dim_v = 2};
constexpr wattle::KvLayerShape kWindow{
    .n_head_kv = 1, .head_dim_k = 1, .head_dim_v = 1, .swa = true};

void restore(std::span<const std::byte> bytes) {
  const wattle::runtime::SessionFile file = wattle::runtime::parse_session_file(bytes, "session");
  wattle::KvCache cache({.layers = {kFull, kWindow}, .n_swa = 100}, {.n_ctx = 500, .n_batch = 10});
  const wattle::SeqId id = cache.create_sequence();
  cache.restore(id, file.extent, file.pages);
  cache.truncate(id, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> bytes(size);
  if (size != 0) std::memcpy(bytes.data(), data, size);
  if (size >= sizeof(uint64_t)) {
    const size_t n = size - sizeof(uint64_t);
    const uint64_t sum = XXH3_64bits(bytes.data(), n);
    std::memcpy(bytes.data() + n, &sum, sizeof sum);
  }
  try {
    restore(bytes);
  } catch (const wattle::Error&) {
  }
  return 0;
}
