// SPDX-License-Identifier: Apache-2.0
// Statements.
#include <fmt/format.h>

#include "chat/jinja/access.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"

namespace wattle::chat::jinja {
namespace {

void keep_chain(Scope* scope) {
  for (; scope != nullptr && !scope->kept; scope = scope->parent) scope->kept = true;
}

void append_limited(Runtime& rt, Text& out, const Text& text) {
  rt.check_text_size(out.size() + text.size());
  rt.step_bytes(text.size());
  out.append(text);
}

}  // namespace

Interpreter::Flow Interpreter::exec(const Body& body, Scope& scope, Text& out) {
  for (const StmtPtr& stmt : body) {
    if (const Flow flow = exec(*stmt, scope, out); flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::exec(const Stmt& stmt, Scope& scope, Text& out) {
  const Runtime::Depth depth(rt_);
  rt_.step();
  rt_.line = static_cast<int>(stmt.line);
  switch (stmt.kind) {
    case StmtKind::text: {
      const std::string& text = static_cast<const TextStmt&>(stmt).text;
      rt_.check_text_size(out.size() + text.size());
      rt_.step_bytes(text.size());
      out.append(text, Origin::template_text);
      return Flow::normal;
    }
    case StmtKind::output: {
      const Value value = eval(*static_cast<const OutputStmt&>(stmt).value, scope);
      if (value.is_string()) {
        append_limited(rt_, out, value.text());
      } else {
        append_str(rt_, out, value);
      }
      return Flow::normal;
    }
    case StmtKind::if_: return exec_if(static_cast<const IfStmt&>(stmt), scope, out);
    case StmtKind::for_: return exec_for(static_cast<const ForStmt&>(stmt), scope, out);
    case StmtKind::set: {
      const auto& set = static_cast<const SetStmt&>(stmt);
      assign(set.target, eval(*set.value, scope), scope);
      return Flow::normal;
    }
    case StmtKind::set_block: return exec_set_block(static_cast<const SetBlockStmt&>(stmt), scope);
    case StmtKind::macro: {
      const auto& macro = static_cast<const MacroStmt&>(stmt);
      keep_chain(&scope);
      scope.set(macro.symbol, Value::object(rt_.make<Macro>(&macro, &scope)));
      return Flow::normal;
    }
    case StmtKind::call_block:
      exec_call_block(static_cast<const CallBlockStmt&>(stmt), scope, out);
      return Flow::normal;
    case StmtKind::filter_block:
      return exec_filter_block(static_cast<const FilterBlockStmt&>(stmt), scope, out);
    case StmtKind::with: return exec_with(static_cast<const WithStmt&>(stmt), scope, out);
    case StmtKind::break_: return Flow::break_;
    case StmtKind::continue_: return Flow::continue_;
    case StmtKind::unsupported: rt_.fail(static_cast<const UnsupportedStmt&>(stmt).what);
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::exec_if(const IfStmt& stmt, Scope& scope, Text& out) {
  for (const auto& [test, body] : stmt.branches) {
    if (truthy(eval(*test, scope))) return exec(body, scope, out);
  }
  return exec(stmt.otherwise, scope, out);
}

Interpreter::Flow Interpreter::exec_for(const ForStmt& stmt, Scope& scope, Text& out) {
  const Value iterable = eval(*stmt.iterable, scope);
  return run_loop(stmt, scope, iterable, 0, out);
}

std::vector<Value> Interpreter::loop_items(const ForStmt& stmt, Scope& scope,
                                           const Value& iterable) {
  std::vector<Value> items = iterate(rt_, iterable);
  if (!stmt.filter) return items;
  const ScopeLease inner(*this, scope);
  std::vector<Value> kept;
  for (Value& item : items) {
    inner->variables.clear();
    assign(stmt.target, item, *inner);
    if (truthy(eval(*stmt.filter, *inner))) kept.push_back(std::move(item));
  }
  return kept;
}

Interpreter::Flow Interpreter::run_loop(const ForStmt& stmt, Scope& scope, const Value& iterable,
                                        size_t depth, Text& out) {
  auto* loop = rt_.make<Loop>();
  loop->items = loop_items(stmt, scope, iterable);
  const size_t items_bytes = loop->items.size() * sizeof(Value);
  rt_.charge_memory(items_bytes);
  loop->depth = depth;
  loop->scope = &scope;
  if (stmt.recursive) {
    loop->recursive = &stmt;
    keep_chain(&scope);
  }
  bool ran = false;  // Jinja's `else` also runs where no iteration came to its end
  {
    const ScopeLease inner(*this, scope);
    for (loop->index = 0; loop->index < loop->items.size(); ++loop->index) {
      rt_.step();
      inner->variables.clear();
      if (loop_symbol_) inner->set(*loop_symbol_, Value::object(loop));
      assign(stmt.target, loop->items[loop->index], *inner);
      const Flow flow = exec(stmt.body, *inner, out);
      if (flow == Flow::break_) break;
      if (flow == Flow::normal) ran = true;
    }
  }
  loop->items.clear();
  loop->items.shrink_to_fit();
  rt_.release_memory(items_bytes);
  if (ran || stmt.otherwise.empty()) return Flow::normal;
  const ScopeLease inner(*this, scope);
  return exec(stmt.otherwise, *inner, out);
}

Interpreter::Flow Interpreter::exec_with(const WithStmt& stmt, Scope& scope, Text& out) {
  const ScopeLease inner(*this, scope);
  for (const auto& [target, expr] : stmt.variables) assign(target, eval(*expr, scope), *inner);
  return exec(stmt.body, *inner, out);
}

Interpreter::Flow Interpreter::exec_set_block(const SetBlockStmt& stmt, Scope& scope) {
  Text text;
  {
    const ScopeLease inner(*this, scope);
    if (const Flow flow = exec(stmt.body, *inner, text); flow != Flow::normal) return flow;
  }
  assign(stmt.target, apply_filters(stmt.filters, rt_.string(std::move(text)), scope), scope);
  return Flow::normal;
}

Interpreter::Flow Interpreter::exec_filter_block(const FilterBlockStmt& stmt, Scope& scope,
                                                 Text& out) {
  Text text;
  {
    const ScopeLease inner(*this, scope);
    if (const Flow flow = exec(stmt.body, *inner, text); flow != Flow::normal) return flow;
  }
  append_str(rt_, out, apply_filters(stmt.filters, rt_.string(std::move(text)), scope));
  return Flow::normal;
}

void Interpreter::exec_call_block(const CallBlockStmt& stmt, Scope& scope, Text& out) {
  keep_chain(&scope);
  const Value callee = eval(*stmt.call->callee, scope);
  Arguments arguments = eval_arguments(stmt.call->arguments, scope);
  const Value caller = Value::object(rt_.make<Macro>(stmt.caller.get(), &scope));
  arguments.keyword.emplace_back(rt_.string("caller").as_string(), caller);
  rt_.line = static_cast<int>(stmt.line);
  append_str(rt_, out, call(callee, std::move(arguments)));
}

Value Interpreter::apply_filters(const std::vector<std::unique_ptr<const FilterExpr>>& filters,
                                 Value value, Scope& scope) {
  for (const auto& filter : filters) value = apply_filter(*filter, value, scope);
  return value;
}

void Interpreter::assign(const Target& target, const Value& value, Scope& scope) {
  switch (target.kind) {
    case Target::Kind::name: scope.set(target.symbol, value); return;
    case Target::Kind::attribute: assign_attribute(target, value, scope); return;
    case Target::Kind::tuple: break;
  }
  const std::vector<Value> items = iterate(rt_, value);
  if (items.size() != target.items.size()) {
    rt_.fail(
        fmt::format("cannot unpack {} values into {} names", items.size(), target.items.size()));
  }
  for (size_t i = 0; i < items.size(); ++i) assign(target.items[i], items[i], scope);
}

void Interpreter::assign_attribute(const Target& target, const Value& value, Scope& scope) {
  const Value* owner = scope.find(target.symbol);
  auto* ns = owner != nullptr ? owner->as<Namespace>() : nullptr;
  if (ns == nullptr) {
    rt_.fail(fmt::format("'{}' is no namespace, so its attribute '{}' cannot be set",
                         template_.symbols[target.symbol], target.attribute->text.view()));
  }
  if (target.attribute->text.view().substr(0, 1) == "_") {
    rt_.fail(fmt::format("the attribute '{}' of a namespace must not begin with an underscore",
                         target.attribute->text.view()));
  }
  rt_.charge_memory(sizeof(Value));
  ns->attributes.set(Value::string(target.attribute), value);
}

}  // namespace wattle::chat::jinja
