// SPDX-License-Identifier: Apache-2.0
#include "runtime/session_file.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <new>

#include "base/atomic_file.h"
#include "wattle/error.h"

namespace wattle::runtime {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is written as memory is");

constexpr std::string_view kMagic = "WATTLESE";
constexpr uint32_t kVersion = 1;

// As it lies in the file.
struct Header {
  uint64_t model;
  uint64_t full_page_bytes;
  uint64_t ring_page_bytes;
  uint64_t note_bytes;
  uint64_t page_bytes;
  uint32_t n_tokens;
  uint32_t length;
  uint32_t n_ring_pages_seen;
  uint32_t n_ring_pages;
  uint8_t kv_k;
  uint8_t kv_v;
  uint8_t zero[6];
};
static_assert(sizeof(Header) == 64);

struct Beginning {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
};
static_assert(sizeof(Beginning) == 16);

struct FreeHash {
  void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
};

// Writes and hashes.
class HashedFile {
 public:
  explicit HashedFile(const std::filesystem::path& path) : file_(path), hash_(XXH3_createState()) {
    if (hash_ == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(hash_.get());
  }
  void write(std::span<const std::byte> bytes) {
    XXH3_64bits_update(hash_.get(), bytes.data(), bytes.size());
    file_.write(bytes);
  }
  void commit() {
    const uint64_t sum = XXH3_64bits_digest(hash_.get());
    file_.write(std::as_bytes(std::span(&sum, 1)));
    file_.commit();
  }

 private:
  AtomicFile file_;
  std::unique_ptr<XXH3_state_t, FreeHash> hash_;
};

}  // namespace

void write_session_file(const std::filesystem::path& path, const SessionFile& file,
                        const PageWriter& write_pages) {
  uint64_t page_bytes = 0;
  write_pages([&](std::span<const std::byte> page) { page_bytes += page.size(); });
  Beginning beginning{.magic = {}, .version = kVersion, .header_bytes = sizeof(Header)};
  std::memcpy(beginning.magic, kMagic.data(), kMagic.size());
  const Header header{.model = file.identity.model,
                      .full_page_bytes = file.identity.full_page_bytes,
                      .ring_page_bytes = file.identity.ring_page_bytes,
                      .note_bytes = file.note.size(),
                      .page_bytes = page_bytes,
                      .n_tokens = static_cast<uint32_t>(file.tokens.size() / sizeof(TokenId)),
                      .length = file.extent.length,
                      .n_ring_pages_seen = file.extent.n_ring_pages_seen,
                      .n_ring_pages = file.identity.n_ring_pages,
                      .kv_k = file.identity.kv_k,
                      .kv_v = file.identity.kv_v,
                      .zero = {}};
  HashedFile out(path);
  out.write(std::as_bytes(std::span(&beginning, 1)));
  out.write(std::as_bytes(std::span(&header, 1)));
  out.write(std::as_bytes(std::span(file.note)));
  out.write(file.tokens);
  write_pages([&](std::span<const std::byte> page) { out.write(page); });
  out.commit();
}

SessionFile parse_session_file(std::span<const std::byte> bytes, const std::string& name) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: {}", name, what),
                "the file is damaged, or no saved session of wattle");
  };
  const auto take = [&](uint64_t size, const char* what) {
    if (size > bytes.size()) {
      fail(fmt::format("ends too early: {} takes {} bytes, {} are left", what, size, bytes.size()));
    }
    const auto taken = bytes.first(size);
    bytes = bytes.subspan(size);
    return taken;
  };
  const std::span<const std::byte> whole = bytes;

  Beginning beginning;
  std::memcpy(&beginning, take(sizeof beginning, "its beginning").data(), sizeof beginning);
  if (std::string_view(beginning.magic, sizeof beginning.magic) != kMagic) {
    fail("begins like no saved session");
  }
  if (beginning.version != kVersion || beginning.header_bytes != sizeof(Header)) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{}: version {}, expected {}", name, beginning.version, kVersion),
                "it was saved by another version of wattle");
  }
  Header header;
  std::memcpy(&header, take(sizeof header, "its header").data(), sizeof header);
  SessionFile file{
      .identity = {.model = header.model,
                   .full_page_bytes = header.full_page_bytes,
                   .ring_page_bytes = header.ring_page_bytes,
                   .n_ring_pages = header.n_ring_pages,
                   .kv_k = header.kv_k,
                   .kv_v = header.kv_v},
      .extent = {.length = header.length, .n_ring_pages_seen = header.n_ring_pages_seen}};
  const auto note = take(header.note_bytes, "its note");
  file.note = {reinterpret_cast<const char*>(note.data()), note.size()};
  file.tokens = take(uint64_t{header.n_tokens} * sizeof(TokenId), "its list of tokens");
  file.pages = take(header.page_bytes, "its cache");
  uint64_t sum = 0;
  std::memcpy(&sum, take(sizeof sum, "its checksum").data(), sizeof sum);
  if (!bytes.empty()) fail(fmt::format("{} bytes too many", bytes.size()));
  if (header.n_tokens != header.length) {
    fail(fmt::format("{} tokens for {} positions", header.n_tokens, header.length));
  }
  if (XXH3_64bits(whole.data(), whole.size() - sizeof sum) != sum) fail("its checksum is wrong");
  return file;
}

}  // namespace wattle::runtime
