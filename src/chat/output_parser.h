// SPDX-License-Identifier: Apache-2.0
// What a model writes, taken apart while it is written: the answer, the reasoning, the tool calls.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wattle/message.h"

namespace wattle::chat {

// How a model marks its reasoning and its calls; docs/chat-templates.md shows each form.
enum class OutputFamily {
  plain,     // all of it is the answer
  gemma4,    // <|channel>thought ... <channel|>   <|tool_call>call:NAME{...}<tool_call|>
  qwen3,     // <think> ... </think>   <tool_call>{"name": ..., "arguments": ...}</tool_call>
  thinking,  // <think> ... </think>
  hermes,    // <tool_call>{"name": ..., "arguments": ...}</tool_call>
  llama3,    // {"name": ..., "parameters": ...} as the whole answer, perhaps after <|python_tag|>
};

// By what the template writes; by the architecture ("gemma4") where there is no template.
OutputFamily output_family(std::string_view template_text, std::string_view architecture) noexcept;

// What stands around the reasoning of a model; borrowed from constants.
struct ReasoningMarkers {
  std::string_view open, close;
  bool is_open = false;  // the prompt has opened it: the answer begins inside
};

struct OutputEvent {
  enum class Kind { text, reasoning, tool_call } kind = Kind::text;
  std::string text = {};  // text, reasoning: the next piece
  ToolCall call = {};     // tool_call: a whole call, without an id
};

// One answer. Pieces may end anywhere: a marker that is split over several of them is held back
// until it is whole or turns out to be none. Whatever is malformed or not closed comes out as text,
// with its markers; white space between the parts is dropped. Not thread-safe.
class OutputParser {
 public:
  virtual ~OutputParser() = default;

  // The texts of special tokens that feed() must be given although they are no text to print.
  virtual std::span<const std::string_view> markers() const noexcept = 0;
  // Where the answer has reasoning before it, as it stands before the first piece.
  virtual std::optional<ReasoningMarkers> reasoning() const noexcept { return std::nullopt; }
  // The next piece of the answer: whole UTF-8. Appends what it makes certain to `out`.
  virtual void feed(std::string_view piece, std::vector<OutputEvent>& out) = 0;
  // The answer is over: gives out what was held back.
  virtual void finish(std::vector<OutputEvent>& out) = 0;
};

struct OutputParserOptions {
  // The rendered prompt or its end: where the template has opened the reasoning already, the answer
  // begins inside of it.
  std::string_view prompt = {};
  // llama3 only: without tools a JSON object is an answer like any other.
  bool tools_offered = false;
  // A grammar holds the answer: reasoning comes at the very begin or not at all, and behind it
  // nothing is a marker.
  bool answer_is_text = false;
};

std::unique_ptr<OutputParser> make_output_parser(OutputFamily family,
                                                 const OutputParserOptions& options);

}  // namespace wattle::chat
