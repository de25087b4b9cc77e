// SPDX-License-Identifier: Apache-2.0
// The door `output_parser`: what a model writes, with reasoning and tool calls of any family. The
// parts must not depend on where the pieces end, and arguments must be JSON objects. Input: family,
// options, place of the cuts, then the answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_input.h"
#include "base/utf8.h"
#include "chat/output_parser.h"

namespace {

using wattle::chat::OutputEvent;
using wattle::chat::OutputFamily;
using wattle::chat::OutputParserOptions;

struct Parts {
  std::string text, reasoning, calls;
  bool operator==(const Parts&) const = default;
};

// Piece after piece: the lengths go round in `lengths`.
Parts parts_of(OutputFamily family, const OutputParserOptions& options, std::string_view answer,
               const std::vector<size_t>& lengths) {
  const auto parser = make_output_parser(family, options);
  std::vector<OutputEvent> events;
  for (size_t i = 0; !answer.empty(); ++i) {
    const std::string_view piece = answer.substr(0, lengths[i % lengths.size()]);
    parser->feed(piece, events);
    answer.remove_prefix(piece.size());
  }
  parser->finish(events);
  Parts parts;
  for (const OutputEvent& event : events) {
    switch (event.kind) {
      case OutputEvent::Kind::text: parts.text += event.text; break;
      case OutputEvent::Kind::reasoning: parts.reasoning += event.text; break;
      case OutputEvent::Kind::tool_call:
        if (!wattle::parse_json(event.call.arguments_json, "arguments").is_object()) std::abort();
        parts.calls += event.call.name + '\0' + event.call.arguments_json + '\0';
        break;
    }
  }
  return parts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr OutputFamily kFamilies[] = {OutputFamily::plain,  OutputFamily::gemma4,
                                        OutputFamily::qwen3,  OutputFamily::thinking,
                                        OutputFamily::hermes, OutputFamily::llama3};
  constexpr std::string_view kPrompts[] = {"", "<|channel>thought\n", "<think>\n", "<think>"};
  if (size < 3) return 0;
  const OutputFamily family = kFamilies[data[0] % std::size(kFamilies)];
  const OutputParserOptions options{.prompt = kPrompts[data[1] % std::size(kPrompts)],
                                    .tools_offered = (data[1] & 4) != 0,
                                    .answer_is_text = (data[1] & 8) != 0};
  std::string answer;
  wattle::utf8::append_sanitized(
      answer, std::string_view(reinterpret_cast<const char*>(data + 3), size - 3));
  const Parts whole = parts_of(family, options, answer, {answer.size()});
  const std::vector<size_t> lengths{size_t{1} + data[2] % 16, size_t{1} + data[2] / 16};
  if (parts_of(family, options, answer, lengths) != whole) std::abort();
  if (family == OutputFamily::plain && whole.text != answer) std::abort();
  return 0;
}
