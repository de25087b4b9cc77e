// SPDX-License-Identifier: Apache-2.0
#include "wattle/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "runtime/engine_impl.h"
#include "runtime/pooling.h"
#include "runtime/recommended_sampling.h"

namespace wattle {
namespace {

void check_fits(size_t n, uint32_t n_ctx) {
  if (n != 0 && n <= n_ctx) return;
  throw Error(ErrorCode::usage,
              fmt::format("{} tokens, expected 1 to {}, the length of the context", n, n_ctx),
              n == 0 ? "" : "ask for a longer context with -c");
}

}  // namespace

Engine::Engine(const EngineParams& params) : impl_(std::make_unique<Impl>(params)) {}
Engine::~Engine() = default;

const ModelInfo& Engine::model() const noexcept { return impl_->core.info(); }
uint32_t Engine::n_ctx() const noexcept { return impl_->core.n_ctx(); }
std::optional<NpuReport> Engine::npu() const { return impl_->core.npu_report(); }

SamplingParams Engine::recommended_sampling() const {
  return runtime::recommended_sampling(impl_->core.file());
}

std::vector<TokenId> Engine::tokenize(std::string_view text, TokenizeOptions options) const {
  return impl_->core.tokenizer().encode(
      text, {.add_bos = options.add_bos, .parse_special = options.parse_special});
}

std::string Engine::token_bytes(TokenId id) const {
  const Tokenizer& tokenizer = impl_->core.tokenizer();
  if (!tokenizer.contains(id)) {
    throw Error(ErrorCode::usage,
                fmt::format("token id {}, expected 0 to {}", to_int(id), tokenizer.n_vocab() - 1));
  }
  std::string bytes;
  tokenizer.append_bytes(id, bytes);
  return bytes;
}

void Engine::logits(std::span<const TokenId> ids, bool all,
                    const std::function<void(std::span<const float> row)>& on_row) {
  new_raw_sequence()->feed(ids, all ? RawSequence::Want::all : RawSequence::Want::last, on_row);
}

Embedding Engine::embed(std::string_view text, EmbedOptions options) {
  runtime::EngineCore& core = impl_->core;
  const std::optional<Pooling> pooling =
      options.pooling ? options.pooling : runtime::pooling_of(core.file());
  const VocabSpec& vocab = core.tokenizer().vocab();
  std::vector<TokenId> ids = core.tokenizer().encode(text, {.parse_special = false});
  if (text.empty()) throw Error(ErrorCode::usage, "an empty text has no embedding");
  if (vocab.add_eos.value_or(false) && vocab.eos) ids.push_back(*vocab.eos);
  check_fits(ids.size(), core.n_ctx());

  const size_t n_embd = core.info().n_embd;
  runtime::Pooler pooler(pooling.value_or(Pooling::last), n_embd);
  std::vector<float> rows(std::min<size_t>(core.n_batch(), ids.size()) * n_embd);
  std::vector<uint32_t> every(core.n_batch());
  std::iota(every.begin(), every.end(), 0u);
  const runtime::SequenceOwner sequence(core);
  for (size_t begin = 0; begin < ids.size();) {
    const auto piece =
        std::span(ids).subspan(begin, std::min<size_t>(core.n_batch(), ids.size() - begin));
    const MatView<float> hidden(rows.data(), piece.size(), n_embd);
    const uint32_t n = core.forward({.seq = sequence.id(),
                                     .tokens = piece,
                                     .output_rows = std::span(every).first(piece.size()),
                                     .outputs = {.hidden = hidden}});
    pooler.add(hidden.rows({0, n}));
    begin += n;
  }
  return {.values = pooler.result(options.normalize),
          .n_tokens = static_cast<uint32_t>(ids.size())};
}

}  // namespace wattle
