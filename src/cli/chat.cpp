// SPDX-License-Identifier: Apache-2.0
// `wattle chat`: a conversation of any number of turns.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/answer_flags.h"
#include "cli/answer_printer.h"
#include "cli/commands.h"
#include "cli/conversation_note.h"
#include "cli/line_editor.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/suggest.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

constexpr std::string_view kHelp =
    "/help              this text\n"
    "/clear             forget the conversation\n"
    "/regen             answer the last message again\n"
    "/undo              take back the last message and its answer\n"
    "/system [TEXT]     set the system message and start over; without TEXT: none\n"
    "/think on|off|auto let the model reason first, or not, or as its template does\n"
    "/stats             tokens and speed so far\n"
    "/save FILE         keep the conversation for --continue\n"
    "/exit              leave; so does Ctrl-D\n"
    "Ctrl-C stops an answer. A line that ends in \\ goes on in the next one.\n";

// What the figures at the end add up.
struct Totals {
  uint32_t n_answers = 0;
  Timings sum;

  void add(const Timings& t) {
    ++n_answers;
    sum.n_prompt += t.n_prompt;
    sum.n_prompt_cached += t.n_prompt_cached;
    sum.n_generated += t.n_generated;
    sum.prompt_ms += t.prompt_ms;
    sum.time_to_first_token_ms += t.time_to_first_token_ms;
    sum.generation_ms += t.generation_ms;
  }
  std::string describe() const {
    Timings mean = sum;
    if (n_answers != 0) mean.time_to_first_token_ms /= n_answers;  // the others are sums
    return fmt::format("{} answers | {}", n_answers, cli::describe(mean));
  }
};

class Chat {
 public:
  Chat(const AnswerFlags& flags, Engine& engine, Interrupt& interrupt)
      : engine_(engine),
        interrupt_(interrupt),
        session_(engine.new_session()),
        request_(flags.chat_request(engine)),
        quiet_(flags.reporting.quiet) {
    set_system(flags.system);
  }

  void loop() {
    if (editor_.on_terminal() && !quiet_) note(fmt::format("{}; /help", engine_.model().name));
    std::string line;
    for (;;) {
      const auto result = editor_.read("> ", line);
      interrupt_.clear();
      if (result == LineEditor::Result::end) break;
      if (result == LineEditor::Result::interrupted) {
        if (!editor_.on_terminal()) throw Error(ErrorCode::cancelled, "interrupted");
        print_out("\n");
        flush_out();
        continue;
      }
      if (line.find_first_not_of(" \t\r\n") == std::string::npos) continue;
      if (line.front() != '/') {
        say(line);
      } else if (!obey(line)) {
        return;
      }
    }
    if (editor_.on_terminal()) print_out("\n");
  }

  const Totals& totals() const noexcept { return totals_; }

  // With all that was computed for it.
  void save(const std::string& file) const {
    session_->save(file, note_of(request_.messages));
    if (!quiet_) note(fmt::format("saved: {}", file));
  }

  void go_on(const std::string& file) {
    const Session::Restored restored = session_->restore(file);
    request_.messages = messages_of(restored.note, file);
    if (quiet_) return;
    note(fmt::format("{} messages from {}{}", request_.messages.size(), file,
                     restored.cache ? ""
                                    : "; saved with another model, context or cache type, so all "
                                      "of it is computed again"));
  }

 private:
  void note(std::string_view text) const {
    print_err(Paint(STDERR_FILENO).dim(printable(text, "\n")) + "\n");
  }

  void set_system(const std::string& text) {
    request_.messages.clear();
    if (!text.empty()) request_.messages.push_back({.role = "system", .content = text});
  }

  void say(const std::string& text) {
    request_.messages.push_back({.role = "user", .content = text});
    answer();
  }

  // Answers the messages as they are. On a terminal, what does not fit is told and the last message
  // taken back: the conversation goes on.
  void answer() {
    AnswerPrinter printer;
    Answer made;
    try {
      const Interrupt::Watch watch(*session_);
      made = session_->chat(request_, [&](const Delta& delta) { printer.show(delta); });
    } catch (const Error& error) {
      if (error.code() != ErrorCode::usage || !editor_.on_terminal()) throw;
      printer.finish();
      request_.messages.pop_back();
      note(fmt::format("error: {}\n  hint: {}", error.what(), "/clear forgets the conversation"));
      return;
    }
    interrupt_.clear();
    for (const ToolCall& call : made.message.tool_calls) {
      printer.show({.text = fmt::format("{}({})\n", call.name, call.arguments_json)});
    }
    printer.finish();
    if (made.stop == StopReason::context_full) {
      note("the context is full; /clear starts over (--context-shift forgets the oldest turns)");
    }
    if (made.n_forgotten > n_forgotten_) {
      note(fmt::format("the oldest {} tokens of the conversation are forgotten", made.n_forgotten));
    }
    n_forgotten_ = made.n_forgotten;
    totals_.add(made.timings);
    request_.messages.push_back(std::move(made.message));
  }

