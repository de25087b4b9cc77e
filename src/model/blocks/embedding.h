// SPDX-License-Identifier: Apache-2.0
// Rows of a table that stays in the file, looked up by token.
#pragma once

#include <span>

#include "model/step.h"
#include "tensor/view.h"
#include "wattle/token.h"

namespace wattle {

// out [tokens.size(), table.n_cols()] = factor * row `token` of table. Every token lies inside.
void embed(const Step& step, const TensorView& table, std::span<const TokenId> tokens, float factor,
           MatView<float> out) noexcept;

}  // namespace wattle
