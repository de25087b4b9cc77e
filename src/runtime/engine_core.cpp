// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <string>

#include "runtime/available_memory.h"
#include "runtime/memory_fit.h"
#include "runtime/page_in.h"
#include "runtime/vocab_loader.h"

namespace wattle::runtime {
namespace {

constexpr uint32_t kDefaultContext = 8192;
constexpr uint32_t kMaxThreads = 1024;
constexpr uint32_t kMaxContext = uint32_t{1} << 30;
constexpr uint32_t kMaxBatch = 65536;

void check_at_most(const char* flag, uint32_t value, uint32_t most) {
  if (value <= most) return;
  throw Error(ErrorCode::usage, fmt::format("{} is {}, expected at most {}", flag, value, most));
}

const EngineParams& checked(const EngineParams& params) {
  check_at_most("-t", params.n_threads, kMaxThreads);
  check_at_most("-c", params.n_ctx, kMaxContext);
  check_at_most("-b", params.n_batch, kMaxBatch);
  if (params.n_batch == 0) throw Error(ErrorCode::usage, "-b is 0, expected at least 1");
  return params;
}

kernels::KvType kv_type(KvCacheType type) {
  switch (type) {
    case KvCacheType::f32: return kernels::KvType::f32;
    case KvCacheType::f16: return kernels::KvType::f16;
    case KvCacheType::q8_0: return kernels::KvType::q8_0;
  }
  throw Error(ErrorCode::usage, "unknown type of the KV cache");
}

uint32_t choose_n_ctx(const EngineParams& params, const gguf::File& file) {
  if (params.n_ctx != 0) return params.n_ctx;
  const auto arch = file.metadata().get<std::string_view>("general.architecture");
  const auto trained = file.metadata().find<uint32_t>(std::string(arch) + ".context_length");
  return std::min(trained.value_or(kDefaultContext), kDefaultContext);
}

ModelInfo describe(const gguf::File& file, const Hparams& hparams) {
  ModelInfo info{.architecture = hparams.arch,
                 .n_vocab = hparams.n_vocab,
                 .n_ctx_train = hparams.n_ctx_train,
                 .size_bytes = file.size_bytes()};
  info.name = file.metadata().find<std::string_view>("general.name").value_or("");
  if (info.name.empty()) info.name = std::filesystem::path(file.name()).filename().string();
  for (const gguf::TensorInfo& tensor : file.tensors()) info.n_params += tensor.n_elements();
  return info;
}

}  // namespace

EngineCore::EngineCore(const EngineParams& params)
    : context_({.n_threads = checked(params).n_threads,
                .pin_threads = params.pin_threads,
                .log = params.log}),
      file_(params.model),
      tokenizer_(load_tokenizer(file_)),
      chat_prompt_(file_, tokenizer_.vocab(), params.chat_template),
      device_(context_),
      n_ctx_(choose_n_ctx(params, file_)),
      model_(load_model(file_, device_, context_,
                        {.n_batch = std::min(params.n_batch, n_ctx_),
                         .max_buffer_bytes = available_memory().value_or(UINT64_MAX)})),
      info_(describe(file_, model_->hparams())),
      cache_(kv_shape(model_->hparams()), {.k = kv_type(params.kv_k),
                                           .v = kv_type(params.kv_v),
                                           .n_ctx = n_ctx_,
                                           .n_batch = n_batch()}) {
  info_.has_chat_template = chat_prompt_.has_template();
  check_vocabulary();
  if (n_ctx_ > info_.n_ctx_train) {
    context_.log(
        LogLevel::warning,
        fmt::format("a context of {} tokens is longer than the {} the model was trained on", n_ctx_,
                    info_.n_ctx_train));
  }
  check_context_fits(cache_.layout(), n_ctx_, available_memory());
  page_in_weights(params);
}

void EngineCore::check_vocabulary() const {
  if (tokenizer_.n_vocab() <= n_logits()) return;
  throw Error(ErrorCode::bad_input,
              fmt::format("{}: key 'tokenizer.ggml.tokens' has {} tokens, but 'token_embd.weight' "
                          "only {} rows",
                          file_.name(), tokenizer_.n_vocab(), n_logits()),
              "the file is damaged or its tokenizer belongs to another model");
}

void EngineCore::page_in_weights(const EngineParams& params) const {
  const auto available = available_memory();
  if (available && file_.size_bytes() > *available) {
    // Reading it all would only push its own beginning out again.
    context_.log(LogLevel::warning,
                 fmt::format("the weights take {} MiB, more than the {} MiB of memory that are "
                             "free: they are read from the disk again and again",
                             file_.size_bytes() >> 20, *available >> 20));
    return;
  }
  std::vector<std::span<const std::byte>> mappings;
  for (const MappedFile& shard : file_.mappings()) mappings.push_back(shard.bytes());
  if (!page_in(mappings, params.on_load_progress)) {
    throw Error(ErrorCode::cancelled, "loading was cancelled");
  }
}

SeqId EngineCore::create_sequence() {
  const std::lock_guard guard(turn_);
  // Pages are allocated as sequences grow: what the open ones have not taken yet is promised.
  const uint64_t promised =
      n_sequences_ * cache_.layout().sequence_bytes(n_ctx_) - cache_.allocated_bytes();
  check_context_fits(cache_.layout(), n_ctx_, available_memory(), promised);
  const SeqId seq = cache_.create_sequence();
  ++n_sequences_;
  return seq;
}

void EngineCore::free_sequence(SeqId seq) {
  const std::lock_guard guard(turn_);
  cache_.free_sequence(seq);
  --n_sequences_;
}

uint32_t EngineCore::truncate(SeqId seq, uint32_t n_keep) {
  const std::lock_guard guard(turn_);
  if (!cache_.can_truncate(seq, n_keep)) n_keep = 0;
  cache_.truncate(seq, n_keep);
  return n_keep;
}

void EngineCore::forward(SeqId seq, uint32_t n_before, std::span<const TokenId> tokens,
                         std::span<const uint32_t> logits_rows, MatView<float> logits) {
  const std::lock_guard guard(turn_);
  positions_.clear();
  for (size_t i = 0; i < tokens.size(); ++i) {
    positions_.push_back(Pos(static_cast<int32_t>(n_before + i)));
  }
  sequences_.assign(tokens.size(), seq);
  model_->forward(
      {.tokens = tokens, .pos = positions_, .seq = sequences_, .logits_rows = logits_rows}, cache_,
      logits);
}

}  // namespace wattle::runtime
