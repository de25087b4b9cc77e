// SPDX-License-Identifier: Apache-2.0
// Any bytes as a chat template, run on a small conversation. It may fail, but with an Error, soon
// and without a crash; what it prints is UTF-8 and the same text as its segments.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "chat/jinja/from_json.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/parser.h"
#include "chat/jinja/unicode.h"
#include "wattle/error.h"

namespace {

using wattle::Json;

// Well below what the program allows, so that a run takes milliseconds.
constexpr wattle::chat::jinja::Limits kLimits{.max_template_bytes = 1 << 16,
                                              .max_steps = 50'000,
                                              .max_text_bytes = 1 << 18,
                                              .max_memory_bytes = 1 << 23,
                                              .max_range = 1000};

const Json& variables() {
  static const Json json = wattle::parse_json(R"({
    "messages": [
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": " Hé <b>&</b>\n"},
      {"role": "assistant", "content": "", "reasoning_content": "Hm.",
       "tool_calls": [{"id": "abcdefghi", "type": "function",
                       "function": {"name": "f", "arguments": {"x": 1, "y": [2.5, null, true]}}}]},
      {"role": "tool", "content": "42", "tool_call_id": "abcdefghi", "name": "f"},
      {"role": "user", "content": [{"type": "text", "text": "and?"}, {"type": "image"}]}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters":
      {"type": "object", "properties": {"x": {"type": "integer", "enum": [1, 2]}}, "required": ["x"]}}}],
    "add_generation_prompt": true, "x": 5, "s": "a,b c", "f": -0.5,
    "items": ["a", "b", "c"], "d": {"one": 1, "two": {"three": []}}})",
                                              "variables");
  return json;
}

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wattle::chat::jinja;  // NOLINT: all of this is about it
  try {
    const Template compiled =
        parse(std::string_view(reinterpret_cast<const char*>(data), size), kLimits);
    Runtime rt(kLimits, {.year = 2026, .month = 1, .day = 15, .hour = 12});
    Interpreter interpreter(compiled, rt);
    interpreter.define("bos_token", rt.string("<s>"));
    for (const auto& [name, json] : variables().items()) {
      interpreter.define(name, from_json(rt, json));
    }
    const Text text = interpreter.run();
    std::string joined;
    for (const auto& segment : text.segments()) joined += segment.text;
    check(joined == text.bytes());
    check(is_valid_utf8(joined));
  } catch (const wattle::Error&) {
  }
  return 0;
}
