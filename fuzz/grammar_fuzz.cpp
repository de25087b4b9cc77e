// SPDX-License-Identifier: Apache-2.0
// The door `grammar`: any bytes as GBNF, read with a few texts. It may fail, but with an Error,
// soon and in little memory; what a mask allows is what the tokens by themselves may do. Input: the
// grammar, then after a zero byte a text to read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/grammar/gbnf.h"
#include "sampling/grammar/machine.h"
#include "sampling/grammar/network.h"
#include "sampling/grammar/token_matcher.h"
#include "wattle/error.h"

namespace {

using namespace wattle::grammar;  // NOLINT: all of this is about it

// Well below what the program allows, so that a run takes milliseconds.
constexpr Limits kLimits{.max_text_bytes = 1 << 14,
                         .max_rules = 200,
                         .max_repeat = 100,
                         .max_states = 10'000,
                         .max_open_rules = 100,
                         .max_machine_work = 100'000,
                         .max_machine_size = size_t{1} << 18};

const TokenTrie& vocabulary() {
  static const std::vector<std::string> pieces{"a",    "b",        "ab",   "\"",       "{\"",
                                               "\xC3", "\xC3\xA9", "\xA9", "\xE6\x97", "\n",
                                               " ",    "",         "1",    "]}"};
  static const TokenTrie trie(pieces);
  return trie;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\0'), input.size());
  const std::string_view text = input.substr(std::min(end + 1, input.size()));
  try {
    const TokenTrie& trie = vocabulary();
    TokenMatcher matcher(
        Machine(build_network(parse_gbnf(input.substr(0, end), kLimits), kLimits), kLimits), trie);
    Position at{.config = matcher.start()};
    for (size_t i = 0; i < std::min<size_t>(text.size(), 200); ++i) {
      const auto mask = matcher.allowed(at);
      const std::vector<uint64_t> allowed(mask.begin(), mask.end());
      for (size_t id = 0; id < trie.n_vocab(); ++id) {
        const bool fits = matcher.after(at, wattle::TokenId(static_cast<int32_t>(id))).config !=
                          Machine::kRefused;
        if (fits != (((allowed[id / 64] >> (id % 64)) & 1) != 0)) std::abort();
      }
      const auto token = static_cast<uint8_t>(text[i]) % trie.n_vocab();
      at = matcher.settle(matcher.after(at, wattle::TokenId(static_cast<int32_t>(token))));
      if (at.config == Machine::kRefused) break;
      if (!matcher.may_end(at) && !matcher.may_go_on(at)) std::abort();
    }
  } catch (const wattle::Error&) {
  }
  return 0;
}
