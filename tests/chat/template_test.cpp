// SPDX-License-Identifier: Apache-2.0
// Errors, limits and the clock of a ChatTemplate.
#include "chat/template.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "wattle/error.h"

namespace wattle::chat {
namespace {

std::string render(std::string_view source, const std::string& variables = "{}") {
  TemplateInput input;
  input.now = {.year = 2026, .month = 1, .day = 5, .hour = 7, .minute = 8, .second = 9};
  input.variables = parse_json(variables, "variables");
  return ChatTemplate(source).render(input);
}

std::string error_of(std::string_view source, const std::string& variables = "{}") {
  try {
    return "rendered: " + render(source, variables);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_input);
    return e.what();
  }
}

TEST(ChatTemplate, ErrorsNameTheLineAndTheReason) {
  EXPECT_EQ(error_of("a\n{{ x.y.z }}", R"({"x": {}})"),
            "chat template, line 2: 'dict object' has no attribute 'y'");
  EXPECT_EQ(error_of("{{ nope.x }}"), "chat template, line 1: 'nope' is undefined");
  EXPECT_EQ(error_of("{% if x %}\n\n{% for %}"),
            "chat template, line 3: expected a name to assign to, got '%}'");
  EXPECT_EQ(error_of("\n{% if x %}a"),
            "chat template, line 2: 'if' is not closed, expected 'endif'");
  EXPECT_EQ(error_of("{{ x|nosuch }}"), "chat template, line 1: there is no filter named 'nosuch'");
  EXPECT_EQ(error_of("\n\n{{ 'a' + 1 }}"),
            "chat template, line 3: can only concatenate str (not 'int') to str");
  EXPECT_EQ(error_of("{{ 9223372036854775807 + 1 }}"),
            "chat template, line 1: an integer does not fit into 64 bits");
}

TEST(ChatTemplate, CarriesTheMessageOfRaiseExceptionExactly) {
  EXPECT_EQ(error_of("\n{{ raise_exception('Roles must \\'alternate\\'! ' ~ [1]) }}"),
            "Roles must 'alternate'! [1]");
  try {
    render("\n{{ raise_exception('no') }}");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(e.hint().find("line 2"), std::string::npos) << e.hint();
  }
}

TEST(ChatTemplate, RefusesTextThatIsNoUtf8) {
  EXPECT_NE(error_of("a\xff").find("not UTF-8"), std::string::npos);
}

TEST(ChatTemplate, HostileTemplatesStopSoon) {
  const auto start = std::chrono::steady_clock::now();
  const std::string big = "{% set s = 'x' * 15000000 %}";
  for (const std::string& source : {
           // Work on large texts counts, also where nothing comes out.
           big + "{% for i in range(100000) %}{% if 'y' in s %}{% endif %}{% endfor %}",
           big + "{% for i in range(100000) %}{{ s|length }}{% endfor %}",
           big + "{% for i in range(100000) %}{{ s[-1] }}{% endfor %}",
           big + "{% for i in range(100000) %}{% if s == s ~ '' %}{% endif %}{% endfor %}",
           big + "{% for i in range(100000) %}{{ s.count('xx') }}{% endfor %}",
           big + "{{ s.split('x') }}",
           big + "{{ s|list|length }}",
           big + "{{ s.strip('y' * 1000000 ~ 'x') }}",
           big + "{% set d = dict(a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9) %}"
                 "{% for i in range(100000) %}{% if s in d %}{% endif %}{{ d[s] }}{{ d.get(s) }}"
                 "{% endfor %}",
           big + "{% set ns = namespace(a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9) %}"
                 "{% for i in range(100000) %}{{ ns[s] }}{% endfor %}",
           // Lists that hold each other.
           std::string("{% set ns = namespace() %}{% set ns.a = [ns] %}{% set ns.b = ns.a %}"
                       "{{ ns.a == [namespace(a=ns.a)] }}{{ ns.a|string }}"
                       "{% for i in range(100) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}"
                       "{{ ns.a|tojson }}"),
           std::string("{% set ns = namespace(a=[1]) %}{% for i in range(100) %}"
                       "{% set ns.a = ns.a * 10 %}{% endfor %}"),
           std::string("{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}"
                       "{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}"),
           std::string("{{ '{:>99999999999}'.format(1) }}"),
           std::string("{{ '%*d' % (99999999999, 1) }}"),
           std::string("{{ [1]|tojson(indent=99999999999) }}"),
           std::string("{{ 'a\\tb'.expandtabs(99999999999) }}"),
       }) {
    EXPECT_EQ(error_of(source).substr(0, 13), "chat template") << source;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

// A long text that matches almost everywhere, looked for from both sides.
TEST(ChatTemplate, SearchesLongTextsInLinearTime) {
  const auto start = std::chrono::steady_clock::now();
  for (const auto& [expression, expected] :
       std::vector<std::pair<std::string, std::string>>{{"l in s", "False"},
                                                        {"r in s", "False"},
                                                        {"s.find(l)", "-1"},
                                                        {"s.rfind(r)", "-1"},
                                                        {"s.count(l)", "0"},
                                                        {"s.replace(l, '') == s", "True"},
                                                        {"s.split(l)|length", "1"},
                                                        {"s.rsplit(r)|length", "1"},
                                                        {"s.partition(l)[1]", ""}}) {
    EXPECT_EQ(render("{% set s = 'x' * 15000000 %}{% set l = 'x' * 900000 ~ 'y' %}"
                     "{% set r = 'y' ~ 'x' * 900000 %}{{ " +
                     expression + " }}"),
              expected)
        << expression;
  }
  // Nor is a long text looked for in a short one, which counts as little work.
  EXPECT_EQ(render("{% set l = 'x' * 900000 %}{% for i in range(50000) %}"
                   "{% if l in 'x' or 'x'.rfind(l) == 0 %}{{ i }}{% endif %}{% endfor %}"),
            "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  // The same answers as the plain search gives for short ones.
  const std::string answers =
      "{{ s.find(w) }} {{ s.rfind(w) }} {{ s.find(w, 1) }} {{ s.rfind(w, 0, -1) }} "
      "{{ s.count(w) }} {{ s.split(w)|join('|') }} {{ s.rsplit(w, 1)|join('|') }} "
      "{{ s.partition(w)[2]|length }} {{ s.rpartition(w)[0]|length }} {{ (w ~ 'q') in s }}";
  for (const int n : {1, 63, 64, 65, 100}) {
    const std::string w = "a" + std::string(static_cast<size_t>(n) - 1, 'b');
    const std::string s = w + "1" + w + w + "2" + w;
    EXPECT_EQ(render("{% set w = '" + w + "' %}{% set s = '" + s + "' %}" + answers),
              "0 " + std::to_string(3 * n + 2) + " " + std::to_string(n + 1) + " " +
                  std::to_string(2 * n + 1) + " 4 |1||2| " + w + "1" + w + w + "2| " +
                  std::to_string(3 * n + 2) + " " + std::to_string(3 * n + 2) + " False")
        << n;
  }
}

TEST(ChatTemplate, MemoryOfOriginsCounts) {
  // Alternating origins: nine times as much memory as bytes.
  EXPECT_EQ(error_of("{% set a = (x ~ 'y') * 2000000 %}{% set l = [a ~ '', a ~ '', a ~ '', "
                     "a ~ '', a ~ ''] %}{{ l|length }}",
                     R"({"x": "x"})"),
            "chat template, line 1: needs more than 192 MiB of memory");
  EXPECT_EQ(render("{% set a = ('x' ~ 'y') * 2000000 %}{% set l = [a ~ '', a ~ '', a ~ '', "
                   "a ~ '', a ~ ''] %}{{ l|length }}"),
            "5");
}

TEST(ChatTemplate, ObjectsAsKeysDoNotCollide) {
  EXPECT_EQ(render("{{ range(100000)|map('string')|map('batch', 1)|unique|list|length }}"),
            "100000");
}

TEST(ChatTemplate, DeepNestingIsAnErrorAndNoCrash) {
  for (const std::string piece :
       {"{% for i in [1] %}", "{% if 1 %}", "{{ (", "{{ [", "{{ {1:", "{{ not ", "{{ -", "{{ f(",
        "{{ 1 if ", "{{ x|default(", "{% set x %}", "{% macro m() %}", "{{ 1 + ", "{{ x[",
        "{{ 1 is eq ", "{% call f() %}", "{% with %}"}) {
    std::string source;
    for (int i = 0; i < 20000; ++i) source += i == 0 || piece[1] == '%' ? piece : piece.substr(3);
    EXPECT_EQ(error_of(source).substr(0, 13), "chat template") << piece;
  }
  std::string chain = "{{ x";
  for (int i = 0; i < 20000; ++i) chain += "|string";
  EXPECT_NE(error_of(chain + " }}").find("levels deep"), std::string::npos);
}

TEST(ChatTemplate, TellsTheTimeItIsGiven) {
  EXPECT_EQ(render("{{ strftime_now('%Y-%m-%d %H:%M:%S %a %A %b %B %j %I %p %U %W %w %y %%') }}"),
            "2026-01-05 07:08:09 Mon Monday Jan January 005 07 AM 01 01 1 26 %");
  EXPECT_EQ(render("{{ strftime_now('%-d/%-m %e %D %F %T %R %u %V %G %q%') }}"),
            "5/1  5 01/05/26 2026-01-05 07:08:09 07:08 1 02 2026 %q%");
}

TEST(ChatTemplate, RendersInSeveralThreadsAtOnce) {
  const ChatTemplate shared("{% for i in range(200) %}{{ x ~ i }},{% endfor %}");
  TemplateInput input;
  input.variables["x"] = "a";
  const std::string expected = shared.render(input);
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) result = shared.render(input);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

}  // namespace
}  // namespace wattle::chat
