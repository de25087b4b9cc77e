// SPDX-License-Identifier: Apache-2.0
#include "store/pull.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/env.h"
#include "base/shard_name.h"
#include "store/hub.h"
#include "store/io_error.h"
#include "store/models.h"
#include "store/retry.h"
#include "store/sha256.h"
#include "store/source.h"
#include "store/url.h"
#include "wattle/error.h"

namespace wattle::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxAnswerBytes = size_t{64} << 20;

std::string endpoint() {
  std::string value = env::get(env::kHfEndpoint).value_or(std::string(kDefaultEndpoint));
  while (value.ends_with('/')) value.pop_back();
  return value;
}

std::vector<RemoteFile> from_hub(Http& http, const Source& source, const FetchHooks& hooks) {
  const std::string token = env::get(env::kHfToken).value_or("");
  const HttpRequest request{
      .url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", endpoint(), source.repo,
                         percent_encode(source.revision, false)),
      .token = token};
  std::string answer;
  Retry retry(hooks);
  for (;;) {
    const HttpResult result = http.get_text(request, kMaxAnswerBytes, answer);
    throw_if_refused(result.head, source.repo, !token.empty());
    if (is_success(result.head) && result.problem.empty()) break;
    retry.pause(source.repo, result, false);
  }
  const HubRepo repo = parse_hub_repo(answer, source.repo);
  std::vector<RemoteFile> files;
  for (const HubFile& file : choose_files(repo, source.selector)) {
    RemoteFile remote{.url = fmt::format("{}/{}/resolve/{}/{}", endpoint(), repo.name, repo.commit,
                                         percent_encode(file.path, true)),
                      .token = token,
                      .name = file.name(),
                      .content_id = file.sha256,
                      .size_bytes = file.size_bytes,
                      .sha256 = file.sha256};
    if (file.sha256.empty()) remote.content_id = remote.url;  // which names the commit
    files.push_back(std::move(remote));
  }
  return files;
}

// The names of all parts where the file is one of several, else its own.
std::vector<std::string> part_names(const std::string& name) {
  const auto shard = parse_shard_name(name);
  if (!shard) return {name};
  std::vector<std::string> names;
  for (uint32_t i = 1; i <= shard->count; ++i) names.push_back(shard->path_of(i).string());
  return names;
}

// Size and tag of one file. Asks for its first byte: some stores answer no HEAD.
RemoteFile probe(Http& http, const std::string& url, const std::string& name,
                 const FetchHooks& hooks) {
  const HttpRequest request{.url = url, .last_byte = 0};
  Retry retry(hooks);
  for (;;) {
    const HttpResult result =
        http.get(request, [](const HttpHead&, std::span<const std::byte>) { return false; });
    throw_if_refused(result.head, url, false);
    const HttpHead& head = result.head;
    if (is_success(head) && result.problem.empty()) {
      const auto size = head.linked_size ? head.linked_size : head.total_bytes;
      if (!size) {
        throw Error(ErrorCode::bad_input,
                    fmt::format("{}: the server does not say how large it is", url),
                    "fetch it with another program, then `wattle pull FILE`");
      }
      return {.url = url,
              .name = name,
              .content_id = fmt::format("{} {} {}", url, *size, head.etag),
              .size_bytes = *size,
              .sha256 = is_sha256(head.linked_etag) ? head.linked_etag : ""};
    }
    retry.pause(url, result, false);
  }
}

std::vector<RemoteFile> from_url(Http& http, const Source& source, const FetchHooks& hooks) {
  const std::string_view plain = without_query(source.url);
  const std::string query = source.url.substr(plain.size());
  const std::string folder(plain.substr(0, plain.rfind('/') + 1));
  const std::string name = file_name_of_url(source.url);
  const std::vector<std::string> names = part_names(name);
  if (names.size() == 1) return {probe(http, source.url, name, hooks)};
  std::vector<RemoteFile> files;
  files.reserve(names.size());
  for (const std::string& part : names) {
    files.push_back(probe(http, folder + percent_encode(part, false) + query, part, hooks));
  }
  return files;
}

