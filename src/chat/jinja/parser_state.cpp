// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/parser_state.h"

#include <algorithm>

#include "chat/jinja/syntax_error.h"

namespace wattle::chat::jinja {

bool ParserState::skip_op(std::string_view op) {
  if (!token().is_op(op)) return false;
  next();
  return true;
}

bool ParserState::skip_name(std::string_view name) {
  if (!token().is_name(name)) return false;
  next();
  return true;
}

void ParserState::expect_op(std::string_view op) {
  if (!skip_op(op)) unexpected(fmt::format("'{}'", op));
}

std::string ParserState::expect_name() {
  if (token().kind != TokenKind::name) unexpected("a name");
  std::string name = token().text;
  next();
  return name;
}

void ParserState::expect_block_end() {
  if (token().kind != TokenKind::block_end) unexpected("'%}'");
  next();
}

void ParserState::unexpected(std::string_view wanted) const {
  syntax_error(line(), fmt::format("expected {}, got {}", wanted, describe(token())));
}

Symbol ParserState::symbol(const std::string& name) {
  const auto [it, is_new] = symbol_index_.emplace(name, static_cast<Symbol>(symbols_.size()));
  if (is_new) symbols_.push_back(name);
  return it->second;
}

StringRef ParserState::constant(std::string_view text) {
  return std::make_shared<String>(Text(text, Origin::template_text), false);
}

void ParserState::set_height(Expr& e, std::initializer_list<const Expr*> children) {
  for (const Expr* child : children) {
    if (child != nullptr) e.height = std::max(e.height, child->height + 1);
  }
  if (e.height > max_depth_) fail_depth();
}

void ParserState::set_height(Expr& e, const CallArguments& arguments) {
  for (const auto& a : arguments.positional) set_height(e, {a.get()});
  for (const auto& [name, value] : arguments.keyword) set_height(e, {value.get()});
  set_height(e, {arguments.star.get(), arguments.star_star.get()});
}

void ParserState::fail_depth() const {
  syntax_error(line(), fmt::format("nested more than {} levels deep", max_depth_));
}

}  // namespace wattle::chat::jinja
