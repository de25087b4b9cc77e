// SPDX-License-Identifier: Apache-2.0
// HTTP GET, the only file that knows libcurl. Redirects are followed, proxies and certificates come
// from the environment as with every program that uses libcurl.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace wattle::store {

struct HttpRequest {
  std::string url{};  // http, https; a file:// URL reads a local file the same way
  // Sent as bearer token to the host (and port) of the URL, never to where that redirects.
  std::string token{};
  uint64_t first_byte = 0;  // asks for the bytes from here on; a server may send all the same
  std::optional<uint64_t> last_byte{};
};

// What the headers of the last response say; of a redirect only the linked_ ones are kept.
struct HttpHead {
  int status = 0;                         // 0: a local file
  uint64_t first_byte = 0;                // of the body, in the whole file
  std::optional<uint64_t> total_bytes{};  // of the whole file
  std::optional<uint32_t> retry_after_s{};
  std::string etag{};
  // The hub states the sha256 and the size of a large file while it redirects to its storage.
  std::string linked_etag{};
  std::optional<uint64_t> linked_size{};
  std::string error_code{};  // of the hub, such as GatedRepo
};

struct HttpResult {
  HttpHead head{};
  // Why the body is not whole, in words; empty: it is, or the receiver stopped it. Trying again may
  // help.
  std::string problem{};
};

class Http {
 public:
  // Takes a piece of the body; false: no more of it is wanted.
  using OnBody = std::function<bool(const HttpHead& head, std::span<const std::byte> piece)>;

  // cancelled: asked several times a second.
  explicit Http(std::function<bool()> cancelled);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  // Throws what on_body throws; Error{cancelled}; Error{io} for what trying again does not
  // help: a malformed URL, a certificate that is not trusted, a redirect in circles.
  HttpResult get(const HttpRequest& request, const OnBody& on_body);

  // The whole of a short body; Error{bad_input} where it is longer than limit_bytes.
  HttpResult get_text(const HttpRequest& request, size_t limit_bytes, std::string& text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wattle::store
