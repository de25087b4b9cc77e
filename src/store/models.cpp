// SPDX-License-Identifier: Apache-2.0
#include "store/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <system_error>

#include "base/shard_name.h"
#include "store/sha256.h"

namespace wattle::store {
namespace {

namespace fs = std::filesystem;

constexpr int kDepth = 2;  // folders below a folder of models or a snapshot
constexpr std::string_view kHubRepo = "models--";
constexpr size_t kPartDigits = 16;
constexpr std::string_view kPartEnding = ".part";

// Sorted, so that what is found does not depend on the order of the file system.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    entries.push_back(at->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

struct Found {
  fs::path path;
  bool in_hub_cache;
};

void scan_folder(const fs::path& folder, int depth, bool in_hub_cache, std::vector<Found>& found);

// models--ORG--NAME/snapshots/COMMIT/FILE, where FILE links to a blob. The commit that refs/main
// names is looked at first: it is what the client would use.
void scan_hub_repo(const fs::path& repo, std::vector<Found>& found) {
  std::string main;
  std::ifstream(repo / "refs/main") >> main;
  std::vector<fs::path> snapshots = entries_of(repo / "snapshots");
  std::stable_partition(snapshots.begin(), snapshots.end(),
                        [&](const fs::path& path) { return path.filename() == main; });
  for (const fs::path& snapshot : snapshots) {
    if (is_folder(snapshot)) scan_folder(snapshot, kDepth, true, found);
  }
}

void scan_folder(const fs::path& folder, int depth, bool in_hub_cache, std::vector<Found>& found) {
  for (const fs::path& entry : entries_of(folder)) {
    const std::string name = entry.filename().string();
    if (name.starts_with('.')) continue;
    if (is_folder(entry)) {
      if (name.starts_with(kHubRepo) && !in_hub_cache) {  // one in another may be itself, by a link
        scan_hub_repo(entry, found);
      } else if (depth > 0) {
        scan_folder(entry, depth - 1, in_hub_cache, found);
      }
      continue;
    }
    std::error_code error;
    if (entry.extension() == ".gguf" && fs::is_regular_file(entry, error)) {
      found.push_back({entry, in_hub_cache});
    }
  }
}

std::vector<Found> scan(const Places& places) {
  std::vector<Found> found;
  for (const fs::path& folder : places.folders) scan_folder(folder, kDepth, false, found);
  if (places.hub_cache) {
    for (const fs::path& entry : entries_of(*places.hub_cache)) {
      if (entry.filename().string().starts_with(kHubRepo)) scan_hub_repo(entry, found);
    }
  }
  return found;
}

template <class T>
std::vector<T> values_of(std::map<std::string, T> by_name) {
  std::vector<T> out;
  out.reserve(by_name.size());
  for (auto& [name, value] : by_name) out.push_back(std::move(value));
  return out;
}

}  // namespace

std::vector<Model> find_models(const Places& places) {
  std::map<std::string, Model> by_name;
  for (const Found& found : scan(places)) {
    const auto shard = parse_shard_name(found.path);
    if (shard && shard->number != 1) continue;
    Model model{.name = found.path.filename().string(), .in_hub_cache = found.in_hub_cache};
    if (by_name.contains(model.name)) continue;
    model.files.push_back(found.path);
    if (shard) {
      model.n_parts = shard->count;
      std::error_code error;
      for (uint32_t i = 2; i <= shard->count; ++i) {
        const fs::path part = shard->path_of(i);
        if (fs::is_regular_file(part, error)) model.files.push_back(part);
      }
    }
    for (const fs::path& file : model.files) model.size_bytes += size_of(file);
    by_name.emplace(model.name, std::move(model));
  }
  return values_of(std::move(by_name));
}

std::vector<std::string> names_of(const std::vector<Model>& models) {
  std::vector<std::string> names;
  names.reserve(models.size());
  for (const Model& model : models) names.push_back(model.name);
  return names;
}

std::vector<Unfinished> find_unfinished(const Places& places) {
  std::map<std::string, Unfinished> by_name;
  const auto add = [&by_name](const fs::path& path, const fs::path& target) {
    Unfinished& unfinished = by_name[first_part_of(target).filename().string()];
    unfinished.files.push_back(path);
    unfinished.size_bytes += size_of(path);
  };
  for (const Found& found : scan(places)) {
    std::error_code error;
    if (!found.in_hub_cache && !fs::is_regular_file(first_part_of(found.path), error)) {
      add(found.path, found.path);
    }
  }
  for (const fs::path& folder : places.folders) {
    for (const fs::path& entry : entries_of(folder)) {
      if (const auto name = name_of_part_file(entry.filename().string())) add(entry, *name);
    }
  }
  for (auto& [name, unfinished] : by_name) unfinished.name = name;
  return values_of(std::move(by_name));
}

std::string part_file_name(std::string_view name, std::string_view content_id) {
  return fmt::format(".{}.{}{}", name, sha256_of(content_id).substr(0, kPartDigits), kPartEnding);
}

std::optional<std::string> name_of_part_file(std::string_view file_name) {
  constexpr size_t kAround = 1 + 1 + kPartDigits + kPartEnding.size();  // two dots, and the rest
  if (file_name.size() <= kAround || !file_name.starts_with('.') ||
      !file_name.ends_with(kPartEnding)) {
    return std::nullopt;
  }
  const size_t name_bytes = file_name.size() - kAround;
  const std::string_view digits = file_name.substr(1 + name_bytes, 1 + kPartDigits);
  if (digits.front() != '.' ||
      digits.find_first_not_of("0123456789abcdef", 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(file_name.substr(1, name_bytes));
}

}  // namespace wattle::store
