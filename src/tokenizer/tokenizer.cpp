// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/assert.h"
#include "tokenizer/family.h"
#include "wattle/error.h"

namespace wattle {

using tokenizer::Family;
using tokenizer::SpecialMatcher;

struct Tokenizer::ControlRange {
  size_t begin;
  size_t end;
};

namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;
// The longest special token of any known model has 93 bytes. The bound keeps a hostile vocabulary
// from making the search for special tokens slow.
constexpr size_t kMaxSpecialBytes = 256;

struct Model {
  std::string_view name;
  std::unique_ptr<Family> (*make)(const VocabSpec&, std::span<const TokenType>, uint64_t seed);
};

constexpr Model kModels[] = {
    {"llama", tokenizer::make_sentencepiece},
    {"gemma4", tokenizer::make_gemma4},
    {"gpt2", tokenizer::make_byte_level},
};

const Model& model_of(const VocabSpec& spec) {
  const auto found = std::ranges::find(kModels, spec.model, &Model::name);
  if (found == std::end(kModels)) {
    std::string names;
    for (const Model& m : kModels) names += fmt::format("{}{}", names.empty() ? "" : ", ", m.name);
    throw Error(ErrorCode::unsupported,
                fmt::format("tokenizer.ggml.model '{}' is not supported", spec.model),
                fmt::format("supported: {}", names));
  }
  return *found;
}

[[noreturn]] void throw_bad_id(std::string_view key, TokenId id, size_t n_vocab) {
  throw Error(ErrorCode::bad_input, fmt::format("tokenizer.ggml.{}: token {} of a vocabulary of {}",
                                                key, to_int(id), n_vocab));
}

void check(const VocabSpec& spec) {
  const size_t n_vocab = spec.tokens.size();
  if (n_vocab == 0 || n_vocab > INT32_MAX) {
    throw Error(ErrorCode::bad_input, fmt::format("tokenizer.ggml.tokens: {} tokens", n_vocab));
  }
  if (spec.merges.size() > INT32_MAX) {
    throw Error(ErrorCode::bad_input,
                fmt::format("tokenizer.ggml.merges: {} merges", spec.merges.size()));
  }
  if (!spec.types.empty() && spec.types.size() != n_vocab) {
    throw Error(ErrorCode::bad_input,
                fmt::format("tokenizer.ggml.token_type: {} values, expected one for each of {} "
                            "tokens",
                            spec.types.size(), n_vocab));
  }
  const auto in_vocab = [&](TokenId id) {
    return to_int(id) >= 0 && static_cast<size_t>(to_int(id)) < n_vocab;
  };
  const std::pair<std::string_view, const std::optional<TokenId>&> ids[] = {
      {"bos_token_id", spec.bos}, {"eos_token_id", spec.eos},     {"eot_token_id", spec.eot},
      {"eom_token_id", spec.eom}, {"unknown_token_id", spec.unk},
  };
  for (const auto& [key, id] : ids) {
    if (id && !in_vocab(*id)) throw_bad_id(key, *id, n_vocab);
  }
  if (spec.add_bos.value_or(false) && !spec.bos) {
    throw Error(
        ErrorCode::bad_input,
        "tokenizer.ggml.add_bos_token is true, but there is no tokenizer.ggml.bos_token_id");
  }
}

bool is_white_space(std::string_view text) noexcept {
  return text.find_first_not_of("\t\n\r ") == std::string_view::npos;
}

enum class Specials { all, user_defined, white_space };

SpecialMatcher make_matcher(const VocabSpec& spec, std::span<const TokenType> types,
                            Specials which) {
  std::vector<SpecialMatcher::Entry> entries;
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    const std::string_view text = spec.tokens[i];
    if (text.empty()) continue;
    bool wanted = types[i] == TokenType::user_defined;
    if (which == Specials::all) {
      wanted = wanted || types[i] == TokenType::control || types[i] == TokenType::unknown;
    } else if (which == Specials::white_space) {
      wanted = wanted && is_white_space(text);
    }
    if (!wanted) continue;
    if (text.size() > kMaxSpecialBytes) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("tokenizer.ggml.tokens[{}]: a special token of {} bytes, expected at "
                              "most {}",
                              i, text.size(), kMaxSpecialBytes));
    }
    entries.push_back({text, TokenId{static_cast<int32_t>(i)}});
  }
  return SpecialMatcher(std::move(entries));
}

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace

Tokenizer::Tokenizer(VocabSpec spec) : spec_(std::move(spec)) {
  check(spec_);
  const Model& model = model_of(spec_);
  roles_ = tokenizer::assign_roles(spec_);
  all_specials_ = make_matcher(spec_, roles_.types, Specials::all);
  user_defined_ = make_matcher(spec_, roles_.types, Specials::user_defined);
  white_space_ = make_matcher(spec_, roles_.types, Specials::white_space);
  family_ = model.make(spec_, roles_.types, random_seed());
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<TokenId> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  const SpecialMatcher& specials = options.parse_special ? all_specials_ : user_defined_;
  return encode_ranges(text, specials, {}, options.add_bos);
}

std::vector<TokenId> Tokenizer::encode(std::span<const TextSegment> segments, bool add_bos) const {
  std::string text;
  std::vector<ControlRange> control;
  for (const TextSegment& segment : segments) {
    const size_t begin = text.size();
    text += segment.text;
    if (!segment.control) continue;
    if (!control.empty() && control.back().end == begin) {
      control.back().end = text.size();
    } else {
      control.push_back({begin, text.size()});
    }
  }
  return encode_ranges(text, white_space_, control, add_bos);
}

// `anywhere` is looked for in all of the text, every special token within one control range. The
// text between two specials is encoded in one go, whichever segments it comes from: this gives the
// ids that the rendered prompt as a whole would give.
std::vector<TokenId> Tokenizer::encode_ranges(std::string_view text, const SpecialMatcher& anywhere,
                                              std::span<const ControlRange> control,
                                              bool add_bos) const {
  if (text.size() >= kMaxTextBytes) {
    throw Error(ErrorCode::usage,
                fmt::format("a text of {} bytes to tokenise, expected less than {}", text.size(),
                            kMaxTextBytes));
  }
  std::vector<TokenId> ids;
  add_bos = add_bos && adds_bos();
  if (add_bos) ids.push_back(*spec_.bos);

  size_t fragment = 0;  // where the text begins that is not encoded yet
  const auto encode_until = [&](size_t end) {
    if (fragment == end) return;
    family_->encode(text.substr(fragment, end - fragment), ids);
  };
  for (size_t i = 0; i < text.size();) {
    while (!control.empty() && control.front().end <= i) control = control.subspan(1);
    auto match = anywhere.match(text.substr(i));
    if (!control.empty() && control.front().begin <= i) {
      const auto special = all_specials_.match(text.substr(i, control.front().end - i));
      if (special && (!match || special->size_bytes > match->size_bytes)) match = special;
    }
    if (!match) {
      ++i;
      continue;
    }
    encode_until(i);
    const bool second_bos = add_bos && i == 0 && match->id == spec_.bos;
    if (!second_bos) ids.push_back(match->id);
    i += match->size_bytes;
    fragment = i;
  }
  encode_until(text.size());
  return ids;
}

bool Tokenizer::adds_bos() const noexcept {
  return spec_.bos.has_value() && family_->adds_bos(spec_.add_bos);
}

bool Tokenizer::adds_space_prefix() const noexcept { return family_->adds_space_prefix(); }

void Tokenizer::append_bytes(TokenId id, std::string& out) const {
  WATTLE_ASSERT(contains(id));
  const auto i = static_cast<size_t>(to_int(id));
  const TokenType type = roles_.types[i];
  if (type == TokenType::control || type == TokenType::unknown) {
    out += spec_.tokens[i];
  } else {
    family_->append_bytes(spec_.tokens[i], type, out);
  }
}

bool Tokenizer::is_control(TokenId id) const noexcept {
  WATTLE_ASSERT(contains(id));
  const TokenType type = roles_.types[static_cast<size_t>(to_int(id))];
  return type == TokenType::control || type == TokenType::unknown;
}

bool Tokenizer::is_eog(TokenId id) const noexcept {
  return std::ranges::binary_search(roles_.eog, id);
}

}  // namespace wattle
