// SPDX-License-Identifier: Apache-2.0
// Start here: an Engine is an open model on this machine's devices; a Session is one conversation
// with it. Nothing else of the engine is in view of a front end.
//
//   wattle::Engine engine({.model = "SmolLM2-135M-Instruct.Q4_1.gguf"});
//   auto session = engine.new_session();
//   session->chat({.messages = {{.role = "user", .content = "Why is the sky blue?"}}},
//                 [](const wattle::Delta& d) { std::cout << d.text << std::flush; });
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wattle/error.h"
#include "wattle/export.h"
#include "wattle/log.h"
#include "wattle/message.h"
#include "wattle/sampling_params.h"
#include "wattle/token.h"

namespace wattle {

enum class KvCacheType { f32, f16, q8_0 };

// How finely products with quantised weights round what they multiply in the layers of a model: to
// int8 (normal), or to some 16 bits for twice the arithmetic (fine); with BF16 weights to one or
// two bf16, where the processor multiplies those. of_model: fine for mixtures that take up to three
// experts a token, but for the experts themselves; normal for all others (docs/numerics.md).
enum class MatrixPrecision { of_model, normal, fine };

// An NPU beside the processor, for products of many rows.
//   automatic         vendor or rocket where there is one, else off; which, is told to the log
//   simulator         of an RK3588's with the vendor's driver
//   vendor            Rockchip's kernel driver (rknpu)
//   rocket            Linux's own, from 6.18 on
//   simulator_rocket  of an RK3588's with that driver
// Nothing was run on silicon by us. Opening the engine throws Error{unsupported, io} where the
// driver that is named is not there. Where another process has the NPU, the processor computes
// everything, and the log says so.
enum class NpuDriver { off, automatic, simulator, vendor, rocket, simulator_rocket };

// How products are computed there: docs/npu.md. by_matrix: what the plan of placement chooses.
// w8a8_plain, w4a4 and w4a4_plain are for comparing.
enum class NpuArithmetic { by_matrix, w16a16, w8a8, w8a8_plain, w4a8, w4a4, w4a4_plain };

// What the plan of placement makes small: time, or energy above idle.
enum class NpuObjective { speed, energy };

// Which matrices go to the NPU, and which products with them, is planned when the engine is opened,
// with a model of what each costs on a board (docs/npu.md); `wattle show --placement` prints it.
struct NpuParams {
  NpuDriver driver = NpuDriver::off;
  NpuObjective objective = NpuObjective::speed;
  // Mean watts above idle that a prompt and an answer may each take; 0: any. Where no plan keeps to
  // them, the log says so.
  double max_watts = 0;
  // The largest KL divergence from exact, in those of the processor, that an arithmetic may have.
  double max_divergence = 1.1;
  uint64_t max_bytes = 0;  // of packed weights that stay; 0: what memory has room for
  // Forced, whatever the plan would be.
  NpuArithmetic arithmetic = NpuArithmetic::by_matrix;
  uint32_t min_rows = 0;  // products of as many rows (tokens of a batch) go to the NPU; 0: planned
  // What a simulator is to do wrong, as in `wattle npu selftest --faults`; empty: nothing.
  std::string faults{};
};

struct EngineParams {
  std::filesystem::path model{};  // a GGUF file, or the first of its shards
  uint32_t n_ctx = 0;             // tokens a session can hold; 0: min(trained, 8192)
  uint32_t n_batch = 512;         // prompt tokens computed at once
  uint32_t n_threads = 0;         // 0: all processors this process may use
  bool pin_threads = false;
  KvCacheType kv_k = KvCacheType::f16;
  KvCacheType kv_v = KvCacheType::f16;
  MatrixPrecision precision = MatrixPrecision::of_model;
  NpuParams npu{};
  std::string chat_template{};  // Jinja text that replaces the model's own; empty: the model's
  // Bytes of weights looked at so far, of all. Called from the thread that opens the engine;
  // returning false stops loading with Error{cancelled}.
  std::function<bool(uint64_t done, uint64_t total)> on_load_progress{};
  LogSink log{};
};

struct ModelInfo {
  std::string name{};          // general.name, or the file name
  std::string architecture{};  // "gemma4", "llama", ...
  uint32_t n_vocab = 0;
  uint32_t n_ctx_train = 0;
  uint32_t n_embd = 0;
  uint64_t n_params = 0;
  uint64_t size_bytes = 0;
  bool has_chat_template = false;
};

// What an NPU holds, and what it has done since the engine was opened.
struct NpuReport {
  std::string driver{};
  bool is_silicon = false;
  uint32_t n_matrices = 0;  // of the model; a bank of experts counts as one
  uint32_t n_on_npu = 0;    // that have a place there; all others are the processor's
  uint32_t n_streamed = 0;  // of those: packed anew for each product, while the others stay
  uint32_t n_missed = 0;    // that did not come out as on the processor when they were checked
  uint64_t n_bytes = 0;     // of weights that stay in its memory
  uint64_t n_faults = 0;    // that the processor has made good
  bool in_use = false;      // false: it is left alone after faults
  uint64_t n_submits = 0;
  double busy_ms = 0;
  std::optional<double> energy_mj{};  // where it is known
  bool is_projection = false;         // time and energy are those of a model, not measured
};

// What to do with a text that outgrows the context: its first tokens stay, of the others the oldest
// are forgotten, half of the context at a time. The rest is computed anew, as though the text had
// always been so, which takes as long as a prompt of that length.
struct ContextShift {
  uint32_t n_keep = 0;  // tokens that stay, less than n_ctx; a BOS does in any case
};

struct ChatRequest {
  std::vector<Message> messages{};
  std::string tools_json{};               // a JSON array of tools in OpenAI's form, or empty
  std::optional<bool> enable_thinking{};  // absent: the template's default
  SamplingParams sampling{};
  uint32_t n_predict = 0;           // tokens at most; 0: as many as fit into the context
  std::vector<std::string> stop{};  // texts that end the answer (not part of it)
  // Absent: what does not fit ends the answer (StopReason::context_full) or is refused (a prompt).
  std::optional<ContextShift> context_shift{};
};

struct CompletionRequest {
  std::string prompt{};       // raw text; BOS is added as the model wants
  bool parse_special = true;  // "<|im_start|>" in it becomes the control token
  SamplingParams sampling{};
  uint32_t n_predict = 0;
  std::vector<std::string> stop{};
  std::optional<ContextShift> context_shift{};
};

enum class StopReason { end_of_text, stop_text, length, context_full, cancelled };

// A piece of the answer as it is made: always whole UTF-8.
struct Delta {
  enum class Kind { text, reasoning } kind = Kind::text;
  std::string_view text;
};
using OnDelta = std::function<void(const Delta&)>;

struct Timings {
  uint32_t n_prompt = 0;         // prompt tokens, all
  uint32_t n_prompt_cached = 0;  // of them taken from the cache
  uint32_t n_generated = 0;
  double prompt_ms = 0;
  double time_to_first_token_ms = 0;
  double generation_ms = 0;
};

struct Answer {
  Message message{};  // role "assistant"
  StopReason stop = StopReason::end_of_text;
  uint64_t seed = 0;
  uint64_t n_forgotten = 0;  // tokens of the text that context_shift dropped
  Timings timings{};
};

// Which of the tokens' vectors stand for the text: their mean, the first (as BERT-like models are
// trained), or the last (as causal models are, where only that has seen all others).
enum class Pooling { mean, first, last };

struct Embedding {
  std::vector<float> values{};
  uint32_t n_tokens = 0;
};

class Session;
class RawSequence;

// Immutable after construction but for its thread pool and the cache, which the sessions share.
// What several of them compute from several threads at the same time is computed together, in one
// pass over the weights: N answers side by side take far less than N times as long as one.
// docs/numerics.md says what company may change in the last bits.
class WATTLE_API Engine {
 public:
  // Throws Error: bad_input, unsupported, io, out_of_memory, usage (parameters), cancelled.
  explicit Engine(const EngineParams& params);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const ModelInfo& model() const noexcept;
  uint32_t n_ctx() const noexcept;
  // Nothing where the engine has no NPU.
  std::optional<NpuReport> npu() const;

