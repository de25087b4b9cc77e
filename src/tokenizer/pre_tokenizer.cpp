// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "tokenizer/char_class.h"

namespace wattle::tokenizer {
namespace {

struct NamedRule {
  std::string_view name;
  PreTokenizer rule;
};

// Names that converters write for the very same rule.
constexpr NamedRule kNames[] = {
    {"llama-bpe", PreTokenizer::llama_bpe}, {"llama3", PreTokenizer::llama_bpe},
    {"llama-v3", PreTokenizer::llama_bpe},  {"falcon3", PreTokenizer::llama_bpe},
    {"pixtral", PreTokenizer::llama_bpe},   {"lfm2", PreTokenizer::llama_bpe},
    {"qwen2", PreTokenizer::qwen2},         {"deepseek-r1-qwen", PreTokenizer::qwen2},
    {"gpt-2", PreTokenizer::gpt2},          {"default", PreTokenizer::gpt2},
    {"phi-2", PreTokenizer::gpt2},          {"smollm", PreTokenizer::smollm},
    {"starcoder", PreTokenizer::smollm},    {"refact", PreTokenizer::smollm},
    {"command-r", PreTokenizer::smollm},
};

// Walks over the characters of one text. At its end, `size_bytes` is 0 and no class matches.
class Cursor {
 public:
  explicit Cursor(std::string_view text) noexcept : text_(text) { load(); }

  size_t position() const noexcept { return position_; }
  bool at_end() const noexcept { return size_ == 0; }
  bool is(CharClass c) const noexcept { return !at_end() && class_ == c; }
  bool is(char32_t c) const noexcept { return !at_end() && codepoint_ == c; }
  bool is_newline() const noexcept { return is(U'\n') || is(U'\r'); }

  void advance() noexcept {
    position_ += size_;
    load();
  }
  void skip(CharClass c) noexcept {
    while (is(c)) advance();
  }
  void skip_newlines() noexcept {
    while (is_newline()) advance();
  }

 private:
  void load() noexcept {
    if (position_ == text_.size()) {
      size_ = 0;
      return;
    }
    const utf8::Decoded c = utf8::decode(text_.substr(position_));
    codepoint_ = c.codepoint;  // of a malformed sequence U+FFFD, which is of the class other
    size_ = c.size_bytes;
    class_ = char_class(codepoint_);
  }

  std::string_view text_;
  size_t position_ = 0;
  size_t size_ = 0;
  char32_t codepoint_ = 0;
  CharClass class_ = CharClass::other;
};

constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// 's|'t|'re|'ve|'m|'ll|'d at the start of `text`: its size, or 0. Ignoring case means ASCII here,
// as in llama.cpp; the expression would also take the long s (U+017F).
size_t contraction_size(std::string_view text, bool ignore_case) noexcept {
  if (text.size() < 2 || text[0] != '\'') return 0;
  const auto at = [&](size_t i) {
    if (i >= text.size()) return '\0';
    return ignore_case ? ascii_lower(text[i]) : text[i];
  };
  const char a = at(1);
  const char b = at(2);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  if ((b == 'e' && (a == 'r' || a == 'v')) || (a == 'l' && b == 'l')) return 3;
  return 0;
}

// \s+(?!\S) and \s+ : the run of white space at the start of `text` leaves its last character to
// the word that follows it, unless that is all it has. number_ends_text: as if nothing followed.
size_t white_space_size(std::string_view text, bool number_ends_text) noexcept {
  Cursor c(text);
  size_t last = 0;
  while (c.is(CharClass::space)) {
    last = c.position();
    c.advance();
  }
  const bool word_follows = !c.at_end() && !(number_ends_text && c.is(CharClass::number));
  return word_follows && last > 0 ? last : c.position();
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max_digits}|
// ?[^\s\p{L}\p{N}]+[\r\n]*|
// \s*[\r\n]+|\s+(?!\S)|\s+
size_t llama_word_size(std::string_view text, int max_digits) noexcept {
  if (const size_t size = contraction_size(text, /*ignore_case=*/true)) return size;

  const Cursor start(text);
  Cursor c = start;
  if (!c.is_newline() && !c.is(CharClass::letter) && !c.is(CharClass::number)) c.advance();
  if (c.is(CharClass::letter)) {
    c.skip(CharClass::letter);
    return c.position();
  }

  c = start;
  if (c.is(CharClass::number)) {
    for (int n = 0; n < max_digits && c.is(CharClass::number); ++n) c.advance();
    return c.position();
  }

  if (c.is(U' ')) c.advance();
  if (c.is(CharClass::other)) {
    c.skip(CharClass::other);
    c.skip_newlines();
    return c.position();
  }

  // White space is all that is left. Up to the last newline of the run, if there is one.
  size_t after_newline = 0;
  for (c = start; c.is(CharClass::space);) {
    const bool newline = c.is_newline();
    c.advance();
    if (newline) after_newline = c.position();
  }
  if (after_newline > 0) return after_newline;
  return white_space_size(text, /*number_ends_text=*/false);
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)
// What no alternative matches, a space character right before a word, is a word of its own.
// isolate_digits: each \p{N} was cut out before, so that it ends the text of its neighbours.
size_t gpt2_word_size(std::string_view text, bool isolate_digits) noexcept {
  if (const size_t size = contraction_size(text, /*ignore_case=*/false)) return size;

  const Cursor start(text);
  Cursor c = start;
  if (isolate_digits && c.is(CharClass::number)) {
    c.advance();
    return c.position();
  }
  if (c.is(U' ')) c.advance();
  for (const CharClass word : {CharClass::letter, CharClass::number, CharClass::other}) {
    const bool cut_out = isolate_digits && word == CharClass::number;
    if (cut_out || !c.is(word)) continue;
    c.skip(word);
    return c.position();
  }
  return white_space_size(text, /*number_ends_text=*/isolate_digits);
}

}  // namespace

std::optional<PreTokenizer> pre_tokenizer_from_name(std::string_view name) noexcept {
  const auto found = std::ranges::find(kNames, name, &NamedRule::name);
  if (found == std::end(kNames)) return std::nullopt;
  return found->rule;
}

std::string pre_tokenizer_names() {
  std::string names;
  for (const NamedRule& n : kNames) names += fmt::format("{}{}", names.empty() ? "" : ", ", n.name);
  return names;
}

size_t first_word_size(PreTokenizer rule, std::string_view text) noexcept {
  switch (rule) {
    case PreTokenizer::llama_bpe: return llama_word_size(text, 3);
    case PreTokenizer::qwen2: return llama_word_size(text, 1);
    case PreTokenizer::gpt2: return gpt2_word_size(text, /*isolate_digits=*/false);
    case PreTokenizer::smollm: return gpt2_word_size(text, /*isolate_digits=*/true);
  }
  return text.size();
}

}  // namespace wattle::tokenizer
