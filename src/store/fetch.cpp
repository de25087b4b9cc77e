// SPDX-License-Identifier: Apache-2.0
#include "store/fetch.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "base/shard_name.h"
#include "store/models.h"
#include "store/part_file.h"
#include "store/retry.h"
#include "wattle/error.h"

namespace wattle::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "GGUF";

// The position and the size that the server states must be those that were asked for.
void check_position(const HttpHead& head, const RemoteFile& file, uint64_t expected_first) {
  if (head.total_bytes && *head.total_bytes != file.size_bytes) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: the server has {} bytes, expected {}", file.name,
                            *head.total_bytes, file.size_bytes),
                "it may have been replaced just now: run the same again");
  }
  if (head.first_byte != expected_first) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: the server sends from byte {}, asked for {}",
                                                  file.name, head.first_byte, expected_first));
  }
}

void download(Http& http, const RemoteFile& file, PartFile& part, const FetchHooks& hooks) {
  Retry retry(hooks);
  while (part.size_bytes() < file.size_bytes) {
    const uint64_t before = part.size_bytes();
    bool begun = false;
    const auto on_body = [&](const HttpHead& head, std::span<const std::byte> piece) {
      if (!is_success(head)) return false;
      if (!begun && head.status != 0) {
        if (head.status == 200 && before > 0) part.truncate();  // it sends all, whatever is asked
        check_position(head, file, part.size_bytes());
      }
      begun = true;
      if (piece.size() > file.size_bytes - part.size_bytes()) {
        throw Error(ErrorCode::bad_input, fmt::format("{}: the server sends more than {} bytes",
                                                      file.name, file.size_bytes));
      }
      part.write(piece);
      if (hooks.on_bytes) hooks.on_bytes(file.name, part.size_bytes(), false);
      return true;
    };
    const HttpResult result =
        http.get({.url = file.url, .token = file.token, .first_byte = before}, on_body);
    throw_if_refused(result.head, file.name, !file.token.empty());
    if (part.size_bytes() < file.size_bytes) {
      retry.pause(file.name, result, part.size_bytes() > before);
    }
  }
}

// Empty, or why the content is not right.
std::string problem_of(const RemoteFile& file, const std::string& sha256, PartFile& part) {
  if (!file.sha256.empty() && sha256 != file.sha256) {
    return fmt::format("sha256 is {}, expected {}", sha256, file.sha256);
  }
  if (part.beginning(kMagic.size()) != kMagic) return "is no GGUF file";
  return {};
}

}  // namespace

bool is_fetched(const RemoteFile& file, const fs::path& folder) {
  std::error_code error;
  const uint64_t size = fs::file_size(folder / file.name, error);
  if (error) return false;
  if (size == file.size_bytes) return true;
  throw Error(ErrorCode::io,
              fmt::format("{}: is there with {} bytes, the one to fetch has {}",
                          (folder / file.name).string(), size, file.size_bytes),
              fmt::format("`wattle rm {}` makes room for it", first_part_of(file.name).string()));
}

uint64_t begun_bytes(const RemoteFile& file, const fs::path& folder) {
  std::error_code error;
  const uint64_t size = fs::file_size(folder / part_file_name(file.name, file.content_id), error);
  return error ? 0 : size;
}

void fetch_file(Http& http, const RemoteFile& file, const fs::path& folder,
                const FetchHooks& hooks) {
  if (is_fetched(file, folder)) return;
  bool told = false;
  PartFile part(folder / file.name, file.content_id, [&] {
    if (hooks.cancelled()) throw Error(ErrorCode::cancelled, "interrupted");
    if (!told) hooks.note(fmt::format("another process fetches {}; waiting for it", file.name));
    told = true;
  });
  if (is_fetched(file, folder)) {  // by the one we waited for
    part.remove();
    return;
  }
  if (part.size_bytes() > file.size_bytes) part.truncate();
  bool resumed = part.size_bytes() > 0;
  part.read_again([&](uint64_t done) {
    if (hooks.cancelled()) throw Error(ErrorCode::cancelled, "interrupted");
    if (hooks.on_bytes) hooks.on_bytes(file.name, done, true);
  });
  for (;;) {
    download(http, file, part, hooks);
    const std::string sha256 = part.sha256();
    const std::string problem = problem_of(file, sha256, part);
    if (problem.empty()) {
      if (file.sha256.empty()) {
        hooks.note(fmt::format("{}: nobody states its sha256; it is {}", file.name, sha256));
      }
      part.commit();
      return;
    }
    // A power cut can leave a file with holes; that is no reason to bother anybody.
    if (!std::exchange(resumed, false)) {
      part.remove();
      throw Error(ErrorCode::bad_input, fmt::format("{}: {}", file.name, problem),
                  "what was fetched is gone; run the same again, or take it from elsewhere");
    }
    hooks.note(fmt::format("{}: {}; fetching all of it again", file.name, problem));
    part.truncate();
  }
}

}  // namespace wattle::store
