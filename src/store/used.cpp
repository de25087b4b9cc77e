// SPDX-License-Identifier: Apache-2.0
#include "store/used.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

#include "base/shard_name.h"
#include "base/user_folders.h"

namespace wattle::store {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> mark_of(const std::string& model_name) {
  const auto state = user_state_folder();
  if (!state) return std::nullopt;
  return *state / "wattle/used" / model_name;
}

// Both as somebody typed them: relative, or with a '/' at the end.
bool lies_in(const fs::path& file, const fs::path& folder) {
  const fs::path way = fs::absolute(file).lexically_normal().lexically_relative(
      fs::absolute(folder).lexically_normal());
  return !way.empty() && *way.begin() != "..";
}

}  // namespace

void mark_used(const fs::path& model, const Places& places) noexcept {
  try {
    const bool stored =
        std::ranges::any_of(places.folders, [&](const fs::path& f) { return lies_in(model, f); }) ||
        (places.hub_cache && lies_in(model, *places.hub_cache));
    const auto mark = mark_of(first_part_of(model).filename().string());
    if (!stored || !mark) return;
    fs::create_directories(mark->parent_path());
    const int fd = ::open(mark->c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return;
    (void)::futimens(fd, nullptr);
    ::close(fd);
  } catch (const std::exception&) {  // told nowhere: see the header
  }
}

std::optional<UsedTime> last_used(const std::string& model_name) {
  const auto mark = mark_of(model_name);
  struct stat info{};
  if (!mark || ::stat(mark->c_str(), &info) != 0) return std::nullopt;
  return std::chrono::system_clock::from_time_t(info.st_mtime);
}

void forget_used(const std::string& model_name) noexcept {
  try {
    if (const auto mark = mark_of(model_name)) ::unlink(mark->c_str());
  } catch (const std::exception&) {  // out of memory; the mark of a model that is gone does no harm
  }
}

}  // namespace wattle::store
