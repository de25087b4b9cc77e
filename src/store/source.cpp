// SPDX-License-Identifier: Apache-2.0
#include "store/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>

#include "store/url.h"
#include "wattle/error.h"

namespace wattle::store {
namespace {

constexpr std::string_view kHub = "hf:";

[[noreturn]] void throw_source(const std::string& text, const std::string& what) {
  throw Error(ErrorCode::usage, fmt::format("'{}': {}", text, what),
              "such as hf:ORG/NAME, hf:ORG/NAME:Q4_K_M, hf:ORG/NAME:FILE.gguf, "
              "https://HOST/FILE.gguf, a path, or a name that `wattle list --aliases` shows");
}

bool is_repo_name(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return false;
  const auto is_word = [](std::string_view word) {
    return !word.empty() && word.front() != '.' && std::ranges::all_of(word, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_' || c == '.';
    });
  };
  return is_word(name.substr(0, slash)) && is_word(name.substr(slash + 1));
}

Source parse_hub(const std::string& text) {
  std::string_view rest = std::string_view(text).substr(kHub.size());
  Source source;
  if (const size_t colon = rest.find(':'); colon != std::string_view::npos) {
    source.selector = rest.substr(colon + 1);
    if (source.selector.empty()) throw_source(text, "nothing follows the second ':'");
    rest = rest.substr(0, colon);
  }
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    source.revision = rest.substr(at + 1);
    if (source.revision.empty()) throw_source(text, "nothing follows the '@'");
    rest = rest.substr(0, at);
  }
  if (!is_repo_name(rest)) throw_source(text, "that is no ORG/NAME");
  source.repo = rest;
  return source;
}

// ORG/NAME, ORG/NAME/resolve/REVISION/FILE or, as the pages have it, ORG/NAME/blob/REVISION/FILE.
std::optional<Source> parse_hub_path(std::string_view path) {
  std::vector<std::string> words;
  for (std::string_view rest = without_query(path); !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find('/'));
    if (words.size() < 5) {
      words.push_back(percent_decode(word));
    } else {
      words.back() += "/" + percent_decode(word);
    }
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  if (words.size() != 2 && words.size() != 5) return std::nullopt;
  Source source{.repo = words[0] + "/" + words[1]};
  if (!is_repo_name(source.repo)) return std::nullopt;
  // A file with such an address is no repository.
  if (words.size() == 2) {
    return words[1].ends_with(".gguf") ? std::nullopt : std::optional(source);
  }
  if (words[2] != "resolve" && words[2] != "blob") return std::nullopt;
  source.revision = words[3];
  source.selector = words[4];
  return source.selector.ends_with(".gguf") ? std::optional(source) : std::nullopt;
}

Source parse_url(const std::string& text, std::string_view endpoint) {
  for (const std::string_view host :
       {endpoint, kDefaultEndpoint, std::string_view("https://hf.co")}) {
    const std::string_view url = text;
    if (!url.starts_with(host) || url.substr(host.size(), 1) != "/") continue;
    if (auto source = parse_hub_path(url.substr(host.size() + 1))) return *source;
  }
  if (!is_safe_model_name(file_name_of_url(text)))
    throw_source(text, "it does not end in a .gguf file");
  return {.kind = Source::Kind::url, .url = text};
}

}  // namespace

Source parse_source(const std::string& text, const std::vector<Alias>& aliases,
                    std::string_view endpoint) {
  if (text.starts_with(kHub)) return parse_hub(text);
  if (text.starts_with("https://") || text.starts_with("http://")) return parse_url(text, endpoint);
  if (const auto alias = find_alias(text, aliases); alias) {
    return parse_source(alias->from, {}, endpoint);
  }
  std::error_code error;
  if (std::filesystem::is_regular_file(text, error)) {
    if (!is_safe_model_name(std::filesystem::path(text).filename().string())) {
      throw_source(text, "that is no .gguf file");
    }
    return {.kind = Source::Kind::file, .path = std::filesystem::absolute(text)};
  }
  throw_source(text, is_repo_name(text) ? fmt::format("a repository is written hf:{}", text)
                                        : std::string("no such file, alias or address"));
}

}  // namespace wattle::store
