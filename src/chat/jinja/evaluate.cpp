// SPDX-License-Identifier: Apache-2.0
// Expressions.
#include <fmt/format.h>

#include "chat/jinja/access.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"

namespace wattle::chat::jinja {
namespace {

bool holds(Runtime& rt, CompareOp op, const Value& a, const Value& b) {
  switch (op) {
    case CompareOp::eq: return equal(rt, a, b);
    case CompareOp::ne: return !equal(rt, a, b);
    case CompareOp::lt: return compare(rt, a, b, "<") < 0;
    case CompareOp::le: return compare(rt, a, b, "<=") <= 0;
    case CompareOp::gt: return compare(rt, a, b, ">") > 0;
    case CompareOp::ge: return compare(rt, a, b, ">=") >= 0;
    case CompareOp::in: return contains(rt, b, a);
    case CompareOp::not_in: return !contains(rt, b, a);
  }
  return false;
}

}  // namespace

Value Interpreter::eval(const Expr& expr, Scope& scope) {
  const Runtime::Depth depth(rt_);
  rt_.step();
  switch (expr.kind) {
    case ExprKind::constant: return static_cast<const ConstantExpr&>(expr).value;
    case ExprKind::name: return eval_name(static_cast<const NameExpr&>(expr), scope);
    case ExprKind::list:
      return rt_.list(eval_items(static_cast<const ListExpr&>(expr).items, scope));
    case ExprKind::tuple:
      return rt_.tuple(eval_items(static_cast<const ListExpr&>(expr).items, scope));
    case ExprKind::dict: return eval_dict(static_cast<const DictExpr&>(expr), scope);
    case ExprKind::concat: return eval_concat(static_cast<const ListExpr&>(expr), scope);
    case ExprKind::negate:
    case ExprKind::plus: {
      const Value v = eval(*static_cast<const UnaryExpr&>(expr).operand, scope);
      rt_.line = static_cast<int>(expr.line);
      return expr.kind == ExprKind::negate ? negate(rt_, v) : plus(rt_, v);
    }
    case ExprKind::logical_not:
      return Value::boolean(!truthy(eval(*static_cast<const UnaryExpr&>(expr).operand, scope)));
    case ExprKind::binary: {
      const auto& e = static_cast<const BinaryExpr&>(expr);
      const Value a = eval(*e.left, scope);
      const Value b = eval(*e.right, scope);
      rt_.line = static_cast<int>(expr.line);
      return binary(rt_, e.op, a, b);
    }
    case ExprKind::logical_and:
    case ExprKind::logical_or: {
      const auto& e = static_cast<const BinaryExpr&>(expr);
      Value a = eval(*e.left, scope);
      if (truthy(a) == (expr.kind == ExprKind::logical_or)) return a;
      return eval(*e.right, scope);
    }
    case ExprKind::compare: return eval_compare(static_cast<const CompareExpr&>(expr), scope);
    case ExprKind::conditional:
      return eval_conditional(static_cast<const ConditionalExpr&>(expr), scope);
    case ExprKind::filter:
    case ExprKind::test: return eval_filter(static_cast<const FilterExpr&>(expr), scope);
    case ExprKind::attribute: {
      const auto& e = static_cast<const AttributeExpr&>(expr);
      const Value v = eval(*e.operand, scope);
      rt_.line = static_cast<int>(expr.line);
      return get_attribute(rt_, v, e.name);
    }
    case ExprKind::item: {
      const auto& e = static_cast<const ItemExpr&>(expr);
      const Value v = eval(*e.operand, scope);
      const Value key = eval(*e.key, scope);
      rt_.line = static_cast<int>(expr.line);
      return get_item(rt_, v, key);
    }
    case ExprKind::slice: return eval_slice(static_cast<const SliceExpr&>(expr), scope);
    case ExprKind::call: {
      const auto& e = static_cast<const CallExpr&>(expr);
      const Value callee = eval(*e.callee, scope);
      Arguments arguments = eval_arguments(e.arguments, scope);
      rt_.line = static_cast<int>(expr.line);
      return call(callee, std::move(arguments));
    }
  }
  return {};
}

Value Interpreter::eval_name(const NameExpr& expr, Scope& scope) {
  if (const Value* v = scope.find(expr.symbol)) return *v;
  return Value::undefined({.owner = nullptr, .name = expr.name});
}

std::vector<Value> Interpreter::eval_items(const std::vector<ExprPtr>& exprs, Scope& scope) {
  std::vector<Value> items;
  items.reserve(exprs.size());
  for (const ExprPtr& e : exprs) items.push_back(eval(*e, scope));
  return items;
}

Value Interpreter::eval_dict(const DictExpr& expr, Scope& scope) {
  auto* dict = rt_.make<Dict>();
  rt_.charge_memory(expr.entries.size() * 2 * sizeof(Value));
  for (const auto& [key_expr, value_expr] : expr.entries) {
    const Value key = eval(*key_expr, scope);
    if (!is_hashable(rt_, key)) {
      rt_.fail(fmt::format("a '{}' cannot be the key of a dict", type_name(key)));
    }
    dict->set(key, eval(*value_expr, scope));
  }
  return Value::object(dict);
}

Value Interpreter::eval_concat(const ListExpr& expr, Scope& scope) {
  Text out;
  for (const ExprPtr& e : expr.items) append_str(rt_, out, eval(*e, scope));
  return rt_.string(std::move(out));
}

Value Interpreter::eval_compare(const CompareExpr& expr, Scope& scope) {
  Value left = eval(*expr.first, scope);
  for (const auto& [op, right_expr] : expr.rest) {
    Value right = eval(*right_expr, scope);
    rt_.line = static_cast<int>(expr.line);
    if (!holds(rt_, op, left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::eval_conditional(const ConditionalExpr& expr, Scope& scope) {
  if (truthy(eval(*expr.test, scope))) return eval(*expr.then, scope);
  return expr.otherwise ? eval(*expr.otherwise, scope) : Value();
}

Value Interpreter::eval_slice(const SliceExpr& expr, Scope& scope) {
  const Value v = eval(*expr.operand, scope);
  const auto part = [&](const ExprPtr& e) { return e ? eval(*e, scope) : Value::none(); };
  const Value start = part(expr.start);
  const Value stop = part(expr.stop);
  const Value step = part(expr.step);
  rt_.line = static_cast<int>(expr.line);
  return get_slice(rt_, v, start, stop, step);
}

Value Interpreter::eval_filter(const FilterExpr& expr, Scope& scope) {
  const Value operand = eval(*expr.operand, scope);
  Value result = apply_filter(expr, operand, scope);
  return expr.negated ? Value::boolean(!truthy(result)) : std::move(result);
}

Value Interpreter::apply_filter(const FilterExpr& filter, const Value& operand, Scope& scope) {
  Arguments arguments = eval_arguments(filter.arguments, scope);
  rt_.line = static_cast<int>(filter.line);
  if (filter.builtin == nullptr) {
    rt_.fail(fmt::format("there is no {} named '{}'",
                         filter.kind == ExprKind::filter ? "filter" : "test", filter.name));
  }
  return call_builtin(rt_, *filter.builtin, &operand, std::move(arguments));
}

Arguments Interpreter::eval_arguments(const CallArguments& arguments, Scope& scope) {
  Arguments result;
  result.positional = eval_items(arguments.positional, scope);
  for (const auto& [name, e] : arguments.keyword) {
    result.keyword.emplace_back(name, eval(*e, scope));
  }
  if (arguments.star) {
    for (Value& v : iterate(rt_, eval(*arguments.star, scope))) {
      result.positional.push_back(std::move(v));
    }
  }
  if (arguments.star_star) {
    const Value v = eval(*arguments.star_star, scope);
    const auto* dict = v.as<Dict>();
    if (dict == nullptr) rt_.fail(fmt::format("** needs a dict, got '{}'", type_name(v)));
    for (const auto& [key, value] : dict->entries) {
      if (!key.is_string()) rt_.fail("the keys behind ** must be strings");
      result.keyword.emplace_back(key.as_string(), value);
    }
  }
  return result;
}

}  // namespace wattle::chat::jinja
