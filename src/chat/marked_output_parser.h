// SPDX-License-Identifier: Apache-2.0
// Answers whose parts stand between an opening and a closing marker.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/output_parser.h"
#include "chat/tool_call_syntax.h"

namespace wattle::chat {

struct Region {
  OutputEvent::Kind kind;  // reasoning or tool_call
  std::string_view open, close;
  std::string_view header;  // behind `open`, not part of the reasoning; may be left out
  ParseCall parse;          // of a tool call
};

// All of it borrowed from constants.
struct OutputSyntax {
  std::span<const std::string_view> markers;
  std::span<const Region> regions;
  std::span<const std::string_view> dropped;  // markers that mean nothing within the answer
};

class MarkedOutputParser final : public OutputParser {
 public:
  MarkedOutputParser(const OutputSyntax& syntax, const OutputParserOptions& options);

  std::span<const std::string_view> markers() const noexcept override { return syntax_.markers; }
  std::optional<ReasoningMarkers> reasoning() const noexcept override;
  void feed(std::string_view piece, std::vector<OutputEvent>& out) override;
  void finish(std::vector<OutputEvent>& out) override;

 private:
  struct Match {
    size_t at;  // npos: none
    std::string_view marker;
    const Region* region;  // null: a marker to drop, or the closing one
  };

  // Each takes what it can from pending_ and says whether it got on.
  bool in_text(std::vector<OutputEvent>& out);
  bool in_reasoning(std::vector<OutputEvent>& out);
  bool in_call(std::vector<OutputEvent>& out);

  Match find_in_text() const;
  Match find_in_reasoning() const;
  size_t held_back(std::span<const std::string_view> candidates) const;
  bool skip_header();
  void emit(OutputEvent::Kind kind, std::string_view text, std::vector<OutputEvent>& out);

  const OutputSyntax syntax_;
  const bool answer_is_text_;
  bool in_answer_ = false;  // where answer_is_text_: behind the reasoning, or there is none
  std::vector<std::string_view> text_markers_;
  const Region* region_ = nullptr;  // the one we are in
  bool at_header_ = false;          // right behind its opening marker
  std::string pending_;             // read, not given out yet
  size_t scanned_ = 0;              // of pending_, where the end of a call is not
  std::string space_;               // white space that counts only if more of the same follows
  bool fresh_ = false;              // at the begin of a part, where white space is dropped
};

}  // namespace wattle::chat