  // A conversation from a file may be an answer alone; nothing could be asked again then.
  bool forget_last_answer() {
    auto& messages = request_.messages;
    if (messages.size() < 2 || messages.back().role != "assistant") {
      note("there is no answer yet");
      return false;
    }
    messages.pop_back();
    return true;
  }

  void set_thinking(std::string_view value) {
    if (value == "on" || value == "off") {
      request_.enable_thinking = value == "on";
    } else if (value == "auto") {
      request_.enable_thinking.reset();
    } else {
      note("/think on, /think off or /think auto");
    }
  }

  void save_or_tell(const std::string& file) {
    if (file.empty()) {
      note("/save FILE");
      return;
    }
    try {
      save(file);
    } catch (const Error& error) {
      note(fmt::format("error: {}", error.what()));
    }
  }

  // False: leave.
  bool obey(const std::string& line) {
    const std::string name = line.substr(0, line.find_first_of(" \t\n"));
    const size_t begin = line.find_first_not_of(" \t\n", name.size());
    const std::string rest = begin == std::string::npos ? "" : line.substr(begin);
    if (name == "/exit" || name == "/quit") return false;
    if (name == "/help") {
      print_err(kHelp);
    } else if (name == "/clear") {
      const auto& messages = request_.messages;
      const bool has_system = !messages.empty() && messages.front().role == "system";
      set_system(has_system ? std::string(messages.front().content) : "");
    } else if (name == "/regen") {
      if (forget_last_answer()) answer();
    } else if (name == "/undo") {
      if (forget_last_answer()) request_.messages.pop_back();
    } else if (name == "/system") {
      set_system(rest);
    } else if (name == "/think") {
      set_thinking(rest);
    } else if (name == "/stats") {
      note(totals_.describe());
    } else if (name == "/save") {
      save_or_tell(rest);
    } else {
      const std::vector<std::string> known{"/help",  "/clear", "/regen", "/undo", "/system",
                                           "/think", "/stats", "/save",  "/exit"};
      const auto near = nearest(name, known);
      note(fmt::format("no command is called {}; {}", name,
                       near ? fmt::format("did you mean {}?", *near) : "/help lists them"));
    }
    return true;
  }

  Engine& engine_;
  Interrupt& interrupt_;
  LineEditor editor_{history_file()};
  std::unique_ptr<Session> session_;
  ChatRequest request_;  // with the conversation so far
  Totals totals_;
  uint64_t n_forgotten_ = 0;
  const bool quiet_;
};

struct Flags {
  AnswerFlags answer;
  std::string save;
  std::string go_on;
};

int chat(const Flags& flags) {
  Interrupt interrupt;
  const Reporting& reporting = flags.answer.reporting;
  const auto engine = open_engine(flags.answer.engine_params(), reporting, interrupt);
  if (!engine->model().has_chat_template) {
    throw Error(
        ErrorCode::usage,
        fmt::format("wattle chat: the model '{}' has no chat template", engine->model().name),
        "give it one with --chat-template, or continue raw text with `wattle run`");
  }
  Chat conversation(flags.answer, *engine, interrupt);
  if (!flags.go_on.empty()) conversation.go_on(flags.go_on);
  conversation.loop();
  if (!flags.save.empty()) conversation.save(flags.save);
  if (!reporting.quiet && conversation.totals().n_answers != 0) {
    print_err(
        Paint(STDERR_FILENO).dim(conversation.totals().describe() + describe_work(engine->npu())) +
        "\n");
  }
  return kExitOk;
}

}  // namespace

Command add_chat(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = program.add_subcommand("chat", "converse with a model")->configurable();
  CLI::Option* go_on = app->add_option("--continue", flags->go_on,
                                       "go on with the conversation that this file holds")
                           ->type_name("FILE");
  app->add_option("--save", flags->save,
                  "keep the conversation in this file when it ends, with all that was computed for "
                  "it; may be that of --continue")
      ->type_name("FILE");
  flags->answer.add_to(*app);
  go_on->excludes("--system");  // the conversation has its own
  app->footer("Commands of the conversation:\n" + std::string(kHelp) +
              "stdin may be a pipe: each line is a message, and stdout gets the answers alone.");
  return {app, [flags] { return chat(*flags); }};
}

}  // namespace wattle::cli
