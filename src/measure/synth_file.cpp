// SPDX-License-Identifier: Apache-2.0
#include "measure/synth_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <system_error>

#include "base/aligned_buffer.h"
#include "base/split_mix64.h"
#include "gguf/writer.h"
#include "measure/random_weights.h"
#include "measure/synth_vocab.h"
#include "wattle/error.h"

namespace wattle::measure {
namespace {

namespace fs = std::filesystem;

constexpr size_t kChunkBytes = size_t{4} << 20;
constexpr uint64_t kHeaderBytes = uint64_t{32} << 20;  // more than any vocabulary takes

void set_keys(gguf::Writer& writer, const SynthPlan& plan) {
  const SynthShape& shape = plan.shape;
  const std::string arch(shape.arch);
  const auto u32 = [&](std::string_view key, uint32_t value) {
    writer.set<uint32_t>(fmt::format("{}.{}", arch, key), value);
  };
  const auto f32 = [&](std::string_view key, float value) {
    writer.set<float>(fmt::format("{}.{}", arch, key), value);
  };
  const auto per_layer = [&](std::string_view key, const auto& value_of) {
    std::vector<int32_t> values;
    values.reserve(shape.n_layer);
    for (uint32_t il = 0; il < shape.n_layer; ++il) {
      values.push_back(static_cast<int32_t>(value_of(il)));
    }
    writer.set_array<int32_t>(fmt::format("{}.{}", arch, key), values);
  };

  writer.set<std::string_view>("general.architecture", shape.arch);
  writer.set<std::string_view>("general.name", fmt::format("{}-random", shape.name));
  writer.set<std::string_view>("general.description",
                               "random weights of this shape, for measuring; it knows nothing");
  writer.set<uint32_t>("general.file_type", plan.file_type);
  writer.set<uint32_t>("general.quantization_version", 2);
  u32("block_count", shape.n_layer);
  u32("context_length", shape.n_ctx_train);
  u32("embedding_length", shape.n_embd);
  if (shape.n_ff_shared == 0) {
    u32("feed_forward_length", shape.n_ff);
  } else {
    per_layer("feed_forward_length", [&](uint32_t il) { return shape.ff_width(il); });
  }
  u32("attention.head_count", shape.n_head);
  if (shape.n_head_kv_full == 0 || shape.n_head_kv_full == shape.n_head_kv) {
    u32("attention.head_count_kv", shape.n_head_kv);
  } else {
    per_layer("attention.head_count_kv", [&](uint32_t il) {
      return shape.is_full(il) ? shape.n_head_kv_full : shape.n_head_kv;
    });
  }
  f32("attention.layer_norm_rms_epsilon", shape.rms_eps);
  const uint32_t head_dim = shape.head_dim_full != 0 ? shape.head_dim_full : shape.head_dim;
  u32("attention.key_length", head_dim);
  u32("attention.value_length", head_dim);
  u32("rope.dimension_count", head_dim);
  f32("rope.freq_base", shape.rope_freq_base);
  u32("vocab_size", shape.n_vocab);
  if (shape.n_swa != 0) u32("attention.sliding_window", shape.n_swa);
  if (shape.n_expert != 0) {
    u32("expert_count", shape.n_expert);
    u32("expert_used_count", shape.n_expert_used);
    u32("expert_feed_forward_length", shape.n_ff_exp);
  }
  if (shape.arch != "gemma4") return;

  const auto windows = std::make_unique<bool[]>(shape.n_layer);
  for (uint32_t il = 0; il < shape.n_layer; ++il) windows[il] = !shape.is_full(il);
  writer.set_array<bool>(arch + ".attention.sliding_window_pattern",
                         {windows.get(), shape.n_layer});
  u32("attention.key_length_swa", shape.head_dim);
  u32("attention.value_length_swa", shape.head_dim);
  u32("attention.shared_kv_layers", shape.n_layer_shared_kv);
  u32("rope.dimension_count_swa", shape.head_dim);
  f32("rope.freq_base_swa", 10000.0f);
  f32("final_logit_softcapping", 30.0f);
  u32("embedding_length_per_layer_input", shape.n_embd_per_layer);
}

// Passes the data of tensors on to the file and tells how far it is.
class Stream {
 public:
  Stream(const SynthPlan& plan, const SynthWriteOptions& options)
      : plan_(plan), options_(options), total_(plan.weight_bytes()), buffer_(kChunkBytes) {}

