// SPDX-License-Identifier: Apache-2.0
#include "chat/template.h"

#include <algorithm>
#include <array>

#include "chat/jinja/from_json.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/parser.h"

namespace wattle::chat {
namespace {

using jinja::Text;

// Roles that a caller chooses from, and no user writes.
constexpr std::array<std::string_view, 8> kRoles = {"system", "developer", "user",    "assistant",
                                                    "tool",   "function",  "ipython", "model"};

void trust_roles(jinja::Runtime& rt, const jinja::Value& messages) {
  const auto* list = messages.as<jinja::Sequence>();
  if (list == nullptr) return;
  for (const jinja::Value& message : list->items) {
    auto* dict = message.as<jinja::Dict>();
    const jinja::Value* role = dict != nullptr ? dict->find("role") : nullptr;
    if (role == nullptr || !role->is_string()) continue;
    if (std::find(kRoles.begin(), kRoles.end(), role->view()) != kRoles.end()) {
      dict->set(rt.string("role"), rt.string(role->view()));
    }
  }
}

Text render_text(const jinja::Template& compiled, const TemplateInput& input) {
  jinja::Runtime rt(jinja::Limits{}, input.now);
  jinja::Interpreter interpreter(compiled, rt);
  for (const auto& [name, text] : input.special_tokens) interpreter.define(name, rt.string(text));
  for (const auto& [name, json] : input.variables.items()) {
    const jinja::Value value = jinja::from_json(rt, json);
    if (name == "messages") trust_roles(rt, value);
    interpreter.define(name, value);
  }
  return interpreter.run();
}

}  // namespace

ChatTemplate::ChatTemplate(std::string_view source)
    : source_(source),
      compiled_(std::make_shared<jinja::Template>(jinja::parse(source, jinja::Limits{}))) {}

std::string ChatTemplate::render(const TemplateInput& input) const {
  return render_text(*compiled_, input).bytes();
}

std::vector<TextSegment> ChatTemplate::render_segments(const TemplateInput& input) const {
  return render_text(*compiled_, input).segments();
}

}  // namespace wattle::chat