  // Sampling as the model file recommends it, the defaults of SamplingParams elsewhere.
  SamplingParams recommended_sampling() const;

  struct TokenizeOptions {
    bool add_bos = true;        // as the model wants; false: never
    bool parse_special = true;  // "<bos>" in the text becomes the control token
  };
  std::vector<TokenId> tokenize(std::string_view text, TokenizeOptions options) const;

  // The bytes that the token stands for, often a part of a character; those of a control token are
  // its name. Throws Error{usage} where the vocabulary has no such id.
  std::string token_bytes(TokenId id) const;

  // Feeds `ids` to a fresh sequence and hands out the logits [n_vocab] after each of them in order,
  // or only the last ones. The row is valid during the call. Nothing is added to the ids.
  void logits(std::span<const TokenId> ids, bool all,
              const std::function<void(std::span<const float> row)>& on_row);

  struct EmbedOptions {
    std::optional<Pooling> pooling{};  // absent: as the model file says, else last
    bool normalize = true;             // to a length of 1
  };
  // One vector [n_embd] for a text: what the model makes of its tokens after the last norm, pooled.
  // BOS and EOS are added as the model file says. Throws Error{usage} for an empty text or one
  // longer than the context, Error{unsupported} where the file asks for another pooling.
  Embedding embed(std::string_view text, EmbedOptions options);

