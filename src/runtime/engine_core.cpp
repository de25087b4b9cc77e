// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine_core.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string>

#include "model/registry.h"
#include "runtime/answer_grammar.h"
#include "runtime/available_memory.h"
#include "runtime/memory_fit.h"
#include "runtime/npu_placement.h"
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
  check_npu_params(params.npu);
  return params;
}

// Nothing: what the model asks for.
std::optional<Precision> precision_of(MatrixPrecision precision) {
  switch (precision) {
    case MatrixPrecision::of_model: break;
    case MatrixPrecision::normal: return Precision::normal;
    case MatrixPrecision::fine: return Precision::fine;
  }
  return std::nullopt;
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

// Of the size, the beginning and the end of each shard: all metadata is there, and some weights.
// Hashing gigabytes would take as long as the prompt that a saved session spares.
uint64_t file_identity(const gguf::File& file) {
  constexpr size_t kBegin = size_t{16} << 20;
  constexpr size_t kEnd = size_t{1} << 20;
  uint64_t hash = 0;
  for (const MappedFile& shard : file.mappings()) {
    const auto bytes = shard.bytes();
    const auto begin = bytes.first(std::min(bytes.size(), kBegin));
    const auto end = bytes.last(std::min(bytes.size(), kEnd));
    hash = XXH3_64bits_withSeed(begin.data(), begin.size(), hash ^ bytes.size());
    hash = XXH3_64bits_withSeed(end.data(), end.size(), hash);
  }
  return hash;
}

ModelInfo describe(const gguf::File& file, const Hparams& hparams) {
  ModelInfo info{.architecture = hparams.arch,
                 .n_vocab = hparams.n_vocab,
                 .n_ctx_train = hparams.n_ctx_train,
                 .n_embd = hparams.n_embd,
                 .size_bytes = file.size_bytes()};
  info.name = file.metadata().find<std::string_view>("general.name").value_or("");
  if (info.name.empty()) info.name = std::filesystem::path(file.name()).filename().string();
  for (const gguf::TensorInfo& tensor : file.tensors()) info.n_params += tensor.n_elements();
  return info;
}

// Packing matrices for an NPU reads them all: that is loading as well. Not to be called after the
// model is open: it borrows params.
std::function<bool(uint64_t)> report_packed(const EngineParams& params, uint64_t total) {
  if (!params.on_load_progress) return {};
  return [&params, total, done = uint64_t{0}](uint64_t n_bytes) mutable {
    done = std::min(done + n_bytes, total);
    return params.on_load_progress(done, total);
  };
}

// What an NPU is planned for and with.
Devices::ForModel for_model(const EngineParams& params, const gguf::File& file,
                            EngineContext& context, uint32_t n_ctx) {
  const uint32_t n_batch = std::min(params.n_batch, n_ctx);
  const auto memory = [&params, &file, n_ctx, n_batch] {
    return memory_of_model(
        file,
        {.k = kv_type(params.kv_k), .v = kv_type(params.kv_v), .n_ctx = n_ctx, .n_batch = n_batch});
  };
  return {.memory = memory,
          .plan = [&params, &file, &context, n_batch, memory](uint64_t memory_bytes,
                                                              const rknpu::NpuInfo& npu) {
            return plan_npu(file, context, params.npu,
                            {.n_batch = n_batch, .precision = precision_of(params.precision)},
                            {.memory_bytes = memory_bytes,
                             .outside = memory(),
                             .domain_bytes = npu.bytes_of_domains()});
          }};
}

}  // namespace

EngineCore::EngineCore(const EngineParams& params)
    : context_({.n_threads = checked(params).n_threads,
                .pin_threads = params.pin_threads,
                .log = params.log}),
      file_(params.model),
      tokenizer_(load_tokenizer(file_)),
      chat_prompt_(file_, tokenizer_.vocab(), params.chat_template),
      n_ctx_(choose_n_ctx(params, file_)),
      devices_(context_, params.npu, for_model(params, file_, context_, n_ctx_),
               report_packed(params, file_.size_bytes())),
      model_(load_model(file_, devices_.of_model(), context_,
                        {.n_batch = std::min(params.n_batch, n_ctx_),
                         .precision = precision_of(params.precision),
                         .max_buffer_bytes = available_memory().value_or(UINT64_MAX)})),
      info_(describe(file_, model_->hparams())),
      cache_(kv_shape(model_->hparams()), {.k = kv_type(params.kv_k),
                                           .v = kv_type(params.kv_v),
                                           .n_ctx = n_ctx_,
                                           .n_batch = n_batch()}),
      scheduler_(n_batch(), [this](std::span<const Request> requests) { compute(requests); }) {
  devices_.count_from_here();
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
  auto on_progress = params.on_load_progress;
  if (devices_.has_npu() && on_progress) {  // packing has told it all
    on_progress = [&](uint64_t, uint64_t total) { return params.on_load_progress(total, total); };
  }
  if (!page_in(mappings, on_progress)) {
    throw Error(ErrorCode::cancelled, "loading was cancelled");
  }
}

std::optional<NpuReport> EngineCore::npu_report() {
  const std::lock_guard guard(turn_);
  return devices_.npu_report();
}

const grammar::Vocabulary& EngineCore::grammar_vocabulary() {
  std::call_once(grammar_once_,
                 [&] { grammar_vocabulary_ = runtime::grammar_vocabulary(tokenizer_); });
  return *grammar_vocabulary_;
}

