// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/stream_decoder.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "wattle/error.h"

namespace wattle {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, DecodeOptions options)
    : tokenizer_(tokenizer),
      show_control_(options.show_control),
      strip_space_(options.starts_text && tokenizer.adds_space_prefix()) {}

std::string_view StreamDecoder::push(TokenId id) {
  if (!tokenizer_.contains(id)) {
    throw Error(ErrorCode::usage, fmt::format("token {} is not in the vocabulary of {} tokens",
                                              to_int(id), tokenizer_.n_vocab()));
  }
  if (tokenizer_.is_control(id)) {
    // No character reaches across a control token.
    finish();
    if (show_control_) {
      std::string name;
      tokenizer_.append_bytes(id, name);
      utf8::append_sanitized(ready_, name);
    }
    return ready_;
  }
  const size_t held_back = bytes_.size();
  tokenizer_.append_bytes(id, bytes_);
  if (strip_space_ && bytes_.size() > held_back) {
    if (bytes_[held_back] == ' ') bytes_.erase(held_back, 1);
    strip_space_ = false;
  }
  const std::string_view whole = std::string_view(bytes_).substr(0, utf8::whole_prefix(bytes_));
  ready_.clear();
  utf8::append_sanitized(ready_, whole);
  bytes_.erase(0, whole.size());
  return ready_;
}

std::string_view StreamDecoder::finish() {
  ready_.clear();
  utf8::append_sanitized(ready_, bytes_);
  bytes_.clear();
  return ready_;
}

std::string decode(const Tokenizer& tokenizer, std::span<const TokenId> ids,
                   DecodeOptions options) {
  StreamDecoder decoder(tokenizer, options);
  std::string text;
  for (const TokenId id : ids) text += decoder.push(id);
  text += decoder.finish();
  return text;
}

}  // namespace wattle
