// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/interpreter.h"

#include <algorithm>

namespace wattle::chat::jinja {

const Value* Scope::find(Symbol symbol) const noexcept {
  for (const Scope* s = this; s != nullptr; s = s->parent) {
    for (const auto& [key, value] : s->variables) {
      if (key == symbol) return &value;
    }
  }
  return nullptr;
}

void Scope::set(Symbol symbol, Value value) {
  for (auto& [key, old] : variables) {
    if (key == symbol) {
      old = std::move(value);
      return;
    }
  }
  variables.emplace_back(symbol, std::move(value));
}

std::optional<Value> Macro::attribute(Runtime& rt, std::string_view name) const {
  if (name == "name") return rt.string(decl->name);
  if (name == "catch_varargs") return Value::boolean(decl->uses_varargs);
  if (name == "catch_kwargs") return Value::boolean(decl->uses_kwargs);
  if (name == "caller") return Value::boolean(decl->uses_caller);
  if (name == "arguments") {
    std::vector<Value> names;
    names.reserve(decl->parameters.size());
    for (const auto& p : decl->parameters) names.push_back(Value::string(p.name));
    return rt.tuple(std::move(names));
  }
  return std::nullopt;
}

std::optional<Value> Loop::attribute(Runtime& rt, std::string_view name) const {
  const auto i = static_cast<int64_t>(index);
  const auto n = static_cast<int64_t>(items.size());
  if (name == "index") return Value::integer(i + 1);
  if (name == "index0") return Value::integer(i);
  if (name == "first") return Value::boolean(index == 0);
  if (name == "last") return Value::boolean(index + 1 == items.size());
  if (name == "length") return Value::integer(n);
  if (name == "revindex") return Value::integer(n - i);
  if (name == "revindex0") return Value::integer(n - i - 1);
  if (name == "depth") return Value::integer(static_cast<int64_t>(depth) + 1);
  if (name == "depth0") return Value::integer(static_cast<int64_t>(depth));
  const auto neighbour = [&](bool exists, size_t at) {
    if (exists) return items[at];
    return Value::undefined({.owner = "loop", .name = rt.string(name).as_string()});
  };
  if (name == "previtem") return neighbour(index > 0, index - 1);
  if (name == "nextitem") return neighbour(index + 1 < items.size(), index + 1);
  return std::nullopt;
}

Interpreter::Interpreter(const Template& tmpl, Runtime& rt)
    : template_(tmpl), rt_(rt), globals_(rt.make<Scope>(nullptr)) {
  for (Symbol s = 0; s < template_.symbols.size(); ++s) {
    symbols_.emplace_back(template_.symbols[s], s);
  }
  std::sort(symbols_.begin(), symbols_.end());
  const auto symbol_of = [&](std::string_view name) -> std::optional<Symbol> {
    const auto it = std::lower_bound(symbols_.begin(), symbols_.end(), std::pair(name, Symbol{0}));
    if (it == symbols_.end() || it->first != name) return std::nullopt;
    return it->second;
  };
  loop_symbol_ = symbol_of("loop");
  varargs_symbol_ = symbol_of("varargs");
  kwargs_symbol_ = symbol_of("kwargs");
  caller_symbol_ = symbol_of("caller");
  for (const Builtin& f : all_functions()) {
    if (const auto s = symbol_of(f.name)) globals_->set(*s, Value::object(rt_.make<Function>(&f)));
  }
}

void Interpreter::define(std::string_view name, Value value) {
  const auto it = std::lower_bound(symbols_.begin(), symbols_.end(), std::pair(name, Symbol{0}));
  if (it != symbols_.end() && it->first == name) globals_->set(it->second, std::move(value));
}

Text Interpreter::run() {
  Text out;
  // Apart from the globals, so that {% set %} does not change what define() gave.
  exec(template_.body, *take_scope(globals_), out);
  return out;
}

Scope* Interpreter::take_scope(Scope* parent) {
  if (free_scopes_.empty()) return rt_.make<Scope>(parent);
  Scope* scope = free_scopes_.back();
  free_scopes_.pop_back();
  scope->parent = parent;
  return scope;
}

void Interpreter::return_scope(Scope* scope) {
  if (scope->kept) return;
  scope->variables.clear();
  free_scopes_.push_back(scope);
}

}  // namespace wattle::chat::jinja
