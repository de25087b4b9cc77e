// SPDX-License-Identifier: Apache-2.0
#include "wattle/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "runtime/engine_impl.h"
#include "runtime/recommended_sampling.h"

namespace wattle {
namespace {

// Logits of all rows of a step at once take rows * n_vocab floats: 64 MiB at most, one row at
// least.
constexpr size_t kMaxLogits = size_t{16} << 20;

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

void Engine::logits(std::span<const TokenId> ids, bool all,
                    const std::function<void(std::span<const float> row)>& on_row) {
  runtime::EngineCore& core = impl_->core;
  if (ids.empty() || ids.size() > core.n_ctx()) {
    throw Error(ErrorCode::usage,
                fmt::format("{} ids, expected 1 to {}, the length of the context", ids.size(),
                            core.n_ctx()),
                ids.empty() ? "" : "ask for a longer context with -c");
  }
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
    core.forward(sequence.id(), static_cast<uint32_t>(begin), piece, wanted,
                 {rows.data(), wanted.size(), n_cols});
    for (size_t i = 0; i < wanted.size(); ++i) on_row({rows.data() + i * n_cols, n_cols});
  }
}

}  // namespace wattle
