// SPDX-License-Identifier: Apache-2.0
#include "store/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include "base/env.h"
#include "base/letter_case.h"
#include "wattle/error.h"

namespace wattle::store {
namespace {

constexpr long kMaxRedirects = 10;
constexpr long kConnectSeconds = 15;
constexpr long kStalledSeconds = 30;

struct CurlEnd {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};

// libcurl wants this once a process, before anything else; a local static is made by one thread.
void init_library() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK) throw std::bad_alloc();
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

// `W/"value"` or `"value"`.
std::string unquoted(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

// `bytes 5-9/10`, `bytes 5-9/*`, `bytes */10`.
void read_content_range(std::string_view value, HttpHead& head) {
  if (!value.starts_with("bytes ")) return;
  value.remove_prefix(6);
  const size_t slash = value.find('/');
  if (slash == std::string_view::npos) return;
  head.total_bytes = number(value.substr(slash + 1));
  if (const auto first = number(value.substr(0, value.find('-')))) head.first_byte = *first;
}

void read_header(std::string_view line, HttpHead& head, std::optional<uint64_t>& content_length) {
  if (line.starts_with("HTTP/")) {  // the next response, after a redirect or "100 Continue"
    head = {.linked_etag = head.linked_etag, .linked_size = head.linked_size};
    content_length.reset();
    const size_t space = line.find(' ');
    if (space != std::string_view::npos) {
      head.status = static_cast<int>(number(line.substr(space + 1, 3)).value_or(0));
    }
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = lower_case(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  if (name == "content-length") content_length = number(value);
  if (name == "content-range") read_content_range(value, head);
  if (name == "etag") head.etag = unquoted(value);
  if (name == "x-linked-etag") head.linked_etag = unquoted(value);
  if (name == "x-linked-size") head.linked_size = number(value);
  if (name == "x-error-code") head.error_code = std::string(value);
  if (name == "retry-after") {  // a date instead of seconds is not what hubs send
    if (const auto seconds = number(value)) {
      head.retry_after_s = static_cast<uint32_t>(std::min<uint64_t>(*seconds, UINT32_MAX));
    }
  }
}

// One get(), as the callbacks see it. Exceptions must not pass through C.
struct Transfer {
  const Http::OnBody* on_body = nullptr;
  const std::function<bool()>* cancelled = nullptr;
  HttpHead head{};
  std::optional<uint64_t> content_length{};
  bool stopped = false;
  std::exception_ptr thrown{};
};

size_t on_header(char* data, size_t size, size_t n, void* user) noexcept {
  auto* transfer = static_cast<Transfer*>(user);
  try {
    read_header({data, size * n}, transfer->head, transfer->content_length);
    if (transfer->head.status == 200) transfer->head.total_bytes = transfer->content_length;
    return size * n;
  } catch (...) {
    transfer->thrown = std::current_exception();
    return 0;
  }
}

size_t on_piece(char* data, size_t size, size_t n, void* user) noexcept {
  auto* transfer = static_cast<Transfer*>(user);
  try {
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    if ((*transfer->on_body)(transfer->head, {bytes, size * n})) return size * n;
    transfer->stopped = true;
  } catch (...) {
    transfer->thrown = std::current_exception();
  }
  return CURL_WRITEFUNC_ERROR;
}

int on_tick(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  auto* transfer = static_cast<Transfer*>(user);
  try {
    return (*transfer->cancelled)() ? 1 : 0;
  } catch (...) {
    transfer->thrown = std::current_exception();
    return 1;
  }
}

// What to do about a failure that another attempt would not change; null where one may.
const char* hint_of_final(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return "an address begins with https://, and %20 stands for a blank";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return "the package ca-certificates says whom to trust, or the file that SSL_CERT_FILE "
             "names; a proxy that opens connections needs its own certificate there; a wrong clock "
             "has the same effect";
    case CURLE_TOO_MANY_REDIRECTS: return "the server redirects in circles";
    case CURLE_FILE_COULDNT_READ_FILE: return "check the path";
    case CURLE_COULDNT_RESOLVE_PROXY: return "see HTTPS_PROXY";
    default: return nullptr;
  }
}

}  // namespace

struct Http::Impl {
  std::function<bool()> cancelled;
  std::unique_ptr<CURL, CurlEnd> handle;
};

Http::Http(std::function<bool()> cancelled) : impl_(std::make_unique<Impl>()) {
  init_library();
  impl_->cancelled = std::move(cancelled);
  impl_->handle.reset(curl_easy_init());
  if (impl_->handle == nullptr) throw std::bad_alloc();
}

Http::~Http() = default;

HttpResult Http::get(const HttpRequest& request, const OnBody& on_body) {
  CURL* curl = impl_->handle.get();
  curl_easy_reset(curl);  // keeps the connections
  Transfer transfer{.on_body = &on_body, .cancelled = &impl_->cancelled};
  std::array<char, CURL_ERROR_SIZE> message{};
  const bool is_local = request.url.starts_with("file://");
  // Whoever asked for https gets nothing over less.
  const char* redirects = request.url.starts_with("https://") ? "https" : "http,https";

  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, is_local ? "file" : "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, redirects);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "wattle/" WATTLE_VERSION);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // of a proxy
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message.data());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_piece);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_tick);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  if (const auto certificates = env::get(env::kSslCertFile)) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, certificates->c_str());
  }
  if (!request.token.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request.token.c_str());
  }
  // Not CURLOPT_RESUME_FROM: that makes a server which sends the whole file an error.
  const std::string range =
      fmt::format("{}-{}", request.first_byte,
                  request.last_byte ? std::to_string(*request.last_byte) : std::string());
  if (range != "0-") curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());

  const CURLcode code = curl_easy_perform(curl);
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (code == CURLE_ABORTED_BY_CALLBACK) throw Error(ErrorCode::cancelled, "interrupted");
  HttpResult result{.head = std::move(transfer.head)};
  if (is_local) result.head.first_byte = request.first_byte;
  if (code != CURLE_OK && !transfer.stopped) {
    result.problem = message[0] != '\0' ? message.data() : curl_easy_strerror(code);
    if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    if (const char* hint = hint_of_final(code)) {
      throw Error(ErrorCode::io, fmt::format("{}: {}", request.url, result.problem), hint);
    }
  }
  return result;
}

HttpResult Http::get_text(const HttpRequest& request, size_t limit_bytes, std::string& text) {
  text.clear();
  return get(request, [&](const HttpHead&, std::span<const std::byte> piece) {
    if (piece.size() > limit_bytes - text.size()) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: the answer has more than {} bytes", request.url, limit_bytes));
    }
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return true;
  });
}

}  // namespace wattle::store