  // The session must not outlive the engine. Throws Error{out_of_memory}.
  std::unique_ptr<Session> new_session();

  // The same for a sequence that is fed by hand.
  std::unique_ptr<RawSequence> new_raw_sequence();

 private:
  friend class Session;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One sequence of tokens with its KV cache. What the next request has in common at its beginning
// with the tokens of this or another session of the engine is not computed again. Not thread-safe,
// except cancel().
class WATTLE_API Session {
 public:
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Renders the messages with the model's template and generates the next one.
  // Throws Error{unsupported} without a template, Error{usage} when the prompt does not fit.
  Answer chat(const ChatRequest& request, const OnDelta& on_delta);
  Answer complete(const CompletionRequest& request, const OnDelta& on_delta);

  // Writes what the session holds to a file, which is replaced whole or not at all, with a note of
  // the caller (such as the messages). Throws Error{io}.
  void save(const std::filesystem::path& path, std::string_view note) const;

  struct Restored {
    std::string note{};
    // False: saved with another model or cache, so that all of the next prompt is computed.
    bool cache = false;
  };
  // Goes on where save() was called; what the session held is forgotten. Throws Error: io,
  // bad_input (a damaged file), unsupported (another version), out_of_memory.
  Restored restore(const std::filesystem::path& path);

  // Stops the running call at the next token: it returns with StopReason::cancelled. A call that
  // has not begun yet is not stopped. May be called from any thread and from a signal handler.
  void cancel() noexcept;

 private:
  friend class Engine;
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A sequence for measurements and comparisons: ids in, logits out, nothing added. Not thread-safe.
class WATTLE_API RawSequence {
 public:
  ~RawSequence();
  RawSequence(const RawSequence&) = delete;
  RawSequence& operator=(const RawSequence&) = delete;

  uint32_t size() const noexcept;

  // Appends ids, at most n_batch at once, and hands out the logits [n_vocab] that follow none of
  // them, the last one, or each in order. The row is valid during the call. Throws Error{usage}
  // where there are no ids or the context cannot hold them.
  enum class Want { none, last, all };
  void feed(std::span<const TokenId> ids, Want want,
            const std::function<void(std::span<const float> row)>& on_row);

  // Goes back to the first n_keep tokens, or to none where the cache no longer holds what the next
  // token would see (sliding windows). Returns how many are left.
  uint32_t truncate(uint32_t n_keep);

 private:
  friend class Engine;
  struct Impl;
  explicit RawSequence(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wattle
