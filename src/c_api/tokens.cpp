// SPDX-License-Identifier: Apache-2.0
// Text to ids, ids to bytes, ids to logits.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "c_api/guard.h"
#include "c_api/handles.h"

using namespace wattle;
using namespace wattle::c_api;

extern "C" {

wattle_status wattle_tokenize(const wattle_engine* engine, const char* text, size_t n_bytes,
                              uint32_t flags, int32_t* ids, size_t capacity, size_t* n_ids) {
  return guarded([&] {
    require(n_ids, "n_ids");
    *n_ids = 0;
    require(engine, "engine");
    if (n_bytes != 0) require(text, "text");
    if (capacity != 0) require(ids, "ids");
    if ((flags & ~uint32_t{WATTLE_TOKENIZE_ADD_BOS | WATTLE_TOKENIZE_PARSE_SPECIAL}) != 0) {
      throw Error(ErrorCode::usage, "flags has a bit that stands for nothing",
                  "WATTLE_TOKENIZE_ADD_BOS and WATTLE_TOKENIZE_PARSE_SPECIAL");
    }
    const std::vector<TokenId> made = engine->engine->tokenize(
        n_bytes == 0 ? std::string_view() : std::string_view(text, n_bytes),
        {.add_bos = (flags & WATTLE_TOKENIZE_ADD_BOS) != 0,
         .parse_special = (flags & WATTLE_TOKENIZE_PARSE_SPECIAL) != 0});
    const size_t n = std::min(capacity, made.size());
    std::transform(made.begin(), made.begin() + static_cast<ptrdiff_t>(n), ids,
                   [](TokenId id) { return to_int(id); });
    *n_ids = made.size();
  });
}

wattle_status wattle_token_bytes(const wattle_engine* engine, int32_t id, char* bytes,
                                 size_t capacity, size_t* n_bytes) {
  return guarded([&] {
    require(n_bytes, "n_bytes");
    *n_bytes = 0;
    require(engine, "engine");
    if (capacity != 0) require(bytes, "bytes");
    const std::string made = engine->engine->token_bytes(static_cast<TokenId>(id));
    std::copy_n(made.data(), std::min(capacity, made.size()), bytes);
    *n_bytes = made.size();
  });
}

wattle_status wattle_logits(wattle_engine* engine, const int32_t* ids, size_t n_ids, int32_t all,
                            wattle_logits_fn on_logits, void* user_data) {
  return guarded([&] {
    require(engine, "engine");
    require(reinterpret_cast<const void*>(on_logits), "on_logits");
    if (n_ids != 0) require(ids, "ids");
    std::vector<TokenId> given(n_ids);
    std::transform(ids, ids + n_ids, given.begin(),
                   [](int32_t id) { return static_cast<TokenId>(id); });
    size_t position = all != 0 ? 0 : n_ids - 1;
    engine->engine->logits(given, all != 0, [&](std::span<const float> row) {
      if (on_logits(user_data, position++, row.data(), row.size()) != 0) {
        throw Error(ErrorCode::cancelled, "the callback asked to stop");
      }
    });
  });
}

}  // extern "C"
