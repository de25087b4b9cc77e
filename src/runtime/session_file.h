// SPDX-License-Identifier: Apache-2.0
// A session on disk: what its sequence holds, and a note of the program that saved it.
//
//   magic "WATTLESE" | u32 version | u32 size of the header | header | note | i32 tokens
//   | pages of the cache | u64 XXH3 of all before
//
// All numbers are little-endian. The pages are those of model/kv_layout.h, as they lie in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "model/kv_cache.h"
#include "wattle/token.h"

namespace wattle::runtime {

// A cache takes pages only from one in which all of this was the same.
struct CacheIdentity {
  uint64_t model = 0;  // hash of the file the model was loaded from
  uint64_t full_page_bytes = 0;
  uint64_t ring_page_bytes = 0;
  uint32_t n_ring_pages = 0;
  uint8_t kv_k = 0;  // kernels::KvType
  uint8_t kv_v = 0;

  bool operator==(const CacheIdentity&) const = default;
};

// Borrows what it names.
struct SessionFile {
  CacheIdentity identity{};
  KvCache::Extent extent{};
  std::string_view note{};
  std::span<const std::byte> tokens{};  // 4 bytes each, maybe not aligned
  std::span<const std::byte> pages{};
};

// Calls its argument with pieces of the file one after the other.
using PageWriter = std::function<void(const std::function<void(std::span<const std::byte>)>&)>;

// Replaces `path`, whole or not at all. `file.pages` is not looked at: write_pages gives them.
// Throws Error{io}.
void write_session_file(const std::filesystem::path& path, const SessionFile& file,
                        const PageWriter& write_pages);

// Borrows the bytes. Throws Error{bad_input} that names the file and what is wrong with it.
SessionFile parse_session_file(std::span<const std::byte> bytes, const std::string& name);

}  // namespace wattle::runtime
