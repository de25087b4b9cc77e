// SPDX-License-Identifier: Apache-2.0
#include "store/hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

#include "base/json_input.h"
#include "base/letter_case.h"
#include "base/shard_name.h"
#include "store/sha256.h"
#include "store/url.h"
#include "wattle/error.h"

namespace wattle::store {
namespace {

constexpr size_t kMostListed = 20;

[[noreturn]] void throw_answer(const std::string& repo, const std::string& what) {
  throw Error(ErrorCode::bad_input, fmt::format("{}: the hub's answer {}", repo, what),
              "is HF_ENDPOINT a hub? a proxy may have answered in its place");
}

const Json* member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string string_of(const Json* value) {
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

HubFile read_file(const Json& sibling, const std::string& path, const std::string& repo) {
  HubFile file{.path = path};
  const Json* size = member(sibling, "size");
  if (size == nullptr || !size->is_number_integer() || size->get<int64_t>() < 0) {
    throw_answer(repo, fmt::format("states no size of {}", path));
  }
  file.size_bytes = size->get<uint64_t>();
  const Json* lfs = member(sibling, "lfs");
  if (lfs == nullptr || !lfs->is_object()) return file;
  file.sha256 = string_of(member(*lfs, "sha256"));
  if (!file.sha256.empty() && !is_sha256(file.sha256)) {
    throw_answer(repo, fmt::format("states '{}' as sha256 of {}", file.sha256, path));
  }
  return file;
}

// Whether `word` stands in the name by itself: Q4_K is not in Q4_K_M, but Q4_0 is in 26B_Q4_0-it.
// So what follows may be no '_', what stands before it may.
bool has_word(std::string_view name, std::string_view word) {
  const std::string text = upper_case(name);
  const std::string wanted = upper_case(word);
  const auto is_alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
    const size_t end = at + wanted.size();
    const bool begins = at == 0 || !is_alnum(text[at - 1]);
    const bool ends = end == text.size() || (!is_alnum(text[end]) && text[end] != '_');
    if (begins && ends) return true;
  }
  return false;
}

// The models of a repository by the path of their first part; of each the parts in order.
using Models = std::map<std::string, std::vector<HubFile>>;

Models group(const std::vector<HubFile>& files) {
  Models models;
  for (const HubFile& file : files) models[first_part_of(file.path).string()].push_back(file);
  for (auto& [path, parts] : models) {
    std::ranges::sort(parts, {}, &HubFile::path);  // the numbers have leading zeros
  }
  return models;
}

bool is_companion(const HubFile& file) {
  const std::string name = file.name();
  return name.starts_with("mmproj") || name.starts_with("mtp-");
}

std::string list_of(const Models& models) {
  std::string text = "there are: ";
  size_t n = 0;
  for (const auto& [path, parts] : models) {
    if (n++ == kMostListed) {
      return text + fmt::format(", and {} more", models.size() - kMostListed);
    }
    uint64_t size_bytes = 0;
    for (const HubFile& part : parts) size_bytes += part.size_bytes;
    text += fmt::format("{}{} ({:.1f} GB)", n > 1 ? ", " : "", path,
                        static_cast<double>(size_bytes) / 1e9);
  }
  return models.empty() ? "it holds no .gguf file" : text;
}

// All parts that the names promise, each of a name that may be written.
std::vector<HubFile> checked(const HubRepo& repo, std::vector<HubFile> parts) {
  const auto shard = parse_shard_name(parts.front().path);
  if (shard && shard->count != parts.size()) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: {} of the {} parts of {} are there", repo.name, parts.size(),
                            shard->count, parts.front().path));
  }
  for (const HubFile& part : parts) {
    if (!is_safe_model_name(part.name())) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: '{}' is no name that a file may have here",
                                                    repo.name, part.name()));
    }
  }
  return parts;
}

}  // namespace

HubRepo parse_hub_repo(std::string_view json, const std::string& name) {
  const Json answer = parse_json(json, fmt::format("{}: the hub's answer", name));
  if (!answer.is_object()) throw_answer(name, "is no object");
  HubRepo repo{.name = name, .commit = string_of(member(answer, "sha"))};
  if (repo.commit.size() != 40 ||
      repo.commit.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw_answer(name, fmt::format("states '{}' as its commit", repo.commit));
  }
  const Json* siblings = member(answer, "siblings");
  if (siblings == nullptr || !siblings->is_array()) throw_answer(name, "lists no files");
  for (const Json& sibling : *siblings) {
    if (!sibling.is_object()) throw_answer(name, "lists something that is no file");
    const std::string path = string_of(member(sibling, "rfilename"));
    if (path.ends_with(".gguf")) repo.files.push_back(read_file(sibling, path, name));
  }
  std::ranges::sort(repo.files, {}, &HubFile::path);
  // Or one part twice would pass for two.
  const auto twice = std::ranges::adjacent_find(repo.files, {}, &HubFile::path);
  if (twice != repo.files.end()) throw_answer(name, fmt::format("lists {} twice", twice->path));
  return repo;
}

std::vector<HubFile> choose_files(const HubRepo& repo, const std::string& selector) {
  const Models all = group(repo.files);
  if (selector.ends_with(".gguf")) {
    for (const auto& [path, parts] : all) {
      const bool named = std::ranges::any_of(parts, [&](const HubFile& part) {
        return part.path == selector || part.name() == selector;
      });
      if (named) return checked(repo, parts);
    }
    throw Error(ErrorCode::usage, fmt::format("{}: no file is called {}", repo.name, selector),
                list_of(all));
  }

  Models plain = all;
  std::erase_if(plain, [](const auto& model) { return is_companion(model.second.front()); });
  if (selector.empty() && plain.size() == 1) return checked(repo, plain.begin()->second);
  const std::vector<std::string> words =
      selector.empty() ? std::vector<std::string>{"Q4_K_M", "Q4_0"} : std::vector{selector};
  for (const std::string& word : words) {
    Models matches = plain;
    std::erase_if(matches, [&](const auto& m) { return !has_word(m.second.front().name(), word); });
    if (matches.size() == 1) return checked(repo, matches.begin()->second);
    if (matches.size() > 1) {
      throw Error(ErrorCode::usage, fmt::format("{}: several files are {}", repo.name, word),
                  list_of(matches) + fmt::format("; name one: hf:{}:FILE", repo.name));
    }
  }
  throw Error(ErrorCode::usage,
              selector.empty() ? fmt::format("{}: which of its models?", repo.name)
                               : fmt::format("{}: no file is {}", repo.name, selector),
              list_of(plain));
}

}  // namespace wattle::store
