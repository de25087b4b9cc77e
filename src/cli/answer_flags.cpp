// SPDX-License-Identifier: Apache-2.0
#include "cli/answer_flags.h"

#include <limits>

#include "cli/text_file.h"

namespace wattle::cli {
namespace {

constexpr size_t kMaxFormBytes = size_t{4} << 20;

uint32_t n_predict_of(int64_t flag) { return flag < 0 ? 0 : static_cast<uint32_t>(flag); }

}  // namespace

void AnswerFlags::add_to(CLI::App& app) {
  engine.add_to(app);
  add_chat_template_flag(app, chat_template);
  app.add_option("--system", system, "system message (-sys)")->type_name("TEXT")->configurable();
  app.add_option_function<std::string>(
         "--think", [this](const std::string& value) { think = value == "on"; },
         "let the model reason first, or not: on, off (default: as its template does)")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off")
      ->configurable();
  app.add_option("-n,--predict,--n-predict", n_predict,
                 "tokens of the answer at most (default -1: as many as fit)")
      ->check(CLI::Range(int64_t{-1}, int64_t{std::numeric_limits<int32_t>::max()}))
      ->type_name("N")
      ->configurable();
  app.add_option("-r,--stop,--reverse-prompt", stop, "text that ends the answer; may be repeated")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_flag("--context-shift,!--no-context-shift", shifts_context,
               "forget the oldest half of a text that outgrows the context, and go on");
  app.add_option("--keep", n_keep, "tokens at the beginning that are never forgotten (default 0)")
      ->check(CLI::Range(0u, uint32_t{std::numeric_limits<int32_t>::max()}))
      ->type_name("N");
  const std::string group = "Form of the answer";
  app.add_option("--grammar", grammar, "GBNF that the answer must match: docs/grammar.md")
      ->type_name("GBNF")
      ->group(group);
  app.add_option("--grammar-file", grammar_file, "the same from a file")
      ->type_name("FILE")
      ->group(group)
      ->excludes("--grammar");
  app.add_option("-j,--json-schema", json_schema,
                 "JSON Schema that the answer must fit: docs/grammar.md")
      ->type_name("SCHEMA")
      ->group(group)
      ->excludes("--grammar")
      ->excludes("--grammar-file");
  app.add_option("--json-schema-file", json_schema_file, "the same from a file (-jf)")
      ->type_name("FILE")
      ->group(group)
      ->excludes("--grammar")
      ->excludes("--grammar-file")
      ->excludes("--json-schema");
  reporting.add_to(app);
  sampling.add_to(app);
}

EngineParams AnswerFlags::engine_params() const {
  EngineParams params = engine.params();
  if (!chat_template.empty()) params.chat_template = read_chat_template(chat_template);
  return params;
}

SamplingParams AnswerFlags::sampling_params(const Engine& open) const {
  SamplingParams params = sampling.apply_to(open.recommended_sampling());
  params.grammar = grammar_file ? read_text_file(*grammar_file, kMaxFormBytes) : grammar;
  params.json_schema =
      json_schema_file ? read_text_file(*json_schema_file, kMaxFormBytes) : json_schema;
  return params;
}

ChatRequest AnswerFlags::chat_request(const Engine& open) const {
  ChatRequest request;
  request.enable_thinking = think;
  fill(request, open);
  return request;
}

CompletionRequest AnswerFlags::completion_request(const Engine& open) const {
  CompletionRequest request;
  fill(request, open);
  return request;
}

template <class Request>
void AnswerFlags::fill(Request& request, const Engine& open) const {
  request.sampling = sampling_params(open);
  request.n_predict = n_predict_of(n_predict);
  request.stop = stop;
  if (shifts_context) request.context_shift = ContextShift{.n_keep = n_keep};
}

}  // namespace wattle::cli
