// SPDX-License-Identifier: Apache-2.0
#include "measure/synth_vocab.h"

#include <fmt/format.h>

#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/vocab_spec.h"

namespace wattle::measure {
namespace {

constexpr std::string_view kConsonants = "bdfghjklmnprstvz";
constexpr std::string_view kVowels = "aeiou";

struct Special {
  std::string_view text;
  TokenType type = TokenType::control;
};

// How the vocabularies of a family differ. A turn is "<|im_start|>" ROLE "\n" TEXT "<|im_end|>",
// and a gap before the next.
struct Family {
  std::string_view model;
  std::string_view pre{};  // of byte-level ones
  std::string_view space;  // how a space is spelt
  bool add_bos;
  std::string_view bos, eos, unk{}, pad{};  // empty: none
  std::string_view turn_begin, turn_middle, turn_end, turn_gap{};
  std::string_view assistant;  // its role in the template
  std::vector<Special> specials;
};

Family gemma(std::string_view model, std::string_view turn_begin, std::string_view turn_end) {
  return {.model = model,
          .space = "▁",
          .add_bos = true,
          .bos = "<bos>",
          .eos = "<eos>",
          .unk = "<unk>",
          .pad = "<pad>",
          .turn_begin = turn_begin,
          .turn_middle = "\n",
          .turn_end = turn_end,
          .turn_gap = "\n",
          .assistant = "model",
          .specials = {{"<pad>"},
                       {"<eos>"},
                       {"<bos>"},
                       {"<unk>", TokenType::unknown},
                       {"<mask>"},
                       {turn_begin},
                       {turn_end}}};
}

Family family_of(std::string_view arch) {
  if (arch == "gemma4") return gemma("gemma4", "<|turn>", "<turn|>");
  if (arch == "gemma3") return gemma("llama", "<start_of_turn>", "<end_of_turn>");
  if (arch == "llama") {
    return {.model = "gpt2",
            .pre = "llama-bpe",
            .space = "Ġ",
            .add_bos = true,
            .bos = "<|begin_of_text|>",
            .eos = "<|eot_id|>",
            .turn_begin = "<|start_header_id|>",
            .turn_middle = "<|end_header_id|>\n\n",
            .turn_end = "<|eot_id|>",
            .assistant = "assistant",
            .specials = {{"<|begin_of_text|>"},
                         {"<|end_of_text|>"},
                         {"<|start_header_id|>"},
                         {"<|end_header_id|>"},
                         {"<|eot_id|>"}}};
  }
  return {.model = "gpt2",
          .pre = "qwen2",
          .space = "Ġ",
          .add_bos = false,
          .bos = "<|endoftext|>",
          .eos = "<|im_end|>",
          .pad = "<|endoftext|>",
          .turn_begin = "<|im_start|>",
          .turn_middle = "\n",
          .turn_end = "<|im_end|>",
          .turn_gap = "\n",
          .assistant = "assistant",
          .specials = {{"<|endoftext|>"}, {"<|im_start|>"}, {"<|im_end|>"}}};
}

class Builder {
 public:
  Builder(const Family& family, uint32_t n_vocab) : family_(family), n_vocab_(n_vocab) {
    tokens_.reserve(n_vocab);
    for (const Special& special : family.specials) {
      add(std::string(special.text), special.type);
    }
    if (family.model == "gpt2") {
      const tokenizer::ByteAlphabet alphabet;
      for (unsigned byte = 0; byte < 256; ++byte) {
        add(std::string(alphabet.character(static_cast<uint8_t>(byte))), TokenType::normal);
      }
    } else {
      for (unsigned byte = 0; byte < 256; ++byte) {
        add(fmt::format("<0x{:02X}>", byte), TokenType::byte);
      }
      add("\n", TokenType::normal);
      add(std::string(family.space), TokenType::normal);
      for (char c = '!'; c <= '~'; ++c) add(std::string(1, c), TokenType::normal);
    }
    add_words();
  }

