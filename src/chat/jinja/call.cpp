// SPDX-License-Identifier: Apache-2.0
// Calls: functions, methods, macros, recursive loops.
#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/interpreter.h"
#include "chat/jinja/print.h"

namespace wattle::chat::jinja {
namespace {

// Moves the named argument out; false where there is none.
bool take_keyword(Arguments& arguments, std::string_view name, Value& out) {
  const auto it = std::find_if(arguments.keyword.begin(), arguments.keyword.end(),
                               [&](const auto& k) { return k.first->text.view() == name; });
  if (it == arguments.keyword.end()) return false;
  out = std::move(it->second);
  arguments.keyword.erase(it);
  return true;
}

}  // namespace

Value Interpreter::call(const Value& callee, Arguments&& arguments) {
  if (callee.is_undefined()) rt_.fail_undefined(callee.as_undefined());
  if (const auto* f = callee.as<Function>()) {
    return call_builtin(rt_, *f->builtin, nullptr, std::move(arguments));
  }
  if (const auto* m = callee.as<Method>()) {
    return call_builtin(rt_, *m->builtin, &m->self, std::move(arguments));
  }
  if (const auto* macro = callee.as<Macro>()) return call_macro(*macro, std::move(arguments));
  if (const auto* loop = callee.as<Loop>()) {
    if (loop->recursive == nullptr) rt_.fail("only a loop marked 'recursive' can be called");
    if (arguments.positional.size() != 1 || !arguments.keyword.empty()) {
      rt_.fail("loop() takes one argument, what to walk");
    }
    Text out;
    run_loop(*loop->recursive, *loop->scope, arguments.positional[0], loop->depth + 1, out);
    return rt_.string(std::move(out));
  }
  if (auto* joiner = callee.as<Joiner>()) {
    if (std::exchange(joiner->used, true)) return joiner->separator;
    return rt_.string("");
  }
  rt_.fail(fmt::format("'{}' object is not callable", type_name(callee)));
}

Value Interpreter::call_macro(const Macro& macro, Arguments&& arguments) {
  const ScopeLease scope(*this, *macro.scope);
  bind_parameters(*macro.decl, arguments, *scope);
  Text out;
  exec(macro.decl->body, *scope, out);
  return rt_.string(std::move(out));
}

// By position, then by name, then by default; what is left over goes to varargs, kwargs and caller
// where the macro uses them, and is an error where it does not.
void Interpreter::bind_parameters(const MacroStmt& decl, Arguments& arguments, Scope& scope) {
  const size_t n = decl.parameters.size();
  const size_t n_positional = std::min(n, arguments.positional.size());
  for (size_t i = 0; i < n_positional; ++i) {
    scope.set(decl.parameters[i].symbol, arguments.positional[i]);
  }
  std::vector<const MacroStmt::Parameter*> missing;
  for (size_t i = n_positional; i < n; ++i) {
    const auto& p = decl.parameters[i];
    Value v = Value::undefined({.owner = nullptr, .name = p.name});
    if (!take_keyword(arguments, p.name->text.view(), v) && p.otherwise) missing.push_back(&p);
    scope.set(p.symbol, std::move(v));
  }
  for (const auto* p : missing) scope.set(p->symbol, eval(*p->otherwise, scope));

  if (decl.uses_varargs) {
    scope.set(*varargs_symbol_,
              rt_.tuple({arguments.positional.begin() + static_cast<std::ptrdiff_t>(n_positional),
                         arguments.positional.end()}));
  } else if (arguments.positional.size() > n) {
    rt_.fail(fmt::format("macro '{}' takes {} arguments at most, got {}", decl.name, n,
                         arguments.positional.size()));
  }
  if (decl.uses_caller) {
    Value caller = Value::undefined({.owner = nullptr, .name = rt_.string("caller").as_string()});
    take_keyword(arguments, "caller", caller);
    scope.set(*caller_symbol_, std::move(caller));
  }
  if (decl.uses_kwargs) {
    auto* dict = rt_.make<Dict>();
    for (auto& [name, value] : arguments.keyword) {
      dict->set(Value::string(name), std::move(value));
    }
    scope.set(*kwargs_symbol_, Value::object(dict));
  } else if (!arguments.keyword.empty()) {
    rt_.fail(fmt::format("macro '{}' has no parameter '{}'", decl.name,
                         arguments.keyword.front().first->text.view()));
  }
}

}  // namespace wattle::chat::jinja
