// SPDX-License-Identifier: Apache-2.0
// A slow reader of grammars that follows the expressions as they stand: where may the text matched
// by an expression end, and did it run into the end of the text on the way?
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "sampling/grammar/ast.h"

namespace wattle::grammar {

// The grammar has no left recursion. Texts are bytes; the last character may be cut.
class Oracle {
 public:
  Oracle(const Grammar& grammar, std::string_view text) : grammar_(grammar), text_(text) {
    ends_ = match(grammar_.rules[grammar_.root].body, 0);
  }
  // The whole text is one that the grammar describes.
  bool complete() const { return ends_.contains(text_.size()); }
  // Some more bytes could follow.
  bool may_go_on() const { return ran_out_; }

 private:
  using Ends = std::set<size_t>;

  const Ends& match(const Expr& expr, size_t at) {
    const std::pair<const Expr*, size_t> key{&expr, at};
    if (const auto it = known_.find(key); it != known_.end()) return it->second;
    Ends ends = find(expr, at);
    return known_[key] = std::move(ends);
  }

  Ends find(const Expr& expr, size_t at) {
    switch (expr.kind) {
      case Expr::Kind::text: {
        const std::string_view rest = text_.substr(at);
        if (rest.starts_with(expr.text)) return {at + expr.text.size()};
        if (std::string_view(expr.text).starts_with(rest)) ran_out_ = true;
        return {};
      }
      case Expr::Kind::chars: return match_char(expr.chars, at);
      case Expr::Kind::rule: return match(grammar_.rules[expr.rule].body, at);
      case Expr::Kind::choice: {
        Ends all;
        for (const Expr& part : expr.parts) all.merge(Ends(match(part, at)));
        return all;
      }
      case Expr::Kind::sequence: {
        Ends ends{at};
        for (const Expr& part : expr.parts) ends = match_from(part, ends);
        return ends;
      }
      case Expr::Kind::repeat: break;
    }
    Ends ends{at};
    for (uint32_t i = 0; i < expr.min; ++i) ends = match_from(expr.parts[0], ends);
    Ends all = ends;
    for (uint32_t i = expr.min; !expr.max || i < *expr.max; ++i) {
      const size_t before = all.size();
      ends = match_from(expr.parts[0], ends);
      all.insert(ends.begin(), ends.end());
      if (all.size() == before) break;  // what comes back to the same places brings nothing new
    }
    return all;
  }

  Ends match_from(const Expr& expr, const Ends& from) {
    Ends all;
    for (const size_t at : from) all.merge(Ends(match(expr, at)));
    return all;
  }

  Ends match_char(const CharSet& chars, size_t at) {
    const std::string_view rest = text_.substr(at);
    if (rest.empty()) {
      ran_out_ = true;
      return {};
    }
    const std::vector<CharRange> ranges = chars.ranges();
    const auto overlaps = [&](const CharRange& some) {
      return std::any_of(ranges.begin(), ranges.end(), [&](const CharRange& range) {
        return range.first <= some.last && some.first <= range.last;
      });
    };
    const auto c = utf8::decode(rest);
    if (c.status == utf8::Status::ok) {
      return overlaps({c.codepoint, c.codepoint}) ? Ends{at + c.size_bytes} : Ends{};
    }
    if (c.status == utf8::Status::incomplete && overlaps(completions(rest))) ran_out_ = true;
    return {};
  }

  // The characters whose encoding begins with these bytes, which are less than the whole: encodings
  // are in the order of the characters, so they lie together.
  static const CharRange& completions(std::string_view begin) {
    static const std::unordered_map<std::string, CharRange> all = [] {
      std::unordered_map<std::string, CharRange> map;
      for (char32_t c = 0x80; c <= kLastCodepoint; ++c) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        std::string encoded;
        utf8::append(encoded, c);
        for (size_t n = 1; n < encoded.size(); ++n) {
          map.try_emplace(encoded.substr(0, n), CharRange{c, c}).first->second.last = c;
        }
      }
      return map;
    }();
    return all.at(std::string(begin));
  }

  const Grammar& grammar_;
  std::string_view text_;
  std::map<std::pair<const Expr*, size_t>, Ends> known_;
  Ends ends_;
  bool ran_out_ = false;
};

}  // namespace wattle::grammar
