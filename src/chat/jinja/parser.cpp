// SPDX-License-Identifier: Apache-2.0
// Statements: what stands between {% and %}.
#include "chat/jinja/parser.h"

#include <algorithm>
#include <array>

#include "chat/jinja/parser_state.h"
#include "chat/jinja/syntax_error.h"

namespace wattle::chat::jinja {
namespace {

using Place = ParserState::Place;

// A body that is a scope of its own: unknown filters are errors again.
Place inner_place(const Place& outer, bool in_loop) {
  Place place = outer;
  place.in_loop = in_loop;
  place.tolerant = false;
  return place;
}

Body parse_body(ParserState& s, std::initializer_list<std::string_view> ends,
                std::string_view opened, uint32_t opened_line);
StmtPtr parse_statement(ParserState& s);

// Parses with another `place`, then returns to the old one; what was seen of varargs and the like
// inside is seen from outside, too.
template <class Fn>
auto within(ParserState& s, const Place& place, const Fn& fn) {
  const Place outer = std::exchange(s.place, place);
  auto result = fn();
  const Place inner = std::exchange(s.place, outer);
  s.place.uses_varargs |= inner.uses_varargs;
  s.place.uses_kwargs |= inner.uses_kwargs;
  s.place.uses_caller |= inner.uses_caller;
  return result;
}

// --- targets -------------------------------------------------------------------------------------

Target parse_target(ParserState& s, bool with_attribute);

Target parse_one_target(ParserState& s, bool with_attribute) {
  if (s.skip_op("(")) {
    const ParserState::Depth depth(s);
    Target t = parse_target(s, with_attribute);
    s.expect_op(")");
    return t;
  }
  const uint32_t line = s.line();
  if (s.token().kind != TokenKind::name) s.unexpected("a name to assign to");
  const std::string name = s.expect_name();
  static constexpr std::array<std::string_view, 6> kConstants = {"true",  "True", "false",
                                                                 "False", "none", "None"};
  if (std::find(kConstants.begin(), kConstants.end(), name) != kConstants.end()) {
    syntax_error(line, fmt::format("'{}' cannot be assigned to", name));
  }
  Target t;
  t.symbol = s.symbol(name);
  if (with_attribute && s.skip_op(".")) {
    t.kind = Target::Kind::attribute;
    t.attribute = ParserState::constant(s.expect_name());
  }
  return t;
}

Target parse_target(ParserState& s, bool with_attribute) {
  Target first = parse_one_target(s, with_attribute);
  if (!s.token().is_op(",")) return first;
  Target tuple;
  tuple.kind = Target::Kind::tuple;
  tuple.items.push_back(std::move(first));
  while (s.skip_op(",")) {
    if (s.token().kind != TokenKind::name && !s.token().is_op("(")) break;
    if (s.token().is_name("in")) break;
    tuple.items.push_back(parse_one_target(s, with_attribute));
  }
  return tuple;
}

// --- statements ----------------------------------------------------------------------------------

StmtPtr parse_if(ParserState& s, uint32_t line) {
  Place place = s.place;
  place.tolerant = true;
  return within(s, place, [&]() -> StmtPtr {
    auto stmt = std::make_unique<IfStmt>(line);
    do {
      ExprPtr test = parse_tuple(s, false);
      s.expect_block_end();
      Body body = parse_body(s, {"elif", "else", "endif"}, "if", line);
      stmt->branches.emplace_back(std::move(test), std::move(body));
    } while (s.skip_name("elif"));
    if (s.skip_name("else")) {
      s.expect_block_end();
      stmt->otherwise = parse_body(s, {"endif"}, "if", line);
    }
    s.next();  // endif
    return stmt;
  });
}

StmtPtr parse_for(ParserState& s, uint32_t line) {
  auto stmt = std::make_unique<ForStmt>(line);
  stmt->target = parse_target(s, false);
  if (!s.skip_name("in")) s.unexpected("'in'");
  stmt->iterable = parse_tuple(s, false, "recursive");
  if (s.skip_name("if")) {
    stmt->filter = within(s, inner_place(s.place, false), [&] { return parse_expression(s); });
  }
  stmt->recursive = s.skip_name("recursive");
  s.expect_block_end();
  stmt->body = within(s, inner_place(s.place, true),
                      [&] { return parse_body(s, {"endfor", "else"}, "for", line); });
  if (s.skip_name("else")) {
    s.expect_block_end();
    stmt->otherwise = within(s, inner_place(s.place, s.place.in_loop),
                             [&] { return parse_body(s, {"endfor"}, "for", line); });
  }
  s.next();  // endfor
  return stmt;
}

StmtPtr parse_set(ParserState& s, uint32_t line) {
  Target target = parse_target(s, true);
  if (s.skip_op("=")) {
    auto stmt = std::make_unique<SetStmt>(line);
    stmt->target = std::move(target);
    stmt->value = parse_tuple(s);
    return stmt;
  }
  auto stmt = std::make_unique<SetBlockStmt>(line);
  stmt->target = std::move(target);
  if (s.skip_op("|")) stmt->filters = parse_filter_chain(s);
  s.expect_block_end();
  stmt->body = within(s, inner_place(s.place, s.place.in_loop),
                      [&] { return parse_body(s, {"endset"}, "set", line); });
  s.next();  // endset
  return stmt;
}

std::vector<MacroStmt::Parameter> parse_signature(ParserState& s) {
  std::vector<MacroStmt::Parameter> parameters;
  s.expect_op("(");
  while (!s.token().is_op(")")) {
    if (!parameters.empty()) s.expect_op(",");
    const std::string name = s.expect_name();
    MacroStmt::Parameter p{s.symbol(name), ParserState::constant(name), nullptr};
    if (s.skip_op("=")) {
      p.otherwise = parse_expression(s);
    } else if (!parameters.empty() && parameters.back().otherwise) {
      s.unexpected("a default (the parameter before has one)");
    }
    parameters.push_back(std::move(p));
  }
  s.expect_op(")");
  return parameters;
}

// The signature, if any, and the body up to `end`.
std::unique_ptr<MacroStmt> parse_macro_rest(ParserState& s, uint32_t line, std::string name,
                                            std::string_view opened, std::string_view end) {
  auto macro = std::make_unique<MacroStmt>(line);
  macro->symbol = s.symbol(name);
  macro->name = std::move(name);
  const Place outer = std::exchange(s.place, Place{});
  if (s.token().is_op("(")) macro->parameters = parse_signature(s);
  s.expect_block_end();
  macro->body = parse_body(s, {end}, opened, line);
  const Place inner = std::exchange(s.place, outer);
  macro->uses_varargs = inner.uses_varargs;
  macro->uses_kwargs = inner.uses_kwargs;
  macro->uses_caller = inner.uses_caller;
  s.next();
  return macro;
}

StmtPtr parse_macro(ParserState& s, uint32_t line) {
  std::string name = s.expect_name();
  if (!s.token().is_op("(")) s.unexpected("'('");
  return parse_macro_rest(s, line, std::move(name), "macro", "endmacro");
}

StmtPtr parse_call_block(ParserState& s, uint32_t line) {
  auto stmt = std::make_unique<CallBlockStmt>(line);
  std::vector<MacroStmt::Parameter> parameters;
  if (s.token().is_op("(")) parameters = parse_signature(s);
  ExprPtr call = parse_expression(s);
  if (call->kind != ExprKind::call) syntax_error(line, "'call' needs a call, as in {% call f() %}");
  stmt->call.reset(static_cast<const CallExpr*>(call.release()));
  auto caller = parse_macro_rest(s, line, "caller", "call", "endcall");
  caller->parameters = std::move(parameters);
  stmt->caller = std::move(caller);
  return stmt;
}

StmtPtr parse_filter_block(ParserState& s, uint32_t line) {
  auto stmt = std::make_unique<FilterBlockStmt>(line);
  stmt->filters = parse_filter_chain(s);
  s.expect_block_end();
  stmt->body = within(s, inner_place(s.place, s.place.in_loop),
                      [&] { return parse_body(s, {"endfilter"}, "filter", line); });
  s.next();
  return stmt;
}

StmtPtr parse_with(ParserState& s, uint32_t line) {
  auto stmt = std::make_unique<WithStmt>(line);
  while (s.token().kind != TokenKind::block_end) {
    if (!stmt->variables.empty()) s.expect_op(",");
    Target target = parse_one_target(s, false);
    s.expect_op("=");
    stmt->variables.emplace_back(std::move(target), parse_expression(s));
  }
  s.next();
  stmt->body = within(s, inner_place(s.place, s.place.in_loop),
                      [&] { return parse_body(s, {"endwith"}, "with", line); });
  s.next();
  return stmt;
}

// A block that only marks its body, for others than us.
StmtPtr parse_transparent(ParserState& s, uint32_t line, std::string_view name,
                          std::string_view end) {
  s.expect_block_end();
  auto stmt = std::make_unique<WithStmt>(line);
  stmt->body =
      within(s, inner_place(s.place, false), [&] { return parse_body(s, {end}, name, line); });
  s.next();
  return stmt;
}

StmtPtr parse_autoescape(ParserState& s, uint32_t line) {
  if (!s.skip_name("false") && !s.skip_name("False")) {
    syntax_error(line, "'autoescape' is supported with false only");
  }
  return parse_transparent(s, line, "autoescape", "endautoescape");
}

StmtPtr parse_jump(ParserState& s, uint32_t line, StmtKind kind, std::string_view name) {
  if (!s.place.in_loop) syntax_error(line, fmt::format("'{}' outside of a loop", name));
  return std::make_unique<PlainStmt>(kind, line);
}

// Tags that need other files. They compile, since they may stand where they never run.
StmtPtr parse_unsupported(ParserState& s, uint32_t line, const std::string& name) {
  while (s.token().kind != TokenKind::block_end && s.token().kind != TokenKind::end) s.next();
  return std::make_unique<UnsupportedStmt>(
      line, fmt::format("'{}' needs another template, and a chat template stands alone", name));
}

// {% print a, b %} prints one behind the other, where {{ a, b }} prints a tuple.
StmtPtr parse_print(ParserState& s, uint32_t line) {
  auto all = std::make_unique<ListExpr>(ExprKind::concat, line);
  do {
    all->items.push_back(parse_expression(s));
    s.set_height(*all, {all->items.back().get()});
  } while (s.skip_op(","));
  return std::make_unique<OutputStmt>(line, std::move(all));
}

StmtPtr parse_statement(ParserState& s) {
  const uint32_t line = s.line();
  if (s.token().kind != TokenKind::name) s.unexpected("the name of a tag");
  const std::string tag = s.expect_name();
  if (tag == "if") return parse_if(s, line);
  if (tag == "for") return parse_for(s, line);
  if (tag == "set") return parse_set(s, line);
  if (tag == "macro") return parse_macro(s, line);
  if (tag == "call") return parse_call_block(s, line);
  if (tag == "filter") return parse_filter_block(s, line);
  if (tag == "with") return parse_with(s, line);
  if (tag == "generation") return parse_transparent(s, line, "generation", "endgeneration");
  if (tag == "autoescape") return parse_autoescape(s, line);
  if (tag == "break") return parse_jump(s, line, StmtKind::break_, tag);
  if (tag == "continue") return parse_jump(s, line, StmtKind::continue_, tag);
  if (tag == "print") return parse_print(s, line);
  if (tag == "include" || tag == "import" || tag == "from" || tag == "extends") {
    return parse_unsupported(s, line, tag);
  }
  syntax_error(line, fmt::format("unknown tag '{}'", tag));
}

// Up to a block tag named in `ends`, whose name is then the next token. With no ends: to the end of
// the template.
Body parse_body(ParserState& s, std::initializer_list<std::string_view> ends,
                std::string_view opened, uint32_t opened_line) {
  const ParserState::Depth depth(s);
  Body body;
  while (true) {
    const Token& token = s.token();
    switch (token.kind) {
      case TokenKind::data:
        body.push_back(std::make_unique<TextStmt>(token.line, token.text));
        s.next();
        break;
      case TokenKind::variable_begin:
        s.next();
        body.push_back(std::make_unique<OutputStmt>(token.line, parse_tuple(s)));
        if (s.token().kind != TokenKind::variable_end) s.unexpected("'}}'");
        s.next();
        break;
      case TokenKind::block_begin:
        s.next();
        for (const std::string_view end : ends) {
          if (s.token().is_name(end)) return body;
        }
        body.push_back(parse_statement(s));
        s.expect_block_end();
        break;
      case TokenKind::end:
        if (ends.size() == 0) return body;
        syntax_error(opened_line,
                     fmt::format("'{}' is not closed, expected '{}'", opened, *(ends.end() - 1)));
      default: s.unexpected("text or a tag");
    }
  }
}

}  // namespace

Template parse(std::string_view source, const Limits& limits) {
  ParserState s(tokenize(source, limits), limits);
  Template result;
  result.body = parse_body(s, {}, "", 1);
  if (!s.unknown.empty()) syntax_error(s.unknown.front().line, s.unknown.front().what);
  result.symbols = s.take_symbols();
  return result;
}

}  // namespace wattle::chat::jinja
