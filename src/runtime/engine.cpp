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

// Logits of all rows of a step at once take rows * n_vocab floats: 64 MiB at most, one row at
// least.
constexpr size_t kMaxLogits = size_t{16} << 20;

void check_fits(size_t n, uint32_t n_ctx, const char* what) {
  if (n != 0 && n <= n_ctx) return;
  throw Error(ErrorCode::usage,
              fmt::format("{} {}, expected 1 to {}, the length of the context", n, what, n_ctx),
              n == 0 ? "" : "ask for a longer context with -c");
}

}  // namespace

Engine::Engine(const EngineParams& params) : impl_(std::make_unique<Impl>(params)) {}
Engine::~Engine() = default;

const ModelInfo& Engine::model() const noexcept { return impl_->core.info(); }
uint32_t Engine::n_ctx() const noexcept { return impl_->core.n_ctx(); }

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
    throw Error(ErrorCode::usage, fmt::format("token id {}, expected 0 to {}", to_int(id),
                                              tokenizer.n_vocab() - 1));
  }
  std::string bytes;
  tokenizer.append_bytes(id, bytes);
  return bytes;
}

void Engine::logits(std::span<const TokenId> ids, bool all,
                    const std::function<void(std::span<const float> row)>& on_row) {
  runtime::EngineCore& core = impl_->core;
  check_fits(ids.size(), core.n_ctx(), "ids");
  const size_t n_cols = core.n_logits();
  const size_t n_step =
      all ? std::clamp<size_t>(kMaxLogits / n_cols, 1, core.n_batch()) : core.n_batch();
  std::vector<float> rows((all ? std::min(n_step, ids.size()) : 1) * n_cols);
  std::vector<uint32_t> every(n_step);
  std::iota(every.begin(), every.end(), 0u);

  const runtime::SequenceOwner sequence(core);
  for (size_t begin = 0; begin < ids.size(); begin += n_step) {
    const auto piece = ids.subspan(begin, std::min(n_step, ids.size() - begin));
    std::span<const uint32_t> wanted = std::span(every).first(piece.size());
    if (!all) wanted = wanted.last(begin + piece.size() == ids.size() ? 1 : 0);
    core.forward(sequence.id(), piece, wanted, {.logits = {rows.data(), wanted.size(), n_cols}});
    for (size_t i = 0; i < wanted.size(); ++i) on_row({rows.data() + i * n_cols, n_cols});
  }
}

Embedding Engine::embed(std::string_view text, EmbedOptions options) {
  runtime::EngineCore& core = impl_->core;
  const std::optional<Pooling> pooling =
      options.pooling ? options.pooling : runtime::pooling_of(core.file());
  const VocabSpec& vocab = core.tokenizer().vocab();
  std::vector<TokenId> ids = core.tokenizer().encode(text, {.parse_special = false});
  if (text.empty()) throw Error(ErrorCode::usage, "an empty text has no embedding");
  if (vocab.add_eos.value_or(false) && vocab.eos) ids.push_back(*vocab.eos);
  check_fits(ids.size(), core.n_ctx(), "tokens");

  const size_t n_embd = core.info().n_embd;
  runtime::Pooler pooler(pooling.value_or(Pooling::last), n_embd);
  std::vector<float> rows(std::min<size_t>(core.n_batch(), ids.size()) * n_embd);
  std::vector<uint32_t> every(core.n_batch());
  std::iota(every.begin(), every.end(), 0u);
  const runtime::SequenceOwner sequence(core);
  for (size_t begin = 0; begin < ids.size(); begin += core.n_batch()) {
    const auto piece =
        std::span(ids).subspan(begin, std::min<size_t>(core.n_batch(), ids.size() - begin));
    const MatView<float> hidden(rows.data(), piece.size(), n_embd);
    core.forward(sequence.id(), piece, std::span(every).first(piece.size()), {.hidden = hidden});
    pooler.add(hidden);
  }
  return {.values = pooler.result(options.normalize),
          .n_tokens = static_cast<uint32_t>(ids.size())};
}

}  // namespace wattle
