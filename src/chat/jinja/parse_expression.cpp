// SPDX-License-Identifier: Apache-2.0
// Expressions, loosest binding first: conditional, or, and, not, comparison, + -, ~, * / // %, **,
// unary - +, then . [] () | is. Jinja's order, which is not Python's.
#include <algorithm>
#include <array>

#include "chat/jinja/parser_state.h"
#include "chat/jinja/syntax_error.h"

namespace wattle::chat::jinja {
namespace {

ExprPtr parse_or(ParserState& s);
ExprPtr parse_unary(ParserState& s, bool with_filter);

// --- calls and filters ---------------------------------------------------------------------------

CallArguments parse_call_arguments(ParserState& s) {
  CallArguments a;
  s.expect_op("(");
  bool first = true;
  while (!s.token().is_op(")")) {
    if (!first) {
      s.expect_op(",");
      if (s.token().is_op(")")) break;
    }
    first = false;
    if (s.skip_op("*")) {
      if (a.star || a.star_star) s.unexpected("one * at most, before **");
      a.star = parse_expression(s);
    } else if (s.skip_op("**")) {
      if (a.star_star) s.unexpected("one ** at most");
      a.star_star = parse_expression(s);
    } else if (s.token().kind == TokenKind::name && s.peek().is_op("=")) {
      if (a.star_star) s.unexpected("no argument after **");
      StringRef name = ParserState::constant(s.expect_name());
      s.next();
      a.keyword.emplace_back(std::move(name), parse_expression(s));
    } else {
      if (!a.keyword.empty() || a.star || a.star_star) {
        s.unexpected("no argument without a name after one with a name");
      }
      a.positional.push_back(parse_expression(s));
    }
  }
  s.expect_op(")");
  return a;
}

std::unique_ptr<FilterExpr> make_filter(ParserState& s, ExprKind kind, uint32_t line,
                                        std::string name) {
  auto f = std::make_unique<FilterExpr>(kind, line);
  f->builtin = kind == ExprKind::filter ? find_filter(name) : find_test(name);
  if (f->builtin == nullptr && !s.place.tolerant) {
    s.unknown.push_back({line, fmt::format("there is no {} named '{}'",
                                           kind == ExprKind::filter ? "filter" : "test", name)});
  }
  f->name = std::move(name);
  return f;
}

std::string parse_dotted_name(ParserState& s) {
  std::string name = s.expect_name();
  while (s.skip_op(".")) name.append(".").append(s.expect_name());
  return name;
}

std::unique_ptr<FilterExpr> parse_one_filter(ParserState& s, ExprPtr operand) {
  const uint32_t line = s.line();
  auto f = make_filter(s, ExprKind::filter, line, parse_dotted_name(s));
  if (s.token().is_op("(")) f->arguments = parse_call_arguments(s);
  f->operand = std::move(operand);
  s.set_height(*f, {f->operand.get()});
  s.set_height(*f, f->arguments);
  return f;
}

ExprPtr parse_call(ParserState& s, ExprPtr callee) {
  auto call = std::make_unique<CallExpr>(s.line());
  call->arguments = parse_call_arguments(s);
  call->callee = std::move(callee);
  s.set_height(*call, {call->callee.get()});
  s.set_height(*call, call->arguments);
  return call;
}

// --- primaries -----------------------------------------------------------------------------------

ExprPtr parse_name_or_constant(ParserState& s) {
  const uint32_t line = s.line();
  const std::string name = s.expect_name();
  if (name == "true" || name == "True") {
    return std::make_unique<ConstantExpr>(line, Value::boolean(true));
  }
  if (name == "false" || name == "False") {
    return std::make_unique<ConstantExpr>(line, Value::boolean(false));
  }
  if (name == "none" || name == "None") return std::make_unique<ConstantExpr>(line, Value::none());
  if (name == "varargs") s.place.uses_varargs = true;
  if (name == "kwargs") s.place.uses_kwargs = true;
  if (name == "caller") s.place.uses_caller = true;
  return std::make_unique<NameExpr>(line, s.symbol(name), ParserState::constant(name));
}

ExprPtr parse_string(ParserState& s) {
  const uint32_t line = s.line();
  std::string text;
  for (; s.token().kind == TokenKind::string; s.next()) text += s.token().text;
  return std::make_unique<ConstantExpr>(line, Value::string(ParserState::constant(text)));
}

ExprPtr parse_list(ParserState& s) {
  auto list = std::make_unique<ListExpr>(ExprKind::list, s.line());
  s.expect_op("[");
  while (!s.token().is_op("]")) {
    if (!list->items.empty()) s.expect_op(",");
    if (s.token().is_op("]")) break;
    list->items.push_back(parse_expression(s));
    s.set_height(*list, {list->items.back().get()});
  }
  s.expect_op("]");
  return list;
}

ExprPtr parse_dict(ParserState& s) {
  auto dict = std::make_unique<DictExpr>(s.line());
  s.expect_op("{");
  while (!s.token().is_op("}")) {
    if (!dict->entries.empty()) s.expect_op(",");
    if (s.token().is_op("}")) break;
    ExprPtr key = parse_expression(s);
    s.expect_op(":");
    ExprPtr value = parse_expression(s);
    s.set_height(*dict, {key.get(), value.get()});
    dict->entries.emplace_back(std::move(key), std::move(value));
  }
  s.expect_op("}");
  return dict;
}

// (a) is a; (), (a,) and (a, b) are tuples.
ExprPtr parse_parenthesis(ParserState& s) {
  const uint32_t line = s.line();
  s.expect_op("(");
  if (s.skip_op(")")) return std::make_unique<ListExpr>(ExprKind::tuple, line);
  ExprPtr result = parse_tuple(s);
  s.expect_op(")");
  return result;
}

ExprPtr parse_primary(ParserState& s) {
  const ParserState::Depth depth(s);
  const Token& token = s.token();
  switch (token.kind) {
    case TokenKind::name: return parse_name_or_constant(s);
    case TokenKind::string: return parse_string(s);
    case TokenKind::integer: {
      auto e = std::make_unique<ConstantExpr>(token.line, Value::integer(token.integer_value));
      s.next();
      return e;
    }
    case TokenKind::floating: {
      auto e = std::make_unique<ConstantExpr>(token.line, Value::real(token.real_value));
      s.next();
      return e;
    }
    case TokenKind::op:
      if (token.text == "(") return parse_parenthesis(s);
      if (token.text == "[") return parse_list(s);
      if (token.text == "{") return parse_dict(s);
      break;
    default: break;
  }
  s.unexpected("an expression");
}

// --- . [] () | is --------------------------------------------------------------------------------

ExprPtr parse_attribute(ParserState& s, ExprPtr operand) {
  s.expect_op(".");
  const Token token = s.token();
  s.next();
  if (token.kind == TokenKind::name) {
    auto e = std::make_unique<AttributeExpr>(token.line, std::move(operand),
                                             ParserState::constant(token.text));
    s.set_height(*e, {e->operand.get()});
    return e;
  }
  if (token.kind != TokenKind::integer) {
    syntax_error(token.line,
                 fmt::format("expected a name or a number behind '.', got {}", describe(token)));
  }
  auto key = std::make_unique<ConstantExpr>(token.line, Value::integer(token.integer_value));
  auto e = std::make_unique<ItemExpr>(token.line, std::move(operand), std::move(key));
  s.set_height(*e, {e->operand.get()});
  return e;
}

ExprPtr parse_slice(ParserState& s, uint32_t line, ExprPtr operand, ExprPtr start) {
  auto slice = std::make_unique<SliceExpr>(line);
  slice->start = std::move(start);
  const auto part = [&]() -> ExprPtr {
    if (s.token().is_op(":") || s.token().is_op("]") || s.token().is_op(",")) return nullptr;
    return parse_expression(s);
  };
  s.expect_op(":");
  slice->stop = part();
  if (s.skip_op(":")) slice->step = part();
  slice->operand = std::move(operand);
  s.set_height(*slice,
               {slice->operand.get(), slice->start.get(), slice->stop.get(), slice->step.get()});
  return slice;
}

ExprPtr parse_subscript(ParserState& s, ExprPtr operand) {
  const uint32_t line = s.line();
  s.expect_op("[");
  ExprPtr result;
  ExprPtr key = s.token().is_op(":") ? nullptr : parse_expression(s);
  if (s.token().is_op(":")) {
    result = parse_slice(s, line, std::move(operand), std::move(key));
  } else {
    if (s.token().is_op(",")) {  // x[1, 2]: the key is a tuple
      auto tuple = std::make_unique<ListExpr>(ExprKind::tuple, line);
      tuple->items.push_back(std::move(key));
      while (s.skip_op(",") && !s.token().is_op("]")) tuple->items.push_back(parse_expression(s));
      for (const auto& item : tuple->items) s.set_height(*tuple, {item.get()});
      key = std::move(tuple);
    }
    auto item = std::make_unique<ItemExpr>(line, std::move(operand), std::move(key));
    s.set_height(*item, {item->operand.get(), item->key.get()});
    result = std::move(item);
  }
  s.expect_op("]");
  return result;
}

ExprPtr parse_postfix(ParserState& s, ExprPtr e) {
  while (true) {
    if (s.token().is_op(".")) {
      e = parse_attribute(s, std::move(e));
    } else if (s.token().is_op("[")) {
      e = parse_subscript(s, std::move(e));
    } else if (s.token().is_op("(")) {
      e = parse_call(s, std::move(e));
    } else {
      return e;
    }
  }
}

// x is divisibleby 3: one argument without parentheses may follow.
bool starts_test_argument(const Token& t) {
  switch (t.kind) {
    case TokenKind::name: return !t.is_name("else") && !t.is_name("or") && !t.is_name("and");
    case TokenKind::string:
    case TokenKind::integer:
    case TokenKind::floating: return true;
    case TokenKind::op: return t.text == "[" || t.text == "{";
    default: return false;
  }
}

ExprPtr parse_test(ParserState& s, ExprPtr operand) {
  const uint32_t line = s.line();
  s.next();  // is
  const bool negated = s.skip_name("not");
  auto test = make_filter(s, ExprKind::test, line, parse_dotted_name(s));
  test->negated = negated;
  if (s.token().is_op("(")) {
    test->arguments = parse_call_arguments(s);
  } else if (starts_test_argument(s.token())) {
    if (s.token().is_name("is")) s.unexpected("no second 'is' (tests cannot be chained)");
    test->arguments.positional.push_back(parse_postfix(s, parse_primary(s)));
  }
  test->operand = std::move(operand);
  s.set_height(*test, {test->operand.get()});
  s.set_height(*test, test->arguments);
  return test;
}

ExprPtr parse_filters_and_tests(ParserState& s, ExprPtr e) {
  while (true) {
    if (s.skip_op("|")) {
      e = parse_one_filter(s, std::move(e));
    } else if (s.token().is_name("is")) {
      e = parse_test(s, std::move(e));
    } else if (s.token().is_op("(")) {
      e = parse_call(s, std::move(e));
    } else {
      return e;
    }
  }
}

// --- operators -----------------------------------------------------------------------------------

ExprPtr make_unary(ParserState& s, ExprKind kind, uint32_t line, ExprPtr operand) {
  auto e = std::make_unique<UnaryExpr>(kind, line, std::move(operand));
  s.set_height(*e, {e->operand.get()});
  return e;
}

ExprPtr make_binary(ParserState& s, ExprKind kind, BinaryOp op, uint32_t line, ExprPtr a,
                    ExprPtr b) {
  auto e = std::make_unique<BinaryExpr>(kind, line, op, std::move(a), std::move(b));
  s.set_height(*e, {e->left.get(), e->right.get()});
  return e;
}

ExprPtr parse_unary(ParserState& s, bool with_filter) {
  const ParserState::Depth depth(s);
  const uint32_t line = s.line();
  ExprPtr e;
  if (s.skip_op("-")) {
    e = make_unary(s, ExprKind::negate, line, parse_unary(s, false));
  } else if (s.skip_op("+")) {
    e = make_unary(s, ExprKind::plus, line, parse_unary(s, false));
  } else {
    e = parse_primary(s);
  }
  e = parse_postfix(s, std::move(e));
  return with_filter ? parse_filters_and_tests(s, std::move(e)) : std::move(e);
}

ExprPtr parse_power(ParserState& s) {
  ExprPtr e = parse_unary(s, true);
  for (uint32_t line = s.line(); s.skip_op("**"); line = s.line()) {
    e = make_binary(s, ExprKind::binary, BinaryOp::pow, line, std::move(e), parse_unary(s, true));
  }
  return e;
}

struct OperatorName {
  std::string_view text;
  BinaryOp op;
};
constexpr std::array<OperatorName, 4> kProducts = {{{"*", BinaryOp::mul},
                                                    {"/", BinaryOp::div},
                                                    {"//", BinaryOp::floor_div},
                                                    {"%", BinaryOp::mod}}};
constexpr std::array<OperatorName, 2> kSums = {{{"+", BinaryOp::add}, {"-", BinaryOp::sub}}};

// Left to right: `operand (op operand)*`.
template <size_t N>
ExprPtr parse_left(ParserState& s, const std::array<OperatorName, N>& operators,
                   ExprPtr (*operand)(ParserState&)) {
  ExprPtr e = operand(s);
  while (s.token().kind == TokenKind::op) {
    const auto* it = std::find_if(operators.begin(), operators.end(),
                                  [&](const OperatorName& o) { return s.token().text == o.text; });
    if (it == operators.end()) break;
    const uint32_t line = s.line();
    s.next();
    e = make_binary(s, ExprKind::binary, it->op, line, std::move(e), operand(s));
  }
  return e;
}

ExprPtr parse_product(ParserState& s) { return parse_left(s, kProducts, parse_power); }

ExprPtr parse_concat(ParserState& s) {
  ExprPtr e = parse_product(s);
  if (!s.token().is_op("~")) return e;
  auto concat = std::make_unique<ListExpr>(ExprKind::concat, s.line());
  s.set_height(*concat, {e.get()});
  concat->items.push_back(std::move(e));
  while (s.skip_op("~")) {
    concat->items.push_back(parse_product(s));
    s.set_height(*concat, {concat->items.back().get()});
  }
  return concat;
}

ExprPtr parse_sum(ParserState& s) { return parse_left(s, kSums, parse_concat); }

struct CompareName {
  std::string_view text;
  CompareOp op;
};
constexpr std::array<CompareName, 6> kComparisons = {{{"==", CompareOp::eq},
                                                      {"!=", CompareOp::ne},
                                                      {"<", CompareOp::lt},
                                                      {"<=", CompareOp::le},
                                                      {">", CompareOp::gt},
                                                      {">=", CompareOp::ge}}};

bool skip_comparison(ParserState& s, CompareOp& op) {
  for (const CompareName& c : kComparisons) {
    if (s.skip_op(c.text)) {
      op = c.op;
      return true;
    }
  }
  if (s.skip_name("in")) {
    op = CompareOp::in;
    return true;
  }
  if (s.token().is_name("not") && s.peek().is_name("in")) {
    s.next();
    s.next();
    op = CompareOp::not_in;
    return true;
  }
  return false;
}

ExprPtr parse_compare(ParserState& s) {
  const uint32_t line = s.line();
  ExprPtr e = parse_sum(s);
  CompareOp op{};
  if (!skip_comparison(s, op)) return e;
  auto compare = std::make_unique<CompareExpr>(line);
  s.set_height(*compare, {e.get()});
  compare->first = std::move(e);
  do {
    compare->rest.emplace_back(op, parse_sum(s));
    s.set_height(*compare, {compare->rest.back().second.get()});
  } while (skip_comparison(s, op));
  return compare;
}

ExprPtr parse_not(ParserState& s) {
  const uint32_t line = s.line();
  if (!s.token().is_name("not")) return parse_compare(s);
  const ParserState::Depth depth(s);
  s.next();
  return make_unary(s, ExprKind::logical_not, line, parse_not(s));
}

ExprPtr parse_and(ParserState& s) {
  ExprPtr e = parse_not(s);
  for (uint32_t line = s.line(); s.skip_name("and"); line = s.line()) {
    e = make_binary(s, ExprKind::logical_and, {}, line, std::move(e), parse_not(s));
  }
  return e;
}

ExprPtr parse_or(ParserState& s) {
  ExprPtr e = parse_and(s);
  for (uint32_t line = s.line(); s.skip_name("or"); line = s.line()) {
    e = make_binary(s, ExprKind::logical_or, {}, line, std::move(e), parse_and(s));
  }
  return e;
}

}  // namespace

ExprPtr parse_expression(ParserState& s, bool with_conditional) {
  const ParserState::Depth depth(s);
  if (!with_conditional) return parse_or(s);
  const size_t n_unknown = s.unknown.size();
  ExprPtr e = parse_or(s);
  while (s.token().is_name("if")) {
    auto conditional = std::make_unique<ConditionalExpr>(s.line());
    s.next();
    conditional->then = std::move(e);
    conditional->test = parse_or(s);
    if (s.skip_name("else")) conditional->otherwise = parse_expression(s);
    s.unknown.resize(n_unknown);  // inside of a conditional they are an error when they run
    s.set_height(*conditional,
                 {conditional->test.get(), conditional->then.get(), conditional->otherwise.get()});
    e = std::move(conditional);
  }
  return e;
}

ExprPtr parse_tuple(ParserState& s, bool with_conditional, std::string_view end_name) {
  const uint32_t line = s.line();
  ExprPtr first = parse_expression(s, with_conditional);
  if (!s.token().is_op(",")) return first;
  auto tuple = std::make_unique<ListExpr>(ExprKind::tuple, line);
  tuple->items.push_back(std::move(first));
  while (s.skip_op(",")) {
    const Token& t = s.token();
    if (t.kind == TokenKind::variable_end || t.kind == TokenKind::block_end || t.is_op(")") ||
        (!end_name.empty() && t.is_name(end_name))) {
      break;
    }
    tuple->items.push_back(parse_expression(s, with_conditional));
  }
  for (const auto& item : tuple->items) s.set_height(*tuple, {item.get()});
  return tuple;
}

std::vector<std::unique_ptr<const FilterExpr>> parse_filter_chain(ParserState& s) {
  std::vector<std::unique_ptr<const FilterExpr>> chain;
  do {
    chain.push_back(parse_one_filter(s, nullptr));
  } while (s.skip_op("|"));
  return chain;
}

}  // namespace wattle::chat::jinja
