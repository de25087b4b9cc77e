// SPDX-License-Identifier: Apache-2.0
#include "chat/llama_output_parser.h"
#include "chat/marked_output_parser.h"
#include "chat/output_parser.h"
#include "chat/tool_call_syntax.h"

namespace wattle::chat {
namespace {

// First match wins: both texts occur in the template.
struct TemplateRule {
  std::string_view mark, second_mark;
  OutputFamily family;
};
constexpr TemplateRule kTemplateRules[] = {
    {"<|channel>", "<channel|>", OutputFamily::gemma4},
    {"</think>", "<tool_call>", OutputFamily::qwen3},
    {"</think>", "", OutputFamily::thinking},
    {"<tool_call>", "", OutputFamily::hermes},
    {"<|start_header_id|>", "\"parameters\"", OutputFamily::llama3},
};

struct ArchitectureRule {
  std::string_view architecture;
  OutputFamily family;
};
constexpr ArchitectureRule kArchitectureRules[] = {
    {"gemma4", OutputFamily::gemma4},
    {"qwen3", OutputFamily::qwen3},
    {"qwen3moe", OutputFamily::qwen3},
};

constexpr std::string_view kGemma4Markers[] = {"<|channel>",   "<channel|>",       "<|tool_call>",
                                               "<tool_call|>", "<|tool_response>", "<|\"|>"};
constexpr Region kGemma4Regions[] = {
    {OutputEvent::Kind::reasoning, "<|channel>", "<channel|>", "thought", nullptr},
    {OutputEvent::Kind::tool_call, "<|tool_call>", "<tool_call|>", "", parse_gemma4_call},
};
// What the model leaves over: a channel it closes twice, and the token that asks for tool results.
constexpr std::string_view kGemma4Dropped[] = {"<channel|>", "<|tool_response>"};

constexpr std::string_view kQwen3Markers[] = {"<think>", "</think>", "<tool_call>", "</tool_call>"};
constexpr Region kQwen3Regions[] = {
    {OutputEvent::Kind::reasoning, "<think>", "</think>", "", nullptr},
    {OutputEvent::Kind::tool_call, "<tool_call>", "</tool_call>", "", parse_json_call},
};

constexpr OutputSyntax kPlain = {{}, {}, {}};
constexpr OutputSyntax kGemma4 = {kGemma4Markers, kGemma4Regions, kGemma4Dropped};
constexpr OutputSyntax kQwen3 = {kQwen3Markers, kQwen3Regions, {}};
constexpr OutputSyntax kThinking = {
    std::span(kQwen3Markers).first(2), std::span(kQwen3Regions).first(1), {}};
constexpr OutputSyntax kHermes = {
    std::span(kQwen3Markers).last(2), std::span(kQwen3Regions).last(1), {}};

}  // namespace

OutputFamily output_family(std::string_view template_text, std::string_view architecture) noexcept {
  const auto has = [&](std::string_view mark) {
    return template_text.find(mark) != std::string_view::npos;
  };
  for (const TemplateRule& rule : kTemplateRules) {
    if (has(rule.mark) && has(rule.second_mark)) return rule.family;
  }
  if (!template_text.empty()) return OutputFamily::plain;
  for (const ArchitectureRule& rule : kArchitectureRules) {
    if (rule.architecture == architecture) return rule.family;
  }
  return OutputFamily::plain;
}

std::unique_ptr<OutputParser> make_output_parser(OutputFamily family,
                                                 const OutputParserOptions& options) {
  switch (family) {
    case OutputFamily::gemma4: return std::make_unique<MarkedOutputParser>(kGemma4, options);
    case OutputFamily::qwen3: return std::make_unique<MarkedOutputParser>(kQwen3, options);
    case OutputFamily::thinking: return std::make_unique<MarkedOutputParser>(kThinking, options);
    case OutputFamily::hermes: return std::make_unique<MarkedOutputParser>(kHermes, options);
    case OutputFamily::llama3:
      if (options.tools_offered) return std::make_unique<LlamaOutputParser>();
      break;
    case OutputFamily::plain: break;
  }
  return std::make_unique<MarkedOutputParser>(kPlain, OutputParserOptions{});
}

}  // namespace wattle::chat
