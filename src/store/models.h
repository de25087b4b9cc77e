// SPDX-License-Identifier: Apache-2.0
// What is there: the models in all places, and the pieces of models that are not whole.
//
// A model is a .gguf file in a folder of models or at most two folders below it (`org/repo/FILE`,
// as other programs lay them out), or in a snapshot of the hub client's cache, which may itself be
// a folder of models. Its name is its file name. Of a split model only the first part makes it one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/places.h"

namespace wattle::store {

struct Model {
  std::string name{};                          // file name; of a split model that of its first part
  std::vector<std::filesystem::path> files{};  // in order; never empty. One a part that is there
  uint32_t n_parts = 1;                        // that the name promises
  uint64_t size_bytes = 0;                     // of the files
  bool in_hub_cache = false;

  const std::filesystem::path& path() const { return files.front(); }
  bool complete() const noexcept { return files.size() == n_parts; }
};

// Sorted by name. Where two places have a model of one name, it is the one of the first place.
// Folders that cannot be read hold nothing.
std::vector<Model> find_models(const Places& places);

std::vector<std::string> names_of(const std::vector<Model>& models);

// Begun and not finished: files that were being fetched, and later parts of a model whose first
// part is not there. Only in the folders of models. Sorted by name.
struct Unfinished {
  std::string name{};  // of the model that it would become
  std::vector<std::filesystem::path> files{};
  uint64_t size_bytes = 0;
};
std::vector<Unfinished> find_unfinished(const Places& places);

// While `NAME` is being fetched its bytes lie beside it in `.NAME.0123456789abcdef.part`: hidden,
// so that nobody takes half a file for a model. The digits begin the sha256 of what identifies the
// content, so that another file of that name never goes on where this one stopped.
std::string part_file_name(std::string_view name, std::string_view content_id);
// NAME; nothing where the file is something else.
std::optional<std::string> name_of_part_file(std::string_view file_name);

}  // namespace wattle::store