  void write_tensor(size_t i, const gguf::Writer::Sink& sink) {
    const SynthTensor& tensor = plan_.tensors[i];
    if (!tensor.values.empty()) {
      pass(std::as_bytes(std::span(tensor.values)), sink);
      return;
    }
    RandomWeights random(seed_of(i));
    const uint32_t block_bytes = dtype_info(plan_.types[i]).block_bytes;
    const uint64_t whole = kChunkBytes / block_bytes * block_bytes;
    for (uint64_t left = plan_.tensor_bytes(i); left > 0;) {
      const std::span<std::byte> chunk = buffer_.span().first(std::min(left, whole));
      if (tensor.quantised) {
        random.fill(plan_.types[i], tensor.deviation, chunk);
      } else {
        random.fill(tensor.mean, tensor.deviation,
                    {reinterpret_cast<float*>(chunk.data()), chunk.size() / sizeof(float)});
      }
      pass(chunk, sink);
      left -= chunk.size();
    }
  }

 private:
  // Where tensor i starts, scattered over all states: seeds that are steps of the generator apart
  // would give each tensor the numbers of the one before, moved by one.
  uint64_t seed_of(size_t i) const {
    return SplitMix64(SplitMix64(options_.seed).next() + i).next();
  }

  void pass(std::span<const std::byte> bytes, const gguf::Writer::Sink& sink) {
    sink(bytes);
    done_ += bytes.size();
    if (options_.on_progress && !options_.on_progress(done_, total_)) {
      throw Error(ErrorCode::cancelled, "interrupted");
    }
  }

  const SynthPlan& plan_;
  const SynthWriteOptions& options_;
  uint64_t total_;
  uint64_t done_ = 0;
  AlignedBuffer<std::byte> buffer_;
};

}  // namespace

uint64_t SynthPlan::tensor_bytes(size_t i) const noexcept {
  const uint64_t n_cols = tensors[i].shape.back();
  return tensors[i].n_elements() / n_cols * row_bytes(types[i], n_cols);
}

uint64_t SynthPlan::weight_bytes() const noexcept {
  uint64_t sum = 0;
  for (size_t i = 0; i < tensors.size(); ++i) sum += tensor_bytes(i);
  return sum;
}

uint64_t SynthPlan::n_params() const noexcept {
  uint64_t sum = 0;
  for (const SynthTensor& tensor : tensors) sum += tensor.n_elements();
  return sum;
}

SynthPlan plan_synth(const SynthShape& shape, const TypeMix& mix,
                     std::span<const TypeOverride> overrides) {
  SynthPlan plan{
      .shape = shape, .file_type = mix.file_type, .tensors = synth_tensors(shape), .types = {}};
  plan.types = assign_types(mix, overrides, plan.tensors);
  return plan;
}

void check_disk_space(const fs::path& path, uint64_t needed_bytes, uint64_t free_bytes) {
  if (needed_bytes <= free_bytes) return;
  throw Error(
      ErrorCode::io,
      fmt::format("{}: needs {:.2f} GB, and only {:.2f} GB of the disk is free", path.string(),
                  static_cast<double>(needed_bytes) / 1e9, static_cast<double>(free_bytes) / 1e9),
      "make room, write to another disk with -o, or take a smaller type with --type");
}

void write_synth(const SynthPlan& plan, const fs::path& path, const SynthWriteOptions& options) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(path, error))) {
    throw Error(ErrorCode::io, fmt::format("{}: there is something of this name", path.string()),
                "remove it first, or name another file with -o");
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::space_info space = fs::space(folder, error);
  if (!error)
    check_disk_space(path, (options.sparse ? 0 : plan.weight_bytes()) + kHeaderBytes,
                     space.available);

  gguf::Writer writer;
  set_keys(writer, plan);
  set_synth_vocab(writer, plan.shape.arch, plan.shape.n_vocab);
  Stream stream(plan, options);
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    writer.add_tensor(
        plan.tensors[i].name, plan.types[i], plan.tensors[i].shape,
        [&stream, i](const gguf::Writer::Sink& sink) { stream.write_tensor(i, sink); });
  }
  options.sparse ? writer.write_sparse(path) : writer.write(path);
}

}  // namespace wattle::measure
