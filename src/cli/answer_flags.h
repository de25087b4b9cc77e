// SPDX-License-Identifier: Apache-2.0
// The flags that `run` and `chat` share: the engine, sampling, and what an answer is to be like.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/engine_flags.h"
#include "cli/open_engine.h"
#include "cli/sampling_flags.h"
#include "wattle/engine.h"

namespace wattle::cli {

// Bound to the flags of an app: must outlive the parsing and stay where it is.
struct AnswerFlags {
  void add_to(CLI::App& app);

  // With the model's template or the one of --chat-template.
  EngineParams engine_params() const;
  // Reads the file of a grammar. sampling, n_predict, stop and thinking; messages are the caller's.
  ChatRequest chat_request(const Engine& engine) const;
  // The same for raw text.
  CompletionRequest completion_request(const Engine& engine) const;

  EngineFlags engine;
  SamplingFlags sampling;
  Reporting reporting;
  int64_t n_predict = -1;
  std::vector<std::string> stop;
  std::string system;
  std::optional<bool> think;
  bool shifts_context = false;
  uint32_t n_keep = 0;
  std::string chat_template;
  std::optional<std::string> grammar;
  std::optional<std::string> grammar_file;
  std::optional<std::string> json_schema;
  std::optional<std::string> json_schema_file;

 private:
  SamplingParams sampling_params(const Engine& engine) const;
  // What both kinds of requests have.
  template <class Request>
  void fill(Request& request, const Engine& engine) const;
};

}  // namespace wattle::cli
