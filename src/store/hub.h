// SPDX-License-Identifier: Apache-2.0
// What a hub says about a repository of models, and which of its files make one model. Pure
// functions of text; the fuzz target hub_metadata feeds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wattle::store {

struct HubFile {
  std::string path{};  // in the repository
  uint64_t size_bytes = 0;
  std::string sha256{};  // 64 lower-case digits; empty: the hub states none, as for small files

  std::string name() const { return path.substr(path.rfind('/') + 1); }
};

// Reads the answer of GET /api/models/REPO/revision/REVISION?blobs=true:
//   {"sha": "COMMIT", "siblings": [{"rfilename": "PATH", "size": N, "lfs": {"sha256": "..."}},
//   ...]}
// Only .gguf files are kept. Throws Error{bad_input} naming the repository and what is not as
// expected; members that are not looked at may be anything.
struct HubRepo {
  std::string name{};    // ORG/NAME, as asked for
  std::string commit{};  // 40 digits; what the files are fetched by, so that all are of one state
  std::vector<HubFile> files{};  // by path, each once
};
HubRepo parse_hub_repo(std::string_view json, const std::string& name);

// The files of one model, parts in order. `selector` is a file (its path or its name; of a split
// model any part), or a quantisation such as Q4_K_M, as a whole word of the name, or empty: then
// the only model there is, else the one of Q4_K_M or Q4_0. Vision projectors and draft heads
// (mmproj*, mtp-*) are models of their own and are only taken when named as a file. Throws
// Error{usage} that lists what there is.
std::vector<HubFile> choose_files(const HubRepo& repo, const std::string& selector);

}  // namespace wattle::store
