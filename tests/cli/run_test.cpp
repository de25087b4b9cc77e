// SPDX-License-Identifier: Apache-2.0
// The commands that open a model, on the small one in the repository.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"
#include "tests/support/read_file.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"
#include "wattle/engine.h"

namespace wattle {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::run_wattle;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using Strings = std::vector<std::string>;

const std::string kTemplate =
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";

// `wattle COMMAND -m stories --temp 0 -n 8 MORE...`
Strings on_stories(const std::string& command, const Strings& more) {
  Strings args{command, "-m", "stories", "--temp", "0", "-n", "8"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

// An answer of a chat begins with its first word, a completion with the space before it.
std::string from_first_word(const std::string& text) {
  return text.substr(text.find_first_not_of(' '));
}

TEST(Run, CompletesRawTextWithoutATemplate) {
  const auto result = run_wattle(on_stories("run", {"Once upon a time"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(result.out.size(), 8u);
  EXPECT_THAT(result.out, EndsWith("\n"));
  EXPECT_THAT(result.err, HasSubstr("8 tokens"));
  EXPECT_THAT(result.err, HasSubstr("tokens/s"));
  EXPECT_THAT(result.err, HasSubstr("first token after"));
  const auto quiet = run_wattle(on_stories("run", {"--quiet", "Once upon a time"}));
  EXPECT_EQ(quiet.out, result.out);
  EXPECT_EQ(quiet.err, "");
}

TEST(Run, HoldsTheAnswerToAGrammar) {
  const test::TempDir dir;
  const std::string path = dir.path() / "answer.gbnf";
  std::ofstream(path) << "root ::= (\"yes\" | \"no\") \"!\"\n";
  const Strings base{"run", "-m", "stories", "--temp", "0", "Is it?"};
  const auto with = [&](const Strings& more) {
    Strings args = base;
    args.insert(args.end(), more.begin(), more.end());
    return run_wattle(args);
  };
  const auto from_file = with({"--grammar-file", path});
  EXPECT_EQ(from_file.exit_code, 0) << from_file.err;
  EXPECT_TRUE(from_file.out == "yes!\n" || from_file.out == "no!\n") << from_file.out;
  EXPECT_EQ(with({"--grammar", "root ::= (\"yes\" | \"no\") \"!\""}).out, from_file.out);

  const auto schema = with({"-j", R"({"properties": {"a": {"maximum": 99}}, "required": ["a"]})"});
  EXPECT_EQ(schema.exit_code, 0) << schema.err;
  EXPECT_LE(json::parse(schema.out).at("a").get<int64_t>(), 99);

  std::ofstream(path) << "root ::= maybe\n";
  const auto unknown = with({"--grammar-file", path});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("grammar, line 1, column 10: no rule is called 'maybe'"));
  const auto refused = with({"-jf", path});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(with({"--grammar", "x", "-j", "{}"}).exit_code, 2);
}

TEST(Run, TakesThePromptFromArgumentFlagFileAndPipe) {
  const test::TempDir dir;
  const std::string path = dir.path() / "prompt.txt";
  std::ofstream(path) << "Once upon a time\n";
  const std::string expected = run_wattle(on_stories("run", {"Once upon a time"})).out;
  EXPECT_EQ(run_wattle(on_stories("run", {"-p", "Once upon a time"})).out, expected);
  EXPECT_EQ(run_wattle(on_stories("run", {"-f", path})).out, expected);
  EXPECT_EQ(run_wattle(on_stories("run", {"-f", "-"}), {.stdin_text = "Once upon a time"}).out,
            expected);
  EXPECT_EQ(run_wattle(on_stories("run", {}), {.stdin_text = "Once upon a time\n"}).out, expected);
  EXPECT_NE(run_wattle(on_stories("run", {"The big dog"})).out, expected);
  const auto absent = run_wattle(on_stories("run", {"-f", path + ".absent"}));
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.err, HasSubstr("prompt.txt.absent"));
}

TEST(Run, TheSameSeedGivesTheSameText) {
  const auto text = [](const char* seed) {
    return run_wattle({"run", "-m", "stories", "-n", "24", "--temp", "1.5", "--seed", seed, "The"})
        .out;
  };
  EXPECT_EQ(text("1"), text("1"));
  EXPECT_NE(text("1"), text("2"));
}

TEST(Run, JsonIsOneObject) {
  const auto result = run_wattle(on_stories("run", {"--json", "--seed", "7", "Once upon a time"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const json answer = json::parse(result.out);
  const std::string text = run_wattle(on_stories("run", {"Once upon a time"})).out;
  EXPECT_EQ(answer["text"].get<std::string>() + "\n", text);
  EXPECT_EQ(answer["reasoning"], "");
  EXPECT_TRUE(answer["tool_calls"].empty());
  EXPECT_EQ(answer["stop"], "length");
  EXPECT_EQ(answer["seed"], 7);
  EXPECT_EQ(answer["timings"]["n_generated"], 8);
  EXPECT_GT(answer["timings"]["time_to_first_token_ms"].get<double>(), 0.0);
}

TEST(Run, StopTextsEndTheAnswer) {
  const std::string whole = run_wattle(on_stories("run", {"Once upon a time"})).out;
  const std::string stop = whole.substr(10, 4);
  const auto result = run_wattle(on_stories("run", {"-r", stop, "--json", "Once upon a time"}));
  const json answer = json::parse(result.out);
  EXPECT_EQ(answer["stop"], "stop_text");
  EXPECT_EQ(answer["text"], whole.substr(0, whole.find(stop)));
}

TEST(Run, SaysWhenTheContextIsFull) {
  const auto result = run_wattle({"run", "-m", "stories", "-c", "16", "--temp", "0", "The"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("context is full"));
  const auto longer = run_wattle({"run", "-m", "stories", "-c", "4", "one two three four five"});
  EXPECT_EQ(longer.exit_code, 2);
  EXPECT_THAT(longer.err, HasSubstr("-c"));
}

TEST(Run, SystemAndThinkNeedATemplate) {
  for (const Strings& more : {Strings{"--system", "Be brief.", "Hello"},
                              {"-sys", "x", "Hello"},
                              {"--think", "on", "Hello"}}) {
    const auto result = run_wattle(on_stories("run", more));
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("chat template"));
    EXPECT_THAT(result.err, HasSubstr("--chat-template"));
  }
}

TEST(Run, ATemplateMayBeTextOrFile) {
  const test::TempDir dir;
  const std::string path = dir.path() / "t.jinja";
  std::ofstream(path) << kTemplate;
  const auto text = run_wattle(on_stories("run", {"--chat-template", kTemplate, "Hello"}));
  EXPECT_EQ(text.exit_code, 0) << text.err;
  const auto file = run_wattle(on_stories("run", {"--chat-template", path, "Hello"}));
  EXPECT_EQ(file.out, text.out);
  const auto prompt = "user: Hello\nassistant:";
  EXPECT_EQ(from_first_word(run_wattle(on_stories("run", {"-p", prompt})).out), text.out);
  const auto raw = run_wattle(on_stories("run", {"--raw", "--chat-template", path, prompt}));
  EXPECT_EQ(from_first_word(raw.out), text.out);
  const auto neither = run_wattle(on_stories("run", {"--chat-template", "no/file", "Hello"}));
  EXPECT_EQ(neither.exit_code, 2);
  EXPECT_THAT(neither.err, HasSubstr("neither a file nor a template"));
}

TEST(Run, ABadSamplingValueIsBadUsage) {
  const auto result = run_wattle({"run", "-m", "stories", "--temp", "-1", "Hello"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--temp is -1"));
}

TEST(Run, AnInterruptEndsWith130AndKeepsWhatWasSaid) {
  const auto result = run_wattle(
      {"run", "-m", "stories", "-c", "100000", "--logit-bias", "1-inf", "The"}, {.signal = SIGINT});
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(result.out, EndsWith("\n"));
  EXPECT_THAT(result.err, Not(HasSubstr("error")));
}

TEST(Run, MissingModelsNameTheNextStep) {
  const auto result = run_wattle({"run", "Hello"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("./dev fetch"));
}

TEST(Run, AModelCutShortIsBadInput) {
  const test::TempDir dir;
  const std::string path = dir.path() / "cut.gguf";
  const std::string whole = test::read_text(test::stories_model());
  std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() / 2);
  for (const Strings& args : {Strings{"run", "-m", path, "Hello"},
                              {"chat", "-m", path},
                              {"tokenize", "-m", path},
                              {"show", path}}) {
    const auto result = run_wattle(args);
    EXPECT_EQ(result.exit_code, 1) << args[0];
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("cut.gguf: tensor '"));
  }
}

TEST(Embed, PrintsOneVectorOfLengthOne) {
  const auto result = run_wattle({"embed", "-m", "stories", "Once upon a time"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto vector = json::parse(result.out).get<std::vector<double>>();
  double square = 0;
  for (const double x : vector) square += x * x;
  EXPECT_NEAR(square, 1.0, 1e-5);

  const auto object = run_wattle({"embed", "-m", "stories", "--json", "--pooling", "mean"},
                                 {.stdin_text = "Once upon a time\n"});
  const json parsed = json::parse(object.out);
  EXPECT_EQ(parsed["embedding"].size(), vector.size());
  EXPECT_NE(parsed["embedding"].get<std::vector<double>>(), vector);
  EXPECT_EQ(parsed["n_tokens"], 5);

  EXPECT_EQ(run_wattle({"embed", "-m", "stories", ""}).exit_code, 2);
  EXPECT_EQ(run_wattle({"embed", "-m", "stories", "--pooling", "max", "x"}).exit_code, 2);
  const auto longer = run_wattle({"embed", "-m", "stories", "-c", "4", "one two three four five"});
  EXPECT_EQ(longer.exit_code, 2);
  EXPECT_THAT(longer.err, HasSubstr("-c"));
}

TEST(Chat, WithoutATemplateIsBadUsage) {
  const auto result = run_wattle({"chat", "-m", "stories"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("--chat-template"));
}

TEST(Chat, APipeGetsOneAnswerALine) {
  const auto args = on_stories("chat", {"--chat-template", kTemplate});
  const auto both = run_wattle(args, {.stdin_text = "Hello\n\nThe end\n"});
  EXPECT_EQ(both.exit_code, 0) << both.err;
  const auto first = run_wattle(args, {.stdin_text = "Hello"});
  EXPECT_EQ(both.out.substr(0, first.out.size()), first.out);
  EXPECT_GT(both.out.size(), first.out.size());
  EXPECT_THAT(both.err, HasSubstr("2 answers"));
  // The second answer goes on from the first turn.
  const json made =
      json::parse(run_wattle(on_stories("run", {"--json", "-p", "user: Hello\nassistant:"})).out);
  const auto second = run_wattle(
      on_stories("run", {"-p", "user: Hello\nassistant: " + from_first_word(made["text"]) +
                                   "\nuser: The end\nassistant:"}));
  EXPECT_EQ(both.out.substr(first.out.size()), from_first_word(second.out));
}

TEST(Chat, CommandsSteerTheConversation) {
  const auto args = on_stories("chat", {"--chat-template", kTemplate, "--quiet"});
  const auto answer = run_wattle(args, {.stdin_text = "Hello\n"}).out;
  EXPECT_EQ(run_wattle(args, {.stdin_text = "Hello\n/regen\n"}).out, answer + answer);
  EXPECT_EQ(run_wattle(args, {.stdin_text = "Hello\n/clear\nHello\n"}).out, answer + answer);
  EXPECT_EQ(run_wattle(args, {.stdin_text = "Hello\n/undo\nHello\n"}).out, answer + answer);
  EXPECT_EQ(run_wattle(args, {.stdin_text = "Hello\n/exit\nHello\n"}).out, answer);
  const auto system = run_wattle(args, {.stdin_text = "/system The dog was big.\nHello\n"}).out;
  auto with_flag = args;
  with_flag.insert(with_flag.end(), {"--system", "The dog was big."});
  EXPECT_EQ(run_wattle(with_flag, {.stdin_text = "Hello\n"}).out, system);
  EXPECT_EQ(run_wattle(with_flag, {.stdin_text = "Hello\n/clear\nHello\n"}).out, system + system);
  EXPECT_THAT(run_wattle(args, {.stdin_text = "/help\n"}).err, HasSubstr("/regen"));
  EXPECT_THAT(run_wattle(args, {.stdin_text = "/hlep\n"}).err, HasSubstr("did you mean /help?"));
  EXPECT_THAT(run_wattle(args, {.stdin_text = "/regen\n"}).err, HasSubstr("no answer yet"));
}

TEST(Chat, ALineMayGoOn) {
  const auto args = on_stories("chat", {"--chat-template", "{{ messages[0].content }}", "--quiet"});
  EXPECT_EQ(run_wattle(args, {.stdin_text = "The dog\\\nran\n"}).out,
            from_first_word(run_wattle(on_stories("run", {"-q", "-p", "The dog\nran"})).out));
}

class Logits : public testing::Test {
 protected:
  std::string ids(const std::string& text) const {
    const std::string path = dir_.path() / "ids.txt";
    std::ofstream(path) << text;
    return path;
  }
  std::string out() const { return dir_.path() / "out.f32"; }
  test::ProgramResult run(const std::string& text, Strings more = {}) const {
    Strings args{"logits", "-m", "stories", "--ids", ids(text), "--out", out()};
    args.insert(args.end(), more.begin(), more.end());
    // Rows computed together are those computed alone with the scalar kernels only.
    return run_wattle(args, {.env = {{"WATTLE_ISA", "scalar"}}});
  }

  test::TempDir dir_;
};

TEST_F(Logits, WritesTheLastRowOrAll) {
  ASSERT_EQ(run("2 10 20 30\n", {"--all"}).exit_code, 0);
  const auto all = test::read_floats(out());
  ASSERT_EQ(run(" 2\t10\n20  30").exit_code, 0);
  const auto last = test::read_floats(out());
  const auto summary = json::parse(run_wattle({"show", "stories", "--json"}).out);
  const size_t n_vocab = summary["hparams"]["n_vocab"];
  ASSERT_EQ(last.size(), n_vocab);
  ASSERT_EQ(all.size(), 4 * n_vocab);
  EXPECT_EQ(std::vector<float>(all.end() - static_cast<std::ptrdiff_t>(n_vocab), all.end()), last);
  for (const float value : all) ASSERT_TRUE(std::isfinite(value));
}

TEST_F(Logits, TheCacheIsF32UnlessAskedOtherwise) {
  const auto rows = [&](Strings more) {
    EXPECT_EQ(run("2 10 20 30 40 50 60 70 80", std::move(more)).exit_code, 0);
    return test::read_floats(out());
  };
  EXPECT_EQ(rows({}), rows({"--kv", "f32"}));
  EXPECT_NE(rows({}), rows({"--kv", "f16"}));
  EXPECT_EQ(rows({"--kv", "f16", "-ctk", "f32", "-ctv", "f32"}), rows({}));
}

TEST_F(Logits, BadIdsAreToldAndLeaveNothing) {
  struct Case {
    const char* ids;
    const char* message;
  };
  for (const auto& [text, message] : {Case{"", "no token ids"},
                                      {"1 2 x", "id number 2 is 'x'"},
                                      {"1 2.5", "'2.5'"},
                                      {"1 99999999999", "'99999999999'"},
                                      {"1 5081", "5081"},
                                      {"-1", "-1"}}) {
    const auto result = run(text);
    EXPECT_NE(result.exit_code, 0) << text;
    EXPECT_THAT(result.err, HasSubstr(message)) << text;
    EXPECT_FALSE(fs::exists(out())) << text;
  }
  const auto nowhere = run_wattle(
      {"logits", "-m", "stories", "--ids", ids("1"), "--out", dir_.path() / "absent" / "out.f32"});
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("absent/out.f32"));
}

TEST(Chat, GoesOnWithWhatItSaved) {
  const test::TempDir dir;
  const std::string file = dir.path() / "saved";
  const auto whole = run_wattle(on_stories("chat", {"--chat-template", kTemplate}),
                                {.stdin_text = "Hello\nThe end\n"});
  const auto first = run_wattle(on_stories("chat", {"--chat-template", kTemplate, "--save", file}),
                                {.stdin_text = "Hello\n"});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  const auto second =
      run_wattle(on_stories("chat", {"--chat-template", kTemplate, "--continue", file}),
                 {.stdin_text = "The end\n"});
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(first.out + second.out, whole.out);
  EXPECT_THAT(second.err, HasSubstr("2 messages"));
  EXPECT_THAT(second.err, HasSubstr("cached"));
  // A setting gives way to the system message that the conversation has, or has not.
  const auto setting =
      run_wattle(on_stories("chat", {"--chat-template", kTemplate, "--continue", file}),
                 {.stdin_text = "The end\n", .env = {{"WATTLE_SYSTEM", "Be brief."}}});
  EXPECT_EQ(setting.out, second.out) << setting.err;

  const auto conflict = run_wattle(
      on_stories("chat", {"--chat-template", kTemplate, "--continue", file, "--system", "x"}));
  EXPECT_EQ(conflict.exit_code, 2);
  const auto absent =
      run_wattle(on_stories("chat", {"--chat-template", kTemplate, "--continue", file + "x"}));
  EXPECT_EQ(absent.exit_code, 1);
  // By whatever program: here an answer that nothing was asked for.
  Engine({.model = test::stories_model()})
      .new_session()
      ->save(file, R"({"messages": [{"role": "assistant", "content": "Well."}]})");
  const auto foreign =
      run_wattle(on_stories("chat", {"--chat-template", kTemplate, "--continue", file}),
                 {.stdin_text = "/undo\n/regen\nHello\n"});
  EXPECT_EQ(foreign.exit_code, 0) << foreign.err;
  EXPECT_THAT(foreign.err, HasSubstr("there is no answer yet"));

  std::ofstream(file) << "no session";
  const auto damaged =
      run_wattle(on_stories("chat", {"--chat-template", kTemplate, "--continue", file}));
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_THAT(damaged.err, HasSubstr("saved session"));
}

TEST(Chat, KilledAtAnyMomentItLeavesASessionThatWorks) {
  const test::TempDir dir;
  const std::string file = dir.path() / "saved";
  const Strings go_on = on_stories("chat", {"--chat-template", kTemplate, "--continue", file});
  Strings go_on_and_save = go_on;
  go_on_and_save.insert(go_on_and_save.end(), {"--save", file});
  EXPECT_EQ(run_wattle(on_stories("chat", {"--chat-template", kTemplate, "--save", file}),
                       {.stdin_text = "Hello\n"})
                .exit_code,
            0);
  const std::string before = test::read_text(file);
  int n_killed = 0;
  // From before the program runs to after it has saved.
  for (int milliseconds = 10; milliseconds < 1000; milliseconds += 10 + milliseconds / 8) {
    const std::string shell =
        "timeout -s KILL 0." + std::to_string(1000 + milliseconds).substr(1) + " \"$@\"";
    const int killed =
        run_wattle(go_on_and_save, {.stdin_text = "Hello\n", .shell = shell}).exit_code;
    const auto next = run_wattle(go_on, {.stdin_text = "The end\n"});
    ASSERT_EQ(next.exit_code, 0) << milliseconds << " ms: " << next.err;
    if (killed == 0) break;
    EXPECT_EQ(killed, 128 + SIGKILL);
    ++n_killed;
    std::ofstream(file, std::ios::binary) << before;
  }
  EXPECT_GT(n_killed, 0);
}

}  // namespace
}  // namespace wattle
