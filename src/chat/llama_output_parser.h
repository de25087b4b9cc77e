// SPDX-License-Identifier: Apache-2.0
// Llama 3's tool calls: the whole answer is a JSON object, or what follows <|python_tag|> is.
#pragma once

#include <string>

#include "chat/output_parser.h"

namespace wattle::chat {

class LlamaOutputParser final : public OutputParser {
 public:
  std::span<const std::string_view> markers() const noexcept override;
  void feed(std::string_view piece, std::vector<OutputEvent>& out) override;
  void finish(std::vector<OutputEvent>& out) override;

 private:
  // undecided: so far the answer could be a call. text: it is none, but a tag may still come.
  enum class State { undecided, text, tagged };

  State state_ = State::undecided;
  std::string pending_;
};

}  // namespace wattle::chat
