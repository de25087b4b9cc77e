// SPDX-License-Identifier: Apache-2.0
// A model from anywhere into the first folder of models: what has to be fetched, and fetching it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "store/fetch.h"
#include "store/hooks.h"
#include "store/http.h"
#include "store/places.h"

namespace wattle::store {

struct PullPlan {
  std::string name{};               // of the model: its file, or the first of its parts
  std::filesystem::path folder{};   // where it will lie
  std::vector<RemoteFile> files{};  // parts in order; never empty
  uint64_t size_bytes = 0;          // of all files
  uint64_t begun_bytes = 0;         // of these, there from earlier attempts
  // Where the same model lies already, in any of the places: nothing has to be fetched.
  std::optional<std::filesystem::path> there{};
};

// what: see parse_source(). Asks the server, writes nothing. HF_ENDPOINT and HF_TOKEN say which hub
// and as whom. Throws Error{usage, io, bad_input, cancelled}.
PullPlan plan_pull(Http& http, const std::string& what, const Places& places,
                   const FetchHooks& hooks);

// The first n bytes of the model, for a look at its header; fewer where it has fewer.
std::vector<std::byte> read_beginning(Http& http, const PullPlan& plan, size_t n,
                                      const FetchHooks& hooks);

// Fetches what is not there. Later parts come before the first: until the model is whole there is
// none of its name. Returns the path to open. Throws as fetch_file(), and Error{io} where the disk
// has no room for it, before anything is fetched.
std::filesystem::path run_pull(Http& http, const PullPlan& plan, const FetchHooks& hooks);

}  // namespace wattle::store
