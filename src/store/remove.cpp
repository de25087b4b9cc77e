// SPDX-License-Identifier: Apache-2.0
#include "store/remove.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "store/io_error.h"
#include "store/lookup.h"
#include "store/models.h"
#include "store/used.h"
#include "wattle/error.h"

namespace wattle::store {
namespace {

namespace fs = std::filesystem;

// Whoever fetches a file holds a lock on it.
bool is_being_fetched(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return locked;
}

void remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw_io(path, "remove", errno);
}

}  // namespace

Removed remove_model(const std::string& name, const Places& places) {
  const std::vector<Model> models = find_models(places);
  const std::vector<Unfinished> unfinished = find_unfinished(places);
  std::vector<std::string> names = names_of(models);
  for (const Unfinished& item : unfinished) {
    if (std::ranges::find(names, item.name) == names.end()) names.push_back(item.name);
  }
  const auto match = match_name(name, names, read_aliases(places));
  if (!match) {
    throw Error(ErrorCode::io, fmt::format("no model is called '{}'", name),
                names.empty() ? "there are none" : fmt::format("{}", fmt::join(names, ", ")));
  }

  Removed removed{.name = *match};
  std::vector<fs::path> files;
  for (const Unfinished& item : unfinished) {
    if (item.name != *match) continue;
    for (const fs::path& file : item.files) {
      if (name_of_part_file(file.filename().string()) && is_being_fetched(file)) {
        throw Error(ErrorCode::io, fmt::format("{}: is being fetched at this moment", *match),
                    "end the `wattle pull` that does it first");
      }
      files.push_back(file);
    }
    removed.size_bytes += item.size_bytes;
  }
  for (const Model& model : models) {
    if (model.name != *match) continue;
    if (model.in_hub_cache) {
      throw Error(ErrorCode::io,
                  fmt::format("{}: lies in the cache of the hub's client, {}", *match,
                              model.path().string()),
                  "that client removes it: `hf cache rm`");
    }
    files.insert(files.end(), model.files.rbegin(), model.files.rend());
    removed.size_bytes += model.size_bytes;
  }
  for (const fs::path& file : files) remove_file(file);
  removed.n_files = files.size();
  forget_used(*match);
  return removed;
}

}  // namespace wattle::store
