// SPDX-License-Identifier: Apache-2.0
#include "runtime/sequence.h"

#include "base/assert.h"

namespace wattle::runtime {

Sequence::Sequence(EngineCore& core) : core_(core), owner_(core), logits_(core.n_logits()) {}

Sequence::Assigned Sequence::assign(std::span<const TokenId> tokens,
                                    const std::atomic<bool>& cancelled) {
  WATTLE_ASSERT(!tokens.empty() && tokens.size() <= core_.n_ctx());
  size_ = 0;  // where there is no memory for a copy
  size_ = core_.reuse(owner_.id(), tokens);

  Assigned result{.n_reused = size_};
  while (size_ < tokens.size()) {
    if (cancelled.load(std::memory_order_relaxed)) {
      result.complete = false;
      break;
    }
    compute(tokens.subspan(size_));
  }
  return result;
}

void Sequence::append(TokenId token) { compute({&token, 1}); }

void Sequence::save(const std::filesystem::path& path, std::string_view note) const {
  core_.save_sequence(owner_.id(), path, note);
}

bool Sequence::restore(const SessionFile& file) {
  size_ = 0;
  const std::optional<uint32_t> length = core_.restore_sequence(owner_.id(), file);
  size_ = length.value_or(0);
  return length.has_value();
}

std::span<const float> Sequence::logits() const noexcept {
  return std::span(logits_).first(core_.tokenizer().n_vocab());
}

void Sequence::compute(std::span<const TokenId> tokens) {
  const uint32_t last[] = {static_cast<uint32_t>(tokens.size() - 1)};
  size_ += core_.forward({.seq = owner_.id(),
                          .tokens = tokens,
                          .output_rows = last,
                          .outputs = {.logits = {logits_.data(), 1, logits_.size()}}});
}

}  // namespace wattle::runtime
