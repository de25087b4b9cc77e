// SPDX-License-Identifier: Apache-2.0
// `wattle template`: the prompt that a chat template makes of messages, byte for byte.
#include "chat/template.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json_input.h"
#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/text_file.h"
#include "gguf/reader.h"
#include "runtime/template_loader.h"
#include "runtime/vocab_loader.h"
#include "store/lookup.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

constexpr size_t kMaxTemplateBytes = size_t{4} << 20;
constexpr size_t kMaxJsonBytes = size_t{64} << 20;

struct Flags {
  std::string model;
  std::string template_file;
  std::string messages_file;
  std::string tools_file;
  std::vector<std::string> variables;  // key=json
  bool no_generation_prompt = false;
  std::string date;
};

Json read_array(const std::string& path, const char* flag) {
  const std::string what = fmt::format("{} {}", flag, path);
  Json json = parse_json(read_text_file(path, kMaxJsonBytes), what);
  if (!json.is_array()) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: {}, expected a JSON array", what, json.type_name()));
  }
  return json;
}

// A text under a name like bos_token may stand for a control token; all else is data.
void set_variable(const std::string& assignment, chat::TemplateInput& input) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorCode::usage, fmt::format("--set '{}': expected key=json", assignment));
  }
  const std::string key = assignment.substr(0, equals);
  Json value;
  try {
    value = parse_json(assignment.substr(equals + 1), fmt::format("--set {}", key));
  } catch (const Error& e) {
    throw Error(ErrorCode::usage, e.what(), "a text needs its quotes: --set 'name=\"text\"'");
  }
  if (value.is_string() && key.ends_with("_token")) {
    input.special_tokens.emplace_back(key, value.get<std::string>());
  } else {
    input.variables[key] = std::move(value);
  }
}

chat::TemplateInput input_of(const Flags& flags) {
  chat::TemplateInput input;
  input.now = flags.date.empty() ? chat::local_now() : chat::parse_civil_time(flags.date);
  input.variables["messages"] = read_array(flags.messages_file, "--messages");
  input.variables["tools"] = nullptr;
  if (!flags.tools_file.empty()) {
    input.variables["tools"] = read_array(flags.tools_file, "--tools");
  }
  input.variables["documents"] = nullptr;
  input.variables["add_generation_prompt"] = !flags.no_generation_prompt;
  return input;
}

int render(const Flags& flags) {
  chat::TemplateInput input = input_of(flags);
  std::string source;
  if (!flags.template_file.empty()) {
    source = read_text_file(flags.template_file, kMaxTemplateBytes);
  } else {
    const gguf::File file(store::resolve_model(flags.model));
    const auto found = find_chat_template(file);
    if (!found) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: no key 'tokenizer.chat_template'", file.name()),
                  "this is a base model; give a template with --template");
    }
    source = *found;
    if (file.metadata().has("tokenizer.ggml.tokens")) {
      input.special_tokens = template_special_tokens(file, load_vocab(file));
    }
  }
  for (const std::string& assignment : flags.variables) set_variable(assignment, input);
  print_out(chat::ChatTemplate(source).render(input));
  return 0;
}

}  // namespace

Command add_template(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app =
      program.add_subcommand("template", "the prompt that a chat template makes of messages")
          ->configurable();
  CLI::Option* model = add_model_flag(*app, flags->model);
  app->add_option("--template", flags->template_file, "a Jinja file instead of the model's own")
      ->type_name("FILE")
      ->excludes(model);
  app->add_option("--messages", flags->messages_file, "a JSON array of messages; - is stdin")
      ->type_name("FILE")
      ->required();
  app->add_option("--tools", flags->tools_file, "a JSON array of tools")->type_name("FILE");
  app->add_option("--set", flags->variables,
                  "a variable of the template: --set enable_thinking=false (repeatable)")
      ->type_name("KEY=JSON")
      ->allow_extra_args(false);
  app->add_flag("--no-generation-prompt", flags->no_generation_prompt,
                "do not begin the answer at the end");
  app->add_option("--date", flags->date, "what the template takes for now: 2026-01-15[T12:00:00]")
      ->type_name("DATE");
  return {app, [flags] { return render(*flags); }};
}

}  // namespace wattle::cli
