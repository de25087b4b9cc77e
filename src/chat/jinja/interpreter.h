// SPDX-License-Identifier: Apache-2.0
// Runs a compiled template: scopes, loops, macros.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "chat/jinja/ast.h"
#include "chat/jinja/runtime.h"

namespace wattle::chat::jinja {

// Variables of a block. Looked up through the parents; set in place only, so that what a loop body
// sets ends with the iteration.
struct Scope final : Object {
  explicit Scope(Scope* p) : Object(ObjectKind::scope), parent(p) {}
  static bool is(ObjectKind k) { return k == ObjectKind::scope; }

  const Value* find(Symbol symbol) const noexcept;
  void set(Symbol symbol, Value value);

  Scope* parent;
  std::vector<std::pair<Symbol, Value>> variables;
  bool kept = false;  // a macro made inside may still look in here
};

struct Macro final : Object {
  Macro(const MacroStmt* d, Scope* s) : Object(ObjectKind::macro), decl(d), scope(s) {}
  static bool is(ObjectKind k) { return k == ObjectKind::macro; }

  std::optional<Value> attribute(Runtime& rt, std::string_view name) const;

  const MacroStmt* decl;
  Scope* scope;  // where it was defined
};

// The variable `loop`.
struct Loop final : Object {
  Loop() : Object(ObjectKind::loop) {}
  static bool is(ObjectKind k) { return k == ObjectKind::loop; }

  std::optional<Value> attribute(Runtime& rt, std::string_view name) const;

  std::vector<Value> items;
  size_t index = 0;
  size_t depth = 0;
  const ForStmt* recursive = nullptr;  // what loop(items) runs again; null: loop cannot be called
  Scope* scope = nullptr;              // around the loop
  std::optional<std::vector<Value>> last_changed;  // what loop.changed() saw
};

// One rendering. Not thread-safe; the Template must outlive it.
class Interpreter {
 public:
  Interpreter(const Template& tmpl, Runtime& rt);

  // A variable that the template sees. Those that it never names are dropped.
  void define(std::string_view name, Value value);
  // Throws Error{bad_input}.
  Text run();

 private:
  enum class Flow { normal, break_, continue_ };

  // execute.cpp
  Flow exec(const Body& body, Scope& scope, Text& out);
  Flow exec(const Stmt& stmt, Scope& scope, Text& out);
  Flow exec_if(const IfStmt& stmt, Scope& scope, Text& out);
  Flow exec_for(const ForStmt& stmt, Scope& scope, Text& out);
  Flow run_loop(const ForStmt& stmt, Scope& scope, const Value& iterable, size_t depth, Text& out);
  std::vector<Value> loop_items(const ForStmt& stmt, Scope& scope, const Value& iterable);
  Flow exec_with(const WithStmt& stmt, Scope& scope, Text& out);
  Flow exec_set_block(const SetBlockStmt& stmt, Scope& scope);
  Flow exec_filter_block(const FilterBlockStmt& stmt, Scope& scope, Text& out);
  void exec_call_block(const CallBlockStmt& stmt, Scope& scope, Text& out);
  void assign(const Target& target, const Value& value, Scope& scope);
  void assign_attribute(const Target& target, const Value& value, Scope& scope);
  Value apply_filters(const std::vector<std::unique_ptr<const FilterExpr>>& filters, Value value,
                      Scope& scope);

  // evaluate.cpp
  Value eval(const Expr& expr, Scope& scope);
  Value eval_name(const NameExpr& expr, Scope& scope);
  Value eval_dict(const DictExpr& expr, Scope& scope);
  Value eval_concat(const ListExpr& expr, Scope& scope);
  Value eval_compare(const CompareExpr& expr, Scope& scope);
  Value eval_conditional(const ConditionalExpr& expr, Scope& scope);
  Value eval_filter(const FilterExpr& expr, Scope& scope);
  Value eval_slice(const SliceExpr& expr, Scope& scope);
  std::vector<Value> eval_items(const std::vector<ExprPtr>& exprs, Scope& scope);
  Arguments eval_arguments(const CallArguments& arguments, Scope& scope);
  Value apply_filter(const FilterExpr& filter, const Value& operand, Scope& scope);

  // call.cpp
  Value call(const Value& callee, Arguments&& arguments);
  Value call_macro(const Macro& macro, Arguments&& arguments);
  void bind_parameters(const MacroStmt& decl, Arguments& arguments, Scope& scope);

  // Scopes that no macro keeps are used again.
  class ScopeLease;
  Scope* take_scope(Scope* parent);
  void return_scope(Scope* scope);

  const Template& template_;
  Runtime& rt_;
  Scope* globals_;
  std::vector<Scope*> free_scopes_;
  std::vector<std::pair<std::string_view, Symbol>> symbols_;  // sorted by name
  std::optional<Symbol> loop_symbol_, varargs_symbol_, kwargs_symbol_, caller_symbol_;
};

class Interpreter::ScopeLease {
 public:
  ScopeLease(Interpreter& interpreter, Scope& parent)
      : interpreter_(interpreter), scope_(interpreter.take_scope(&parent)) {}
  ~ScopeLease() { interpreter_.return_scope(scope_); }
  ScopeLease(const ScopeLease&) = delete;
  ScopeLease& operator=(const ScopeLease&) = delete;

  Scope& operator*() const noexcept { return *scope_; }
  Scope* operator->() const noexcept { return scope_; }

 private:
  Interpreter& interpreter_;
  Scope* scope_;
};

}  // namespace wattle::chat::jinja