SeqId EngineCore::create_sequence() {
  const std::lock_guard guard(turn_);
  // Pages are allocated as sequences grow: what the open ones have not taken yet is promised.
  const uint64_t promised =
      n_sequences_ * cache_.layout().sequence_bytes(n_ctx_) - cache_.allocated_bytes();
  check_context_fits(cache_.layout(), n_ctx_, available_memory(), promised);
  // Room for all, so that nothing can fail between forward and its record.
  std::vector<TokenId> tokens;
  tokens.reserve(n_ctx_);
  if (held_.size() <= n_sequences_) held_.resize(n_sequences_ + 1);  // ids are the lowest free ones
  const SeqId seq = cache_.create_sequence();
  held(seq) = std::move(tokens);
  ++n_sequences_;
  return seq;
}

void EngineCore::free_sequence(SeqId seq) {
  const std::lock_guard guard(turn_);
  cache_.free_sequence(seq);
  held(seq).clear();
  --n_sequences_;
}

uint32_t EngineCore::reuse(SeqId seq, std::span<const TokenId> tokens) {
  const std::lock_guard guard(turn_);
  // The last token is always computed: the cache keeps no logits.
  const std::span<const TokenId> reusable = tokens.first(tokens.size() - 1);
  const auto n_usable = [&](SeqId other) -> uint32_t {
    const std::vector<TokenId>& there = held(other);
    const auto n = static_cast<uint32_t>(
        std::mismatch(reusable.begin(), reusable.end(), there.begin(), there.end()).first -
        reusable.begin());
    return cache_.can_truncate(other, n) ? n : 0;
  };
  SeqId best = seq;
  uint32_t n_best = n_usable(seq);
  for (size_t i = 0; i < held_.size(); ++i) {
    const auto other = static_cast<SeqId>(i);
    if (held_[i].empty() || other == seq) continue;
    if (const uint32_t n = n_usable(other); n > n_best) {
      best = other;
      n_best = n;
    }
  }
  if (best == seq) {
    cache_.truncate(seq, n_best);
  } else {
    held(seq).clear();
    cache_.copy_prefix(best, seq, n_best);
  }
  held(seq).assign(tokens.begin(), tokens.begin() + n_best);
  return n_best;
}

uint32_t EngineCore::truncate(SeqId seq, uint32_t n_keep) {
  const std::lock_guard guard(turn_);
  if (!cache_.can_truncate(seq, n_keep)) n_keep = 0;
  cache_.truncate(seq, n_keep);
  held(seq).resize(n_keep);
  return n_keep;
}

uint32_t EngineCore::forward(const Request& request) {
  return static_cast<uint32_t>(scheduler_.run(request));
}

void EngineCore::Rows::clear() {
  tokens.clear();
  positions.clear();
  sequences.clear();
  outputs.clear();
  logits.clear();
  hidden.clear();
}

void EngineCore::compute(std::span<const Request> requests) {
  const std::lock_guard guard(turn_);
  rows_.clear();
  for (const auto& [seq, tokens, output_rows, outputs] : requests) {
    const auto first_row = static_cast<uint32_t>(rows_.tokens.size());
    rows_.tokens.insert(rows_.tokens.end(), tokens.begin(), tokens.end());
    rows_.sequences.insert(rows_.sequences.end(), tokens.size(), seq);
    for (size_t i = 0; i < tokens.size(); ++i) {
      rows_.positions.push_back(Pos(static_cast<int32_t>(held(seq).size() + i)));
    }
    for (size_t i = 0; i < output_rows.size(); ++i) {
      rows_.outputs.push_back(first_row + output_rows[i]);
      if (outputs.logits.n_rows != 0) rows_.logits.push_back(outputs.logits.row(i));
      if (outputs.hidden.n_rows != 0) rows_.hidden.push_back(outputs.hidden.row(i));
    }
  }
  model_->forward({.tokens = rows_.tokens,
                   .pos = rows_.positions,
                   .seq = rows_.sequences,
                   .output_rows = rows_.outputs},
                  cache_,
                  {.logits = {rows_.logits, n_logits()}, .hidden = {rows_.hidden, info_.n_embd}});
  for (const Request& request : requests) {
    held(request.seq).insert(held(request.seq).end(), request.tokens.begin(), request.tokens.end());
  }
}

CacheIdentity EngineCore::cache_identity() const {
  const KvLayout& layout = cache_.layout();
  return {.model = file_identity(file_),
          .full_page_bytes = layout.full_page_bytes(),
          .ring_page_bytes = layout.ring_page_bytes(),
          .n_ring_pages = layout.n_ring_pages(),
          .kv_k = static_cast<uint8_t>(cache_.params().k),
          .kv_v = static_cast<uint8_t>(cache_.params().v)};
}

void EngineCore::save_sequence(SeqId seq, const std::filesystem::path& path,
                               std::string_view note) {
  const std::lock_guard guard(turn_);
  write_session_file(path,
                     {.identity = cache_identity(),
                      .extent = cache_.extent(seq),
                      .note = note,
                      .tokens = std::as_bytes(std::span(held(seq))),
                      .pages = {}},
                     [&](const auto& on_page) { cache_.for_each_page(seq, on_page); });
}

std::optional<uint32_t> EngineCore::restore_sequence(SeqId seq, const SessionFile& file) {
  const std::lock_guard guard(turn_);
  cache_.truncate(seq, 0);
  held(seq).clear();
  if (file.identity != cache_identity() || file.extent.length > n_ctx_) return std::nullopt;
  cache_.restore(seq, file.extent, file.pages);
  held(seq).resize(file.extent.length);
  std::memcpy(held(seq).data(), file.tokens.data(), file.tokens.size());
  return file.extent.length;
}

}  // namespace wattle::runtime
