// SPDX-License-Identifier: Apache-2.0
// Templates of real models and single features of the language, against the texts that Python's
// Jinja gives for them. All of them hold, also those that other engines answer differently.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "tests/chat/golden_chat.h"
#include "tests/support/golden_dir.h"
#include "wattle/error.h"

namespace wattle {
namespace {

using chat::ChatTemplate;
using chat::Json;
using chat::TemplateInput;

struct Outcome {
  std::optional<std::string> text;
  std::string error;
};

Outcome render(const std::string& source, const TemplateInput& input) {
  try {
    return {ChatTemplate(source).render(input), {}};
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_input);
    return {std::nullopt, e.what()};
  }
}

// What is said about one case: expected, or error and error_kind, or error_allowed.
void check(const Json& one, const Outcome& outcome) {
  if (one.contains("error")) {
    ASSERT_FALSE(outcome.text.has_value()) << "rendered: " << *outcome.text;
    if (one.at("error_kind") == "raised") {
      EXPECT_EQ(outcome.error, one.at("error").get<std::string>());
    }
    return;
  }
  if (!outcome.text && one.value("error_allowed", false)) return;
  ASSERT_TRUE(outcome.text.has_value()) << outcome.error;
  EXPECT_EQ(*outcome.text, one.at("expected").get<std::string>());
}

TEST(ChatTemplateGolden, RendersConversationsOfRealModels) {
  WATTLE_NEEDS_GOLDEN("chat/cases");
  for (const auto& file : test::files_in(test::golden_dir() / "chat" / "cases", ".json")) {
    const test::GoldenCases golden = test::load_cases(file);
    for (const Json& one : golden.cases) {
      SCOPED_TRACE(file.stem().string() + ": " + one.at("name").get<std::string>());
      check(one, render(golden.template_text, test::input_of(golden, one)));
    }
  }
}

std::string template_of(const Json& feature) {
  if (feature.contains("template")) return feature.at("template").get<std::string>();
  std::string text;
  for (const Json& part : feature.at("template_parts")) {
    for (auto n = part.at(1).get<int64_t>(); n > 0; --n) text += part.at(0).get<std::string>();
  }
  return text;
}

TEST(ChatTemplateGolden, RendersEachFeatureOfTheLanguage) {
  WATTLE_NEEDS_GOLDEN("chat/features.json");
  const auto file = test::golden_dir() / "chat" / "features.json";
  const Json golden = chat::parse_json(test::read_file(file), file.string());
  for (const Json& feature : golden.at("features")) {
    SCOPED_TRACE(feature.at("name").get<std::string>() + ": " +
                 template_of(feature).substr(0, 300));
    TemplateInput input;
    input.now = chat::parse_civil_time(golden.at("now").get<std::string>());
    input.variables = feature.at("vars");
    const auto start = std::chrono::steady_clock::now();
    check(feature, render(template_of(feature), input));
    // Hostile ones stop soon; the bound is wide for sanitizer builds on a busy machine.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  }
}

}  // namespace
}  // namespace wattle
