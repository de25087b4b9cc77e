// SPDX-License-Identifier: Apache-2.0
// One file from a server into a folder of models: goes on where it stopped, tries again where that
// may help, and gives the file its name only when size and checksum are right.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "store/hooks.h"
#include "store/http.h"

namespace wattle::store {

struct RemoteFile {
  std::string url{};
  std::string token{};  // for the host of the url
  std::string name{};   // that it gets in the folder
  // What tells this content from any other under that name: its sha256, or address, size and tag.
  std::string content_id{};
  uint64_t size_bytes = 0;
  std::string sha256{};  // 64 lower-case digits; empty: nobody states one
};

// Whether folder/NAME is there with its full size: it got the name after its checksum was verified.
// Throws Error{io} where it has another size.
bool is_fetched(const RemoteFile& file, const std::filesystem::path& folder);

// Bytes of the file that an earlier attempt left.
uint64_t begun_bytes(const RemoteFile& file, const std::filesystem::path& folder);

// Nothing happens where it is fetched already. Two processes may fetch the same: the second waits,
// then finds it done. Throws Error{io, bad_input, cancelled}; what is right of the file is kept
// then, and the next call goes on there.
void fetch_file(Http& http, const RemoteFile& file, const std::filesystem::path& folder,
                const FetchHooks& hooks);

}  // namespace wattle::store
