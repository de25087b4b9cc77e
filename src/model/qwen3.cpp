// SPDX-License-Identifier: Apache-2.0
// Qwen3, dense (Qwen3 technical report, 2025): the plain transformer with a norm over each head of
// the queries and keys.
#include "model/plain_transformer.h"

namespace wattle {

const Architecture kQwen3{
    .name = "qwen3",
    .read_hparams = read_common_hparams,
    .make = [](ModelSource source) -> std::unique_ptr<Model> {
      return make_plain_transformer(std::move(source), {.qk_norms = true});
    },
};

}  // namespace wattle
