// SPDX-License-Identifier: Apache-2.0
// A compiled template: trees of expressions and statements, immutable, shared by renderings.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat/jinja/builtin.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/value.h"

namespace wattle::chat::jinja {

using Symbol = uint32_t;  // a variable name of one template, index into Template::symbols

// --- expressions ---------------------------------------------------------------------------------

enum class ExprKind : uint8_t {
  constant,
  name,
  list,
  tuple,
  dict,
  negate,
  plus,
  logical_not,
  binary,
  compare,
  logical_and,
  logical_or,
  concat,
  conditional,
  filter,
  test,
  attribute,
  item,
  slice,
  call,
};

struct Expr {
  Expr(ExprKind k, uint32_t l) : kind(k), line(l) {}
  virtual ~Expr() = default;

  const ExprKind kind;
  const uint32_t line;
  int height = 1;  // of the tree below; the parser limits it
};
using ExprPtr = std::unique_ptr<const Expr>;

struct ConstantExpr final : Expr {
  ConstantExpr(uint32_t l, Value v) : Expr(ExprKind::constant, l), value(std::move(v)) {}
  Value value;
};

struct NameExpr final : Expr {
  NameExpr(uint32_t l, Symbol s, StringRef n)
      : Expr(ExprKind::name, l), symbol(s), name(std::move(n)) {}
  Symbol symbol;
  StringRef name;
};

struct ListExpr final : Expr {  // kind list, tuple or concat (a ~ b ~ c)
  using Expr::Expr;
  std::vector<ExprPtr> items;
};

struct DictExpr final : Expr {
  explicit DictExpr(uint32_t l) : Expr(ExprKind::dict, l) {}
  std::vector<std::pair<ExprPtr, ExprPtr>> entries;
};

struct UnaryExpr final : Expr {  // negate, plus, logical_not
  UnaryExpr(ExprKind k, uint32_t l, ExprPtr e) : Expr(k, l), operand(std::move(e)) {}
  ExprPtr operand;
};

struct BinaryExpr final : Expr {  // binary (see op), logical_and, logical_or
  BinaryExpr(ExprKind k, uint32_t l, BinaryOp o, ExprPtr a, ExprPtr b)
      : Expr(k, l), op(o), left(std::move(a)), right(std::move(b)) {}
  BinaryOp op;
  ExprPtr left, right;
};

enum class CompareOp : uint8_t { eq, ne, lt, le, gt, ge, in, not_in };

struct CompareExpr final : Expr {  // a < b <= c: true where every pair is
  explicit CompareExpr(uint32_t l) : Expr(ExprKind::compare, l) {}
  ExprPtr first;
  std::vector<std::pair<CompareOp, ExprPtr>> rest;
};

struct ConditionalExpr final : Expr {
  explicit ConditionalExpr(uint32_t l) : Expr(ExprKind::conditional, l) {}
  ExprPtr test, then, otherwise;  // otherwise may be null: undefined
};

struct CallArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<StringRef, ExprPtr>> keyword;
  ExprPtr star, star_star;  // *args, **kwargs; may be null
};

struct FilterExpr final : Expr {  // kind filter or test
  using Expr::Expr;
  const Builtin* builtin = nullptr;  // null: there is none of that name, an error when it runs
  std::string name;
  ExprPtr operand;  // null in {% filter %} and {% set %} blocks: the text of the block
  CallArguments arguments;
  bool negated = false;  // is not
};

struct AttributeExpr final : Expr {
  AttributeExpr(uint32_t l, ExprPtr e, StringRef n)
      : Expr(ExprKind::attribute, l), operand(std::move(e)), name(std::move(n)) {}
  ExprPtr operand;
  StringRef name;
};

struct ItemExpr final : Expr {
  ItemExpr(uint32_t l, ExprPtr e, ExprPtr k)
      : Expr(ExprKind::item, l), operand(std::move(e)), key(std::move(k)) {}
  ExprPtr operand, key;
};

struct SliceExpr final : Expr {
  explicit SliceExpr(uint32_t l) : Expr(ExprKind::slice, l) {}
  ExprPtr operand, start, stop, step;  // the last three may be null
};