std::vector<RemoteFile> from_file(const Source& source) {
  std::vector<RemoteFile> files;
  for (const std::string& name : part_names(source.path.filename().string())) {
    const fs::path path = source.path.parent_path() / name;
    std::error_code error;
    const uint64_t size = fs::file_size(path, error);
    if (error) throw_io(path, "read", error.value());
    const auto changed = fs::last_write_time(path, error).time_since_epoch().count();
    files.push_back({.url = "file://" + percent_encode(path.string(), true),
                     .name = name,
                     .content_id = fmt::format("{} {} {}", path.string(), size, changed),
                     .size_bytes = size});
  }
  return files;
}

std::optional<fs::path> find_same(const PullPlan& plan, const Places& places) {
  for (const Model& model : find_models(places)) {
    if (model.name == plan.name && model.complete() && model.size_bytes == plan.size_bytes) {
      return model.path();
    }
  }
  return std::nullopt;
}

void check_room(const PullPlan& plan) {
  std::error_code error;
  const fs::space_info space = fs::space(plan.folder, error);
  uint64_t needed = 0;
  for (const RemoteFile& file : plan.files) {
    if (!is_fetched(file, plan.folder)) {
      needed += file.size_bytes - std::min(file.size_bytes, begun_bytes(file, plan.folder));
    }
  }
  if (!error && space.available < needed) {
    throw Error(ErrorCode::io,
                fmt::format("{}: no room for {}: {} bytes are free, {} are needed",
                            plan.folder.string(), plan.name, space.available, needed),
                "`wattle rm` removes models; WATTLE_MODELS names another folder");
  }
}

}  // namespace

PullPlan plan_pull(Http& http, const std::string& what, const Places& places,
                   const FetchHooks& hooks) {
  PullPlan plan{.folder = places.own_folder()};
  const Source source = parse_source(what, read_aliases(places), endpoint());
  switch (source.kind) {
    case Source::Kind::hub: plan.files = from_hub(http, source, hooks); break;
    case Source::Kind::url: plan.files = from_url(http, source, hooks); break;
    case Source::Kind::file: plan.files = from_file(source); break;
  }
  plan.name = plan.files.front().name;
  for (const RemoteFile& file : plan.files) {
    if (file.size_bytes == 0) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: is empty", file.name),
                  "it holds no model; take it from elsewhere");
    }
    if (file.size_bytes > UINT64_MAX - plan.size_bytes) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: its sizes overflow", plan.name));
    }
    plan.size_bytes += file.size_bytes;
    plan.begun_bytes += std::min(file.size_bytes, begun_bytes(file, plan.folder));
  }
  plan.there = find_same(plan, places);
  return plan;
}

std::vector<std::byte> read_beginning(Http& http, const PullPlan& plan, size_t n,
                                      const FetchHooks& hooks) {
  const RemoteFile& file = plan.files.front();
  const HttpRequest request{.url = file.url, .token = file.token, .last_byte = n - 1};
  std::vector<std::byte> bytes;
  Retry retry(hooks);
  for (;;) {
    bytes.clear();
    const HttpResult result =
        http.get(request, [&](const HttpHead& head, std::span<const std::byte> piece) {
          if (!is_success(head)) return false;
          const auto wanted = piece.first(std::min(piece.size(), n - bytes.size()));
          bytes.insert(bytes.end(), wanted.begin(), wanted.end());
          return bytes.size() < n;
        });
    throw_if_refused(result.head, file.name, !file.token.empty());
    if (is_success(result.head) && result.problem.empty()) return bytes;
    retry.pause(file.name, result, false);
  }
}

fs::path run_pull(Http& http, const PullPlan& plan, const FetchHooks& hooks) {
  if (plan.there) return *plan.there;
  std::error_code error;
  fs::create_directories(plan.folder, error);
  if (error) throw_io(plan.folder, "create the folder", error.value());
  check_room(plan);
  for (auto file = plan.files.rbegin(); file != plan.files.rend(); ++file) {
    fetch_file(http, *file, plan.folder, hooks);
  }
  return plan.folder / plan.name;
}

}  // namespace wattle::store
