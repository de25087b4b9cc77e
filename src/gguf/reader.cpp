// SPDX-License-Identifier: Apache-2.0
#include "gguf/reader.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "base/shard_name.h"
#include "gguf/name_index.h"
#include "wattle/error.h"

namespace wattle::gguf {
namespace {

constexpr const char* kNo = "split.no";
constexpr const char* kCount = "split.count";
constexpr const char* kTensors = "split.tensors.count";

[[noreturn]] void throw_split(const std::string& file, const std::string& problem) {
  throw Error(ErrorCode::bad_input, fmt::format("{}: {}", file, problem),
              "fetch all parts of the model again, into one folder, under their own names");
}

// The name that the other shards are found by, checked against what the file says it is.
ShardName shard_name_of(const std::filesystem::path& path, uint32_t count) {
  const auto name = parse_shard_name(path);
  if (!name) {
    throw_split(path.string(), fmt::format("key '{}' says the model has {} parts, but the file "
                                           "name does not end in -00001-of-{:05}.gguf",
                                           kCount, count, count));
  }
  if (name->count != count) {
    throw_split(path.string(), fmt::format("key '{}' is {}, expected {} from the file name", kCount,
                                           count, name->count));
  }
  return *name;
}

}  // namespace

File::File(const std::filesystem::path& path) {
  MappedFile first(path);
  ParsedFile parsed = parse_file(first.bytes(), path.string());
  Metadata keys(path.string(), parsed.values);
  const uint32_t count = keys.find<uint32_t>(kCount).value_or(1);
  if (count <= 1) {
    name_ = path.string();
    metadata_ = std::move(keys);
    add(std::move(parsed), first.bytes().size());
    mappings_.push_back(std::move(first));
    index_tensors();
    return;
  }

  const ShardName shards = shard_name_of(path, count);
  name_ = shards.path_of(1).string();
  std::optional<uint64_t> n_expected;
  for (uint32_t i = 0; i < count; ++i) {
    const std::filesystem::path part = shards.path_of(i + 1);
    if (std::error_code error; !std::filesystem::exists(part, error)) {
      throw_split(part.string(), fmt::format("part {} of {} is missing", i + 1, count));
    }
    MappedFile mapping(part);
    parsed = parse_file(mapping.bytes(), part.string());
    keys = Metadata(part.string(), parsed.values);
    if (const auto no = keys.get<uint32_t>(kNo); no != i) {
      throw_split(part.string(),
                  fmt::format("key '{}' is {}, expected {} from the file name", kNo, no, i));
    }
    if (const auto says = keys.get<uint32_t>(kCount); says != count) {
      throw_split(part.string(), fmt::format("key '{}' is {}, expected {}", kCount, says, count));
    }
    if (i == 0) {
      n_expected = keys.find<uint64_t>(kTensors);
      metadata_ = std::move(keys);
    }
    add(std::move(parsed), mapping.bytes().size());
    mappings_.push_back(std::move(mapping));
  }
  if (n_expected && *n_expected != tensors_.size()) {
    throw_split(name_, fmt::format("key '{}' is {}, but the {} parts hold {} tensors", kTensors,
                                   *n_expected, count, tensors_.size()));
  }
  index_tensors();
}

File::File(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
  ParsedFile parsed = parse_file(bytes, name_);
  metadata_ = Metadata(name_, std::move(parsed.values));
  add(std::move(parsed), bytes.size());
  index_tensors();
}

void File::add(ParsedFile parsed, size_t size_bytes) {
  if (n_shards_++ == 0) version_ = parsed.version;
  size_bytes_ += size_bytes;
  tensors_.insert(tensors_.end(), parsed.tensors.begin(), parsed.tensors.end());
}

void File::index_tensors() {
  const auto name_of = [this](uint32_t i) { return tensors_[i].name; };
  by_name_ = sorted_by_name(tensors_.size(), name_of);
  if (const auto twice = first_duplicate(by_name_, name_of)) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: tensor '{}' occurs twice", name_, tensors_[*twice].name),
                n_shards_ > 1 ? "the parts do not belong to one model; fetch them again"
                              : "the file is damaged; fetch it again");
  }
}

std::optional<TensorView> File::find(std::string_view name) const {
  const auto i = find_name(by_name_, name, [this](uint32_t at) { return tensors_[at].name; });
  if (!i) return std::nullopt;
  return view(tensors_[*i]);
}

TensorView File::get(std::string_view name) const {
  auto tensor = find(name);
  if (!tensor) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: tensor '{}' is missing", name_, name),
                fmt::format("`wattle show --tensors {}` lists what the file holds", name_));
  }
  return *tensor;
}

TensorView File::view(const TensorInfo& tensor) const {
  if (!tensor.dtype) {
    const auto type = dtype_name_of_id(tensor.type_id);
    throw Error(ErrorCode::unsupported,
                fmt::format("{}: tensor '{}': type {} ({}), which this build cannot read", name_,
                            tensor.name, tensor.type_id, type.value_or("unknown")),
                "take a file of another quantisation, such as Q4_K_M or Q8_0");
  }
  return {.name = tensor.name,
          .dtype = *tensor.dtype,
          .n_dims = tensor.n_dims,
          .shape = tensor.shape,
          .data = tensor.data,
          .size_bytes = tensor.size_bytes};
}

}  // namespace wattle::gguf
