// SPDX-License-Identifier: Apache-2.0
// What an open engine is made of: the part that its sessions share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "gguf/reader.h"
#include "kernels/engine_context.h"
#include "model/kv_cache.h"
#include "model/model.h"
#include "runtime/chat_prompt.h"
#include "runtime/devices.h"
#include "runtime/fair_mutex.h"
#include "runtime/scheduler.h"
#include "runtime/session_file.h"
#include "sampling/grammar/constraint.h"
#include "tensor/view.h"
#include "tokenizer/tokenizer.h"
#include "wattle/engine.h"

namespace wattle::runtime {

// Opens the model when it is made. Whatever touches the cache is a member function that takes its
// turn behind the others, and what several threads want computed at the same time is computed
// together; the rest is immutable. Members stand in the order in which they borrow from each
// other.
class EngineCore {
 public:
  // Throws Error: see Engine::Engine.
  explicit EngineCore(const EngineParams& params);

  const gguf::File& file() const noexcept { return file_; }
  const Tokenizer& tokenizer() const noexcept { return tokenizer_; }
  const ChatPrompt& chat_prompt() const noexcept { return chat_prompt_; }
  std::optional<NpuReport> npu_report();
  // Made when it is asked for the first time.
  const grammar::Vocabulary& grammar_vocabulary();
  const ModelInfo& info() const noexcept { return info_; }
  uint32_t n_ctx() const noexcept { return n_ctx_; }
  uint32_t n_batch() const noexcept { return static_cast<uint32_t>(model_->n_batch()); }
  // Columns of a row of logits. Those from tokenizer().n_vocab() on belong to no token: some models
  // pad their matrices.
  uint32_t n_logits() const noexcept { return model_->hparams().n_vocab; }

  // Throws Error{out_of_memory} where its whole context would not fit.
  SeqId create_sequence();
  void free_sequence(SeqId seq);

  // Makes the sequence hold the longest beginning of `tokens` (at least one), but never all of
  // them, that this or any other sequence has in the cache. Returns its length.
  uint32_t reuse(SeqId seq, std::span<const TokenId> tokens);

  // Goes back to the first n_keep of its tokens (at most as many as it holds), or to none where the
  // cache no longer holds what the next token would see. Returns how many are left.
  uint32_t truncate(SeqId seq, uint32_t n_keep);

  // Appends the first of the tokens to the sequence, as many as Scheduler::run says, and writes the
  // outputs that are wanted of them. Returns how many. Throws as Model::forward does; then nothing
  // has changed.
  uint32_t forward(const Request& request);

  // Writes a session file of the sequence. Throws Error{io}.
  void save_sequence(SeqId seq, const std::filesystem::path& path, std::string_view note);
  // Makes the sequence what the file holds and returns its length; where the file is of another
  // model or cache: nothing, and the sequence is empty. Throws Error{bad_input, out_of_memory};
  // then it is empty, too.
  std::optional<uint32_t> restore_sequence(SeqId seq, const SessionFile& file);

 private:
  std::vector<TokenId>& held(SeqId seq) noexcept { return held_[static_cast<size_t>(to_int(seq))]; }
  void compute(std::span<const Request> requests);
  CacheIdentity cache_identity() const;
  void check_vocabulary() const;
  void page_in_weights(const EngineParams& params) const;

  EngineContext context_;
  gguf::File file_;
  Tokenizer tokenizer_;
  ChatPrompt chat_prompt_;
  std::once_flag grammar_once_;
  std::optional<grammar::Vocabulary> grammar_vocabulary_;
  uint32_t n_ctx_;
  Devices devices_;
  std::unique_ptr<Model> model_;
  ModelInfo info_;

  FairMutex turn_;  // guards what follows, devices and model
  KvCache cache_;
  uint32_t n_sequences_ = 0;
  std::vector<std::vector<TokenId>> held_;  // [SeqId] the tokens whose keys and values are there
  struct Rows {                             // of the running batch
    std::vector<TokenId> tokens;
    std::vector<Pos> positions;
    std::vector<SeqId> sequences;
    std::vector<uint32_t> outputs;
    std::vector<float*> logits;  // where those of the outputs go
    std::vector<float*> hidden;
    void clear();
  };
  Rows rows_;
  Scheduler scheduler_;
};

// Owner of one sequence of the cache; borrows the core.
class SequenceOwner {
 public:
  explicit SequenceOwner(EngineCore& core) : core_(core), id_(core.create_sequence()) {}
  ~SequenceOwner() { core_.free_sequence(id_); }
  SequenceOwner(const SequenceOwner&) = delete;
  SequenceOwner& operator=(const SequenceOwner&) = delete;

  SeqId id() const noexcept { return id_; }

 private:
  EngineCore& core_;
  SeqId id_;
};

}  // namespace wattle::runtime
