// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "runtime/engine_impl.h"
#include "wattle/engine.h"

namespace wattle {
namespace {

// Logits of all rows of a step at once take rows * n_vocab floats: 64 MiB at most, one row at
// least.
constexpr size_t kMaxLogits = size_t{16} << 20;

}  // namespace

struct RawSequence::Impl {
  explicit Impl(runtime::EngineCore& engine_core) : core(engine_core), owner(engine_core) {}

  runtime::EngineCore& core;
  runtime::SequenceOwner owner;
  uint32_t size = 0;
  std::vector<float> rows;  // of a step, kept from call to call
};

RawSequence::RawSequence(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RawSequence::~RawSequence() = default;

uint32_t RawSequence::size() const noexcept { return impl_->size; }

void RawSequence::feed(std::span<const TokenId> ids, Want want,
                       const std::function<void(std::span<const float> row)>& on_row) {
  runtime::EngineCore& core = impl_->core;
  const uint32_t n_free = core.n_ctx() - impl_->size;
  if (ids.empty() || ids.size() > n_free) {
    throw Error(ErrorCode::usage,
                fmt::format("{} ids, expected 1 to {}, the length of the context{}", ids.size(),
                            n_free, impl_->size == 0 ? "" : " that is left"),
                ids.empty() ? "" : "ask for a longer context with -c");
  }
  const size_t n_cols = core.n_logits();
  const size_t n_step = want == Want::all
                            ? std::clamp<size_t>(kMaxLogits / n_cols, 1, core.n_batch())
                            : core.n_batch();
  std::vector<uint32_t> every(n_step);
  std::iota(every.begin(), every.end(), 0u);

  for (size_t begin = 0; begin < ids.size();) {
    const auto piece = ids.subspan(begin, std::min(n_step, ids.size() - begin));
    const bool is_last = begin + piece.size() == ids.size();
    const size_t n_rows = want == Want::all ? piece.size() : want == Want::last && is_last ? 1 : 0;
    impl_->rows.resize(std::max(impl_->rows.size(), n_rows * n_cols));
    float* rows = impl_->rows.data();
    const uint32_t n =
        core.forward({.seq = impl_->owner.id(),
                      .tokens = piece,
                      .output_rows = std::span(every).first(piece.size()).last(n_rows),
                      .outputs = {.logits = {rows, n_rows, n_cols}}});
    impl_->size += n;
    begin += n;
    const size_t n_written = want == Want::all ? n : begin == ids.size() ? n_rows : 0;
    for (size_t i = 0; i < n_written; ++i) on_row({rows + i * n_cols, n_cols});
  }
}

uint32_t RawSequence::truncate(uint32_t n_keep) {
  impl_->size = impl_->core.truncate(impl_->owner.id(), std::min(n_keep, impl_->size));
  return impl_->size;
}

std::unique_ptr<RawSequence> Engine::new_raw_sequence() {
  return std::unique_ptr<RawSequence>(
      new RawSequence(std::make_unique<RawSequence::Impl>(impl_->core)));
}

}  // namespace wattle