  void set_keys(gguf::Writer& writer) const {
    writer.set<std::string_view>("tokenizer.ggml.model", family_.model);
    if (!family_.pre.empty()) writer.set<std::string_view>("tokenizer.ggml.pre", family_.pre);
    const std::vector<std::string_view> tokens(tokens_.begin(), tokens_.end());
    writer.set_array<std::string_view>("tokenizer.ggml.tokens", tokens);
    writer.set_array<int32_t>("tokenizer.ggml.token_type", types_);
    if (family_.model != "gpt2") {
      writer.set_array<float>("tokenizer.ggml.scores", scores_);
      writer.set<bool>("tokenizer.ggml.add_space_prefix", false);
    }
    if (family_.model != "llama") {
      const std::vector<std::string_view> merges(merges_.begin(), merges_.end());
      writer.set_array<std::string_view>("tokenizer.ggml.merges", merges);
    }
    for (const auto& [key, text] : {std::pair{"bos", family_.bos},
                                    {"eos", family_.eos},
                                    {"unknown", family_.unk},
                                    {"padding", family_.pad}}) {
      if (text.empty()) continue;
      writer.set<uint32_t>(fmt::format("tokenizer.ggml.{}_token_id", key), id_of_special(text));
    }
    writer.set<bool>("tokenizer.ggml.add_bos_token", family_.add_bos);
    writer.set<std::string_view>("tokenizer.chat_template", chat_template());
  }

 private:
  void add(std::string text, TokenType type) {
    tokens_.push_back(std::move(text));
    types_.push_back(static_cast<int32_t>(type));
    // Earlier words merge first.
    scores_.push_back(-static_cast<float>(scores_.size()));
  }

  // A word that two others make.
  void add_word(const std::string& left, const std::string& right) {
    if (tokens_.size() == n_vocab_) return;
    add(left + right, TokenType::normal);
    merges_.push_back(left + " " + right);
  }

  // A word after a space is built from its beginning, two syllables at most at a time, so each
  // token of the vocabulary is what its own text becomes again.
  void add_words() {
    std::vector<std::string> syllables;
    for (const char consonant : kConsonants) {
      for (const char vowel : kVowels) {
        add_word(std::string(1, consonant), std::string(1, vowel));
        syllables.push_back({consonant, vowel});
      }
    }
    const std::string space(family_.space);
    std::vector<std::string> words;
    for (const std::string& s : syllables) add_word(space, s);
    for (const std::string& first : syllables) {
      for (const std::string& second : syllables) {
        add_word(space + first, second);
        words.push_back(space + first + second);
      }
    }
    for (const std::string& first : syllables) {
      for (const std::string& second : syllables) add_word(first, second);
    }
    for (const std::string& word : words) {
      for (const std::string& last : syllables) add_word(word, last);
    }
    WATTLE_ASSERT(tokens_.size() == n_vocab_);
  }

  uint32_t id_of_special(std::string_view text) const {
    for (uint32_t id = 0; id < family_.specials.size(); ++id) {
      if (family_.specials[id].text == text) return id;
    }
    WATTLE_ASSERT(false);
    return 0;
  }

  std::string chat_template() const {
    const auto quoted = [](std::string_view text) {
      std::string out = "'";
      for (const char c : text) out += c == '\n' ? std::string("\\n") : std::string(1, c);
      return out + "'";
    };
    const std::string begin = quoted(family_.turn_begin);
    const std::string middle = quoted(family_.turn_middle);
    const std::string assistant = quoted(family_.assistant);
    return fmt::format(
        "{}{{% for m in messages %}}"
        "{{{{ {} + ({} if m.role == 'assistant' else m.role) + {} + m.content + {} }}}}"
        "{{% endfor %}}"
        "{{% if add_generation_prompt %}}{{{{ {} + {} + {} }}}}{{% endif %}}",
        family_.add_bos ? "{{ bos_token }}" : "", begin, assistant, middle,
        quoted(fmt::format("{}{}", family_.turn_end, family_.turn_gap)), begin, assistant, middle);
  }

  const Family& family_;
  uint32_t n_vocab_;
  std::vector<std::string> tokens_;
  std::vector<int32_t> types_;
  std::vector<float> scores_;
  std::vector<std::string> merges_;
};

}  // namespace

void set_synth_vocab(gguf::Writer& writer, std::string_view arch, uint32_t n_vocab) {
  WATTLE_ASSERT(n_vocab >= kMinSynthVocab);
  const Family family = family_of(arch);
  Builder(family, n_vocab).set_keys(writer);
}

}  // namespace wattle::measure
