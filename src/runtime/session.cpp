// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "base/mapped_file.h"
#include "runtime/answer_grammar.h"
#include "runtime/answer_stream.h"
#include "runtime/context_window.h"
#include "runtime/engine_impl.h"
#include "runtime/sequence.h"
#include "runtime/session_file.h"
#include "sampling/grammar/constraint.h"
#include "sampling/sampler.h"

namespace wattle {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

}  // namespace

struct Session::Impl {
  explicit Impl(runtime::EngineCore& engine_core) : core(engine_core), sequence(engine_core) {}

  template <class Request>
  Answer generate(std::vector<TokenId> prompt, const Request& request,
                  std::optional<grammar::Constraint> constraint, runtime::AnswerStream& stream);
  // Nothing where the request has no grammar.
  std::optional<grammar::Constraint> constraint(const SamplingParams& sampling, bool starts_text,
                                                std::optional<grammar::Reasoning> reasoning);

  runtime::EngineCore& core;
  runtime::Sequence sequence;
  runtime::AnswerGrammar answer_grammar;
  std::atomic<bool> cancelled{false};
  static_assert(std::atomic<bool>::is_always_lock_free, "cancel() is called by signal handlers");
};

std::optional<grammar::Constraint> Session::Impl::constraint(
    const SamplingParams& sampling, bool starts_text, std::optional<grammar::Reasoning> reasoning) {
  if (!runtime::AnswerGrammar::is_wanted(sampling)) return std::nullopt;
  const grammar::Vocabulary& vocab = core.grammar_vocabulary();
  return grammar::Constraint(
      answer_grammar.matcher(sampling, vocab), vocab,
      {.drops_first_space = starts_text && core.tokenizer().adds_space_prefix(),
       .reasoning = reasoning});
}

// `text` is the prompt and grows by the answer.
template <class Request>
Answer Session::Impl::generate(std::vector<TokenId> text, const Request& request,
                               std::optional<grammar::Constraint> constraint,
                               runtime::AnswerStream& stream) {
  const Clock::time_point start = Clock::now();
  const Tokenizer& tokenizer = core.tokenizer();
  if (text.empty()) {
    throw Error(ErrorCode::usage,
                fmt::format("the prompt is empty, and model '{}' has no token to begin a text with",
                            core.info().name),
                "give it some text to continue");
  }
  const runtime::ContextWindow window(core.n_ctx(), request.context_shift, tokenizer.adds_bos());
  sampling::Sampler sampler(request.sampling, tokenizer.n_vocab(),
                            [&](TokenId id, std::string& out) { tokenizer.append_bytes(id, out); });
  for (const TokenId id : text) sampler.accept(id);
  if (constraint) sampler.constrain(*constraint);

  Answer answer{.stop = StopReason::cancelled, .seed = sampler.seed()};
  Timings& timings = answer.timings;
  timings.n_prompt = static_cast<uint32_t>(text.size());
  const runtime::Sequence::Assigned assigned = sequence.assign(window.view(text), cancelled);
  timings.n_prompt_cached = assigned.n_reused;
  timings.prompt_ms = ms_since(start);

  while (!cancelled.load(std::memory_order_relaxed)) {
    const TokenId token = sampler.sample(sequence.logits());
    if (timings.n_generated == 0) timings.time_to_first_token_ms = ms_since(start);
    if (tokenizer.is_eog(token)) {
      answer.stop = StopReason::end_of_text;
      break;
    }
    sampler.accept(token);
    text.push_back(token);
    ++timings.n_generated;
    stream.push(token);
    if (stream.stop_text_found()) {
      answer.stop = StopReason::stop_text;
      break;
    }
    if (constraint && constraint->is_complete()) {
      answer.stop = StopReason::end_of_text;
      break;
    }
    if (timings.n_generated == request.n_predict) {
      answer.stop = StopReason::length;
      break;
    }
    if (sequence.size() == core.n_ctx() && !request.context_shift) {
      answer.stop = StopReason::context_full;
      break;
    }
    if (cancelled.load(std::memory_order_relaxed)) break;
    if (sequence.size() < core.n_ctx()) {
      sequence.append(token);
    } else {
      sequence.assign(window.view(text), cancelled);
    }
  }
  answer.n_forgotten = window.n_forgotten(text.size());
  answer.message = stream.finish();
  timings.generation_ms = ms_since(start) - timings.prompt_ms;
  return answer;
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Answer Session::complete(const CompletionRequest& request, const OnDelta& on_delta) {
  impl_->cancelled.store(false, std::memory_order_relaxed);
  const Tokenizer& tokenizer = impl_->core.tokenizer();
  const bool starts_text = request.prompt.empty();
  runtime::AnswerStream stream(tokenizer, starts_text, request.stop, nullptr, on_delta);
  return impl_->generate(tokenizer.encode(request.prompt, {.parse_special = request.parse_special}),
                         request, impl_->constraint(request.sampling, starts_text, std::nullopt),
                         stream);
}

Answer Session::chat(const ChatRequest& request, const OnDelta& on_delta) {
  impl_->cancelled.store(false, std::memory_order_relaxed);
  const runtime::EngineCore& core = impl_->core;
  const std::vector<TextSegment> segments = core.chat_prompt().render(request);
  auto parser = core.chat_prompt().make_parser(request, segments);
  std::optional<grammar::Reasoning> reasoning;
  if (runtime::AnswerGrammar::is_wanted(request.sampling)) {
    if (!request.tools_json.empty()) {
      throw Error(ErrorCode::usage, "an answer is held to a grammar or may call tools, not both",
                  "leave the tools or the grammar out");
    }
    reasoning =
        runtime::reasoning_tokens(core.tokenizer(), parser->reasoning(), request.enable_thinking);
    if (!reasoning) parser.reset();  // the grammar holds from the first token on: all is text
  }
  runtime::AnswerStream stream(core.tokenizer(), true, request.stop, std::move(parser), on_delta);
  return impl_->generate(core.tokenizer().encode(segments), request,
                         impl_->constraint(request.sampling, true, reasoning), stream);
}

void Session::save(const std::filesystem::path& path, std::string_view note) const {
  impl_->sequence.save(path, note);
}

Session::Restored Session::restore(const std::filesystem::path& path) {
  const MappedFile mapping(path);
  const runtime::SessionFile file = runtime::parse_session_file(mapping.bytes(), path.string());
  return {.note = std::string(file.note), .cache = impl_->sequence.restore(file)};
}

void Session::cancel() noexcept { impl_->cancelled.store(true, std::memory_order_relaxed); }

std::unique_ptr<Session> Engine::new_session() {
  return std::unique_ptr<Session>(new Session(std::make_unique<Session::Impl>(impl_->core)));
}

}  // namespace wattle
