// SPDX-License-Identifier: Apache-2.0
// `wattle run`: one prompt, one answer.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/answer_flags.h"
#include "cli/answer_printer.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/text_argument.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

struct Flags {
  AnswerFlags answer;
  TextArgument prompt;
  bool raw = false;
  bool json = false;
};

nlohmann::ordered_json as_json(const Answer& answer, const Engine& engine) {
  nlohmann::ordered_json calls = nlohmann::ordered_json::array();
  for (const ToolCall& call : answer.message.tool_calls) {
    auto arguments = nlohmann::ordered_json::parse(call.arguments_json, nullptr, false);
    if (arguments.is_discarded()) arguments = call.arguments_json;  // what the model wrote
    calls.push_back({{"id", call.id}, {"name", call.name}, {"arguments", std::move(arguments)}});
  }
  const Timings& t = answer.timings;
  nlohmann::ordered_json json;
  json["model"] = engine.model().name;
  json["text"] = answer.message.content;
  json["reasoning"] = answer.message.reasoning;
  json["tool_calls"] = std::move(calls);
  json["stop"] = stop_reason_name(answer.stop);
  json["seed"] = answer.seed;
  json["n_forgotten"] = answer.n_forgotten;
  json["timings"] = {{"n_prompt", t.n_prompt},
                     {"n_prompt_cached", t.n_prompt_cached},
                     {"n_generated", t.n_generated},
                     {"prompt_ms", t.prompt_ms},
                     {"time_to_first_token_ms", t.time_to_first_token_ms},
                     {"generation_ms", t.generation_ms}};
  return json;
}

// The model answers in raw text where it was asked to, or where it has no template to converse by.
bool completes_raw_text(const Flags& flags, const Engine& engine) {
  if (flags.raw) return true;
  if (engine.model().has_chat_template) return false;
  if (!flags.answer.system.empty() || flags.answer.think) {
    throw Error(ErrorCode::usage,
                "wattle run: --system and --think need a chat template, and this model has none",
                "--chat-template gives it one");
  }
  return true;
}

int run(const Flags& flags) {
  const Interrupt interrupt;
  const std::string prompt = flags.prompt.read();
  const auto engine = open_engine(flags.answer.engine_params(), flags.answer.reporting, interrupt);
  const bool raw = completes_raw_text(flags, *engine);
  const auto session = engine->new_session();

  AnswerPrinter printer;
  OnDelta on_delta;
  if (!flags.json) on_delta = [&](const Delta& delta) { printer.show(delta); };
  Answer answer;
  {
    const Interrupt::Watch watch(*session);
    interrupt.check();
    if (raw) {
      // A person reads the text as a whole; a pipe gets what is new.
      if (!flags.json && is_terminal(STDOUT_FILENO)) printer.show_prompt(prompt);
      CompletionRequest request = flags.answer.completion_request(*engine);
      request.prompt = prompt;
      answer = session->complete(request, on_delta);
    } else {
      ChatRequest request = flags.answer.chat_request(*engine);
      if (!flags.answer.system.empty()) {
        request.messages.push_back({.role = "system", .content = flags.answer.system});
      }
      request.messages.push_back({.role = "user", .content = prompt});
      answer = session->chat(request, on_delta);
    }
  }

  if (flags.json) {
    print_out(as_json(answer, *engine)
                  .dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
              "\n");
  } else {
    for (const ToolCall& call : answer.message.tool_calls) {
      printer.show({.text = fmt::format("{}({})\n", call.name, call.arguments_json)});
    }
    printer.finish();
  }
  if (!flags.answer.reporting.quiet) {
    std::string line = describe(answer.timings) + describe_work(engine->npu());
    if (answer.stop == StopReason::context_full) {
      line += " | stopped: the context is full (-c, --context-shift)";
    }
    if (answer.n_forgotten != 0) line += fmt::format(" | {} tokens forgotten", answer.n_forgotten);
    print_err(Paint(STDERR_FILENO).dim(line) + "\n");
  }
  return answer.stop == StopReason::cancelled ? kExitInterrupted : kExitOk;
}

}  // namespace

Command add_run(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = program.add_subcommand("run", "answer one prompt")->configurable();
  flags->prompt.add_to(*app, "prompt");
  CLI::Option* raw = app->add_flag(
      "--raw", flags->raw,
      "continue the text instead of answering it; so does any model without a template");
  app->add_flag("--json", flags->json,
                "print one JSON object at the end: text, reasoning, tool calls, timings, seed");
  flags->answer.add_to(*app);
  raw->excludes("--system")->excludes("--think");  // only a template has a place for them
  app->footer(
      "stdout is the answer and nothing else. Reasoning is shown dim where stdout is a terminal,\n"
      "and is part of --json; a pipe gets the answer alone. Figures go to stderr.");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace wattle::cli
