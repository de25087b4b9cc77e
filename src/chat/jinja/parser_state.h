// SPDX-License-Identifier: Apache-2.0
// What the two halves of the parser share: the tokens, the symbols and the nesting.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chat/jinja/ast.h"
#include "chat/jinja/lexer.h"

namespace wattle::chat::jinja {

class ParserState {
 public:
  ParserState(std::vector<Token> tokens, const Limits& limits)
      : tokens_(std::move(tokens)), max_depth_(limits.max_syntax_depth) {}

  const Token& token() const { return tokens_[pos_]; }
  const Token& peek() const { return tokens_[std::min(pos_ + 1, tokens_.size() - 1)]; }
  uint32_t line() const { return token().line; }
  void next() {
    if (pos_ + 1 < tokens_.size()) ++pos_;
  }
  bool skip_op(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_op(std::string_view op);
  std::string expect_name();
  void expect_block_end();
  [[noreturn]] void unexpected(std::string_view wanted) const;

  Symbol symbol(const std::string& name);
  // A string of the template, shared by all renderings.
  static StringRef constant(std::string_view text);
  std::vector<std::string> take_symbols() { return std::move(symbols_); }

  // One level of nested blocks or expressions.
  class Depth {
   public:
    explicit Depth(ParserState& state) : state_(state) {
      if (++state_.depth_ > state_.max_depth_) state_.fail_depth();
    }
    ~Depth() { --state_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    ParserState& state_;
  };
  // A tree that grows to the left (a + b + c) is deep without the parser being so.
  void set_height(Expr& e, std::initializer_list<const Expr*> children);
  void set_height(Expr& e, const CallArguments& arguments);

  // Where a `break`, and the special variables of macros, belong to.
  struct Place {
    bool in_loop = false;
    bool tolerant = false;  // inside of an `if`: unknown filters are no error yet
    bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
  };
  Place place;

  // Filters and tests that do not exist, in places where that is an error at once.
  struct Unknown {
    uint32_t line = 0;
    std::string what;
  };
  std::vector<Unknown> unknown;

 private:
  [[noreturn]] void fail_depth() const;

  std::vector<Token> tokens_;
  size_t pos_ = 0;
  const int max_depth_;
  int depth_ = 0;
  std::vector<std::string> symbols_;
  std::unordered_map<std::string, Symbol> symbol_index_;
};

// --- parse_expression.cpp --------------------------------------------------------------------

ExprPtr parse_expression(ParserState& s, bool with_conditional = true);
// One expression, or several with commas: a tuple. It ends at a tag's end, at `in`-less places.
ExprPtr parse_tuple(ParserState& s, bool with_conditional = true, std::string_view end_name = {});
// `name(args)|name...` after {% filter %}, or `|name...` after {% set x %}.
std::vector<std::unique_ptr<const FilterExpr>> parse_filter_chain(ParserState& s);

}  // namespace wattle::chat::jinja