struct CallExpr final : Expr {
  explicit CallExpr(uint32_t l) : Expr(ExprKind::call, l) {}
  ExprPtr callee;
  CallArguments arguments;
};

// --- statements ----------------------------------------------------------------------------------

enum class StmtKind : uint8_t {
  text,
  output,
  if_,
  for_,
  set,
  set_block,
  macro,
  call_block,
  filter_block,
  with,
  break_,
  continue_,
  unsupported,
};

struct Stmt {
  Stmt(StmtKind k, uint32_t l) : kind(k), line(l) {}
  virtual ~Stmt() = default;

  const StmtKind kind;
  const uint32_t line;
};
using StmtPtr = std::unique_ptr<const Stmt>;
using Body = std::vector<StmtPtr>;

// What can be assigned to: a name, an attribute of a namespace, or a tuple of targets.
struct Target {
  enum class Kind : uint8_t { name, attribute, tuple } kind = Kind::name;
  Symbol symbol = 0;
  StringRef attribute;
  std::vector<Target> items;
};

struct TextStmt final : Stmt {
  TextStmt(uint32_t l, std::string t) : Stmt(StmtKind::text, l), text(std::move(t)) {}
  std::string text;
};

struct OutputStmt final : Stmt {
  OutputStmt(uint32_t l, ExprPtr e) : Stmt(StmtKind::output, l), value(std::move(e)) {}
  ExprPtr value;
};

struct IfStmt final : Stmt {
  explicit IfStmt(uint32_t l) : Stmt(StmtKind::if_, l) {}
  std::vector<std::pair<ExprPtr, Body>> branches;
  Body otherwise;
};

struct ForStmt final : Stmt {
  explicit ForStmt(uint32_t l) : Stmt(StmtKind::for_, l) {}
  Target target;
  ExprPtr iterable;
  ExprPtr filter;  // for x in y if filter; may be null
  Body body, otherwise;
  bool recursive = false;
};

struct SetStmt final : Stmt {
  explicit SetStmt(uint32_t l) : Stmt(StmtKind::set, l) {}
  Target target;
  ExprPtr value;
};

struct SetBlockStmt final : Stmt {
  explicit SetBlockStmt(uint32_t l) : Stmt(StmtKind::set_block, l) {}
  Target target;
  std::vector<std::unique_ptr<const FilterExpr>> filters;  // applied in order
  Body body;
};

// A macro, or the body of a call block (named "caller").
struct MacroStmt final : Stmt {
  explicit MacroStmt(uint32_t l) : Stmt(StmtKind::macro, l) {}
  struct Parameter {
    Symbol symbol;
    StringRef name;
    ExprPtr otherwise;  // the default; may be null
  };
  std::string name;
  Symbol symbol = 0;
  std::vector<Parameter> parameters;
  Body body;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

struct CallBlockStmt final : Stmt {
  explicit CallBlockStmt(uint32_t l) : Stmt(StmtKind::call_block, l) {}
  std::unique_ptr<const CallExpr> call;
  std::unique_ptr<const MacroStmt> caller;
};

struct FilterBlockStmt final : Stmt {
  explicit FilterBlockStmt(uint32_t l) : Stmt(StmtKind::filter_block, l) {}
  std::vector<std::unique_ptr<const FilterExpr>> filters;
  Body body;
};

// {% with %}, and {% generation %} and {% autoescape false %}, which have no variables of their
// own.
struct WithStmt final : Stmt {
  explicit WithStmt(uint32_t l) : Stmt(StmtKind::with, l) {}
  std::vector<std::pair<Target, ExprPtr>> variables;
  Body body;
};

struct PlainStmt final : Stmt {  // break_, continue_
  using Stmt::Stmt;
};

// include and the like: compiles, and fails when it runs, as without a loader in Jinja.
struct UnsupportedStmt final : Stmt {
  UnsupportedStmt(uint32_t l, std::string w) : Stmt(StmtKind::unsupported, l), what(std::move(w)) {}
  std::string what;
};

struct Template {
  Body body;
  std::vector<std::string> symbols;
};

}  // namespace wattle::chat::jinja
