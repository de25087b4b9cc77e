// SPDX-License-Identifier: Apache-2.0
// chat/: conversations rendered by the templates of real models, and single features of the
// template language, against the texts that Python's Jinja gives. All are asserted, also those that
// other engines answer differently: docs/chat-templates.md.
#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "logits.h"
#include "tally.h"
#include "tests/chat/golden_chat.h"
#include "wattle/error.h"

namespace wattle::golden {
namespace {

using chat::ChatTemplate;
using chat::TemplateInput;

struct Outcome {
  std::optional<std::string> text;
  std::string error;
};

Outcome render(const std::string& source, const TemplateInput& input) {
  try {
    return {ChatTemplate(source).render(input), {}};
  } catch (const Error& e) {
    return {std::nullopt, e.what()};
  }
}

// What the data says about one case: expected, or error and error_kind, or error_allowed.
void check_outcome(const std::string& where, const Json& one, const Outcome& got, Tally& tally) {
  if (one.contains("error")) {
    if (got.text) {
      tally.fail(fmt::format("{}: rendered, expected the error {}", where, one["error"].dump()));
    } else {
      const bool exact = one.at("error_kind") == "raised";
      tally.check(!exact || got.error == one["error"].get<std::string>(),
                  fmt::format("{}: error {}, expected {}", where, Json(got.error).dump(),
                              one["error"].dump()));
    }
    return;
  }
  if (!got.text && one.value("error_allowed", false)) return tally.pass();
  if (!got.text) return tally.fail(fmt::format("{}: {}", where, got.error));
  tally.check(*got.text == one.at("expected").get<std::string>(),
              fmt::format("{}: rendered {}, expected {}", where, Json(*got.text).dump(),
                          one["expected"].dump()));
}

std::string template_of(const Json& feature) {
  if (feature.contains("template")) return feature["template"].get<std::string>();
  std::string text;
  for (const Json& part : feature.at("template_parts")) {
    for (auto n = part.at(1).get<int64_t>(); n > 0; --n) text += part.at(0).get<std::string>();
  }
  return text;
}

void check_conversations(const std::filesystem::path& file, Tally& tally) {
  const test::GoldenCases golden = test::load_cases(file);
  for (const Json& one : golden.cases) {
    const std::string where =
        fmt::format("chat/{} {}", file.stem().string(), one.at("name").get<std::string>());
    check_outcome(where, one, render(golden.template_text, test::input_of(golden, one)), tally);
  }
}

void check_features(const std::filesystem::path& file, Tally& tally) {
  const Json golden = parse_json(test::read_file(file), file.string());
  for (const Json& feature : golden.at("features")) {
    TemplateInput input;
    input.now = chat::parse_civil_time(golden.at("now").get<std::string>());
    input.variables = feature.at("vars");
    const std::string where = fmt::format("chat/feature {}", feature.at("name").get<std::string>());
    const auto start = std::chrono::steady_clock::now();
    check_outcome(where, feature, render(template_of(feature), input), tally);
    // Hostile ones stop soon; the bound is wide for sanitizer builds on a busy machine.
    if (std::chrono::steady_clock::now() - start > std::chrono::seconds(30)) {
      tally.fail(where + ": took longer than 30 s");
    }
  }
}

}  // namespace

void check_chat(const std::filesystem::path& folder, Tally& tally) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder / "cases")) {
    files = files_with_extension(folder / "cases", ".json");
  }
  if (std::filesystem::exists(folder / "features.json")) files.push_back(folder / "features.json");
  for (const auto& file : files) {
    try {
      file.filename() == "features.json" ? check_features(file, tally)
                                         : check_conversations(file, tally);
    } catch (const std::exception& e) {  // unreadable data is a failure, not the end of the run
      tally.fail(fmt::format("chat/{}: {}", file.stem().string(), e.what()));
    }
  }
}

}  // namespace wattle::golden
