// SPDX-License-Identifier: Apache-2.0
#include "cli/remote_header.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "cli/file_summary.h"
#include "gguf/reader.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

constexpr size_t kFirstBytes = size_t{1} << 20;
constexpr size_t kMostBytes = size_t{256} << 20;  // of a header; the largest known is 16 MB

// Room for the whole file, of which only the pages of the header are ever touched: its tensors must
// lie inside the file, and that is checked against its size.
class SparseFile {
 public:
  explicit SparseFile(size_t size_bytes) : size_bytes_(size_bytes) {
    void* data = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) {
      throw Error(
          ErrorCode::out_of_memory,
          fmt::format("cannot map {} bytes of addresses: {}", size_bytes, std::strerror(errno)),
          "a limit of address space (ulimit -v) may be set");
    }
    data_ = static_cast<std::byte*>(data);
  }
  ~SparseFile() { ::munmap(data_, size_bytes_); }
  SparseFile(const SparseFile&) = delete;
  SparseFile& operator=(const SparseFile&) = delete;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_bytes_}; }
  void write(std::span<const std::byte> beginning) {
    std::memcpy(data_, beginning.data(), std::min(beginning.size(), size_bytes_));
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_bytes_;
};

// Fetches more of the beginning until the header is whole: how long it is only the header says.
// Throws Error{bad_input, unsupported} for what is no readable header.
gguf::File open_header(store::Http& http, const store::PullPlan& plan,
                       const store::FetchHooks& hooks, SparseFile& sparse) {
  for (size_t n = kFirstBytes;; n *= 4) {
    const auto beginning = store::read_beginning(http, plan, n, hooks);
    sparse.write(beginning);
    const bool is_all = beginning.size() < n || n >= kMostBytes;
    try {
      gguf::File file(sparse.bytes(), plan.name);
      // A header that is cut short goes on in zeros and may look like one all the same; then the
      // data of its first tensor begins behind what was fetched.
      const auto* end = sparse.bytes().data() + beginning.size();
      if (is_all || file.tensors().empty() || file.tensors().front().data <= end) return file;
    } catch (const Error&) {
      if (is_all) throw;
    }
  }
}

}  // namespace

nlohmann::ordered_json remote_memory(store::Http& http, const store::PullPlan& plan,
                                     const store::FetchHooks& hooks) {
  SparseFile sparse(plan.files.front().size_bytes);
  try {
    return summarise_memory(open_header(http, plan, hooks, sparse), plan.size_bytes);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_input && error.code() != ErrorCode::unsupported) throw;
    return {{"problem", error.what()}};
  }
}

}  // namespace wattle::cli
