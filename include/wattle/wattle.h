/* SPDX-License-Identifier: Apache-2.0
 *
 * The C API: an engine is an open model, a session one conversation with it. docs/embedding.md has
 * a program of thirty lines; docs/adr/0012-c-api.md says what stays stable.
 *
 * Errors. A function that can fail returns a wattle_status. When it is not WATTLE_OK, the calling
 * thread can ask what was wrong: wattle_last_error(), wattle_last_error_message() and
 * wattle_last_error_hint(). They describe the last failed call of this thread; a call that succeeds
 * leaves them alone. A null handle or a null required pointer is WATTLE_USAGE, never a crash. No
 * function prints, aborts or exits.
 *
 * Ownership. What comes out of a `wattle_..._open`, `_new`, `_chat` or `_complete` belongs to the
 * caller, who gives it back with the matching `_free`; a null pointer there is fine. What goes in
 * is read during the call and may be thrown away after it, except the callbacks of an engine.
 * Strings that come out belong to the object they were asked of and live as long as it does.
 *
 * Threads. An engine may be used from several threads; what its sessions compute at the same time
 * is computed together, in one pass over the weights. A session belongs to one call at a time: a
 * second one at the same moment, also out of a callback, is WATTLE_USAGE. Only
 * wattle_session_cancel() may be called while another call runs, from any thread and from a signal
 * handler.
 *
 * Texts are UTF-8 that ends with a zero byte, unless a size stands beside them.
 *
 * Structs that begin with `size` grow at their end. Fill them with their _init function, which
 * takes the size that this program knows: it sets that size and the defaults. A field that a newer
 * program knows and the library does not is refused (WATTLE_UNSUPPORTED) unless it is zero.
 */
#ifndef WATTLE_WATTLE_H
#define WATTLE_WATTLE_H

#include <stddef.h>
#include <stdint.h>

#include "wattle/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Integers of fixed width stand for enumerations, so that new values never change a layout. */

typedef int32_t wattle_status;
enum {
  WATTLE_OK = 0,
  WATTLE_BAD_INPUT = 1,     /* a file, template, prompt or JSON from outside is malformed */
  WATTLE_UNSUPPORTED = 2,   /* well-formed, but not something this build can run */
  WATTLE_USAGE = 3,         /* the caller's own arguments do not fit together */
  WATTLE_IO = 4,            /* the operating system refused */
  WATTLE_OUT_OF_MEMORY = 5, /* more memory than there is or than was allowed */
  WATTLE_CANCELLED = 6,     /* a callback asked to stop loading */
  WATTLE_INTERNAL = 7       /* a mistake of wattle: please report it */
};

/* "0.1.0": of the library that runs, which may be newer than this header. */
WATTLE_API const char* wattle_version(void);

/* Of the calling thread. The strings are never null and live until its next failed call. */
WATTLE_API wattle_status wattle_last_error(void);
WATTLE_API const char* wattle_last_error_message(void); /* what was found, what was expected */
WATTLE_API const char* wattle_last_error_hint(void);    /* the next step; may be empty */

/* ---- Sampling ---- */

/* The fields mean what docs/sampling.md says. */
typedef struct wattle_sampling_params {
  size_t size;
  uint64_t seed; /* used where has_seed is not 0; else a fresh one from the system */
  int32_t has_seed;
  float temperature;     /* 0: greedy */
  int32_t top_k;         /* 0: off */
  float top_p;           /* 1: off */
  float min_p;           /* 0: off */
  float typical_p;       /* 1: off */
  int32_t repeat_last_n; /* how far back the penalties look; 0: off, -1: the whole context */
  float repeat_penalty;
  float frequency_penalty;
  float presence_penalty;
  float dry_multiplier; /* 0: off */
  float dry_base;
  int32_t dry_allowed_length;
  int32_t dry_penalty_last_n;
  const char* const* dry_sequence_breakers; /* null: the defaults; not null and none: none */
  size_t n_dry_sequence_breakers;
  const int32_t* logit_bias_ids; /* [n_logit_bias] */
  const float* logit_biases;     /* [n_logit_bias], added to the logits; -INFINITY forbids */
  size_t n_logit_bias;
  const char* grammar; /* GBNF that the answer must follow (docs/grammar.md); null: any answer */
  const char* json_schema; /* the same as a JSON Schema; not both */
} wattle_sampling_params;

WATTLE_API wattle_status wattle_sampling_params_init(wattle_sampling_params* params, size_t size);

/* ---- Engine ---- */

typedef struct wattle_engine wattle_engine;

typedef int32_t wattle_kv_type;
enum { WATTLE_KV_F32 = 0, WATTLE_KV_F16 = 1, WATTLE_KV_Q8_0 = 2 };

typedef int32_t wattle_log_level;
enum { WATTLE_LOG_DEBUG = 0, WATTLE_LOG_INFO = 1, WATTLE_LOG_WARNING = 2 };

/* Bytes of weights looked at so far, of all; called by the thread that opens the engine. Anything
 * but 0 stops loading: wattle_engine_open() returns WATTLE_CANCELLED. */
typedef int32_t (*wattle_progress_fn)(void* user_data, uint64_t done, uint64_t total);

/* One line without a newline, from whichever thread has something to say. */
typedef void (*wattle_log_fn)(void* user_data, wattle_log_level level, const char* line);

/* An NPU beside the processor, for products of many rows (docs/npu.md); never run on silicon by
 * us. AUTO: the kernel driver that is there, else none. The others are WATTLE_UNSUPPORTED or
 * WATTLE_IO where theirs is not. Where another process has the NPU, the processor computes all. */
typedef int32_t wattle_npu_driver;
enum {
  WATTLE_NPU_OFF = 0,
  WATTLE_NPU_AUTO = 1,
  WATTLE_NPU_SIMULATOR = 2, /* of an RK3588's */
  WATTLE_NPU_VENDOR = 3,    /* Rockchip's kernel driver */
  WATTLE_NPU_ROCKET = 4     /* Linux's own */
};

typedef int32_t wattle_npu_arithmetic;
enum {
  WATTLE_NPU_BY_MATRIX = 0, /* what the plan of placement chooses */
  WATTLE_NPU_W16A16 = 1,
  WATTLE_NPU_W8A8 = 2,
  WATTLE_NPU_W4A8 = 3
};

/* What the plan of placement makes small. */
typedef int32_t wattle_npu_objective;
enum { WATTLE_NPU_SPEED = 0, WATTLE_NPU_ENERGY = 1 };

/* How finely products with quantised weights round what they multiply: to 8 bits (normal), or to
   some 16 for twice the arithmetic (fine). Of the model: fine for mixtures that take up to
   three experts a token, but for the experts themselves; normal for all others. */
typedef int32_t wattle_precision;
enum { WATTLE_PRECISION_OF_MODEL = 0, WATTLE_PRECISION_NORMAL = 1, WATTLE_PRECISION_FINE = 2 };

typedef struct wattle_engine_params {
  size_t size;
  const char* model;   /* a GGUF file, or the first of its shards */
  uint32_t n_ctx;      /* tokens a session can hold; 0: min(trained, 8192) */
  uint32_t n_batch;    /* prompt tokens computed at once */
  uint32_t n_threads;  /* 0: all processors this process may use */
  int32_t pin_threads; /* not 0: each thread stays on its own processor */
  wattle_kv_type kv_k;
  wattle_kv_type kv_v;
  const char* chat_template;      /* Jinja text that replaces the model's own; null: the model's */
  wattle_progress_fn on_progress; /* may be null */
  wattle_log_fn on_log;           /* may be null; used until the engine and its sessions are gone */
  void* user_data;                /* handed to both */
  wattle_npu_driver npu;
  wattle_npu_arithmetic npu_arithmetic;
  uint32_t npu_min_rows; /* products of as many rows (tokens of a batch) go there; 0: planned */
  wattle_npu_objective npu_objective;
  double npu_max_watts;      /* mean above idle of a prompt and of an answer; 0: any */
  double npu_max_divergence; /* KL divergence from exact, in those of the processor; 0: 1.1 */
  uint64_t npu_max_bytes;    /* of packed weights that stay; 0: what memory has room for */
  wattle_precision precision;
  int32_t reserved; /* 0 */
} wattle_engine_params;

WATTLE_API wattle_status wattle_engine_params_init(wattle_engine_params* params, size_t size);

WATTLE_API wattle_status wattle_engine_open(const wattle_engine_params* params,
                                            wattle_engine** out);

/* The model stays open until its last session is freed, too: the order does not matter. */
WATTLE_API void wattle_engine_free(wattle_engine* engine);

typedef struct wattle_model_info {
  size_t size;
  const char* name;         /* general.name, or the file name; lives as long as the engine */
  const char* architecture; /* "gemma4", "llama", ...; lives as long as the engine */
  uint32_t n_vocab;
  uint32_t n_ctx_train;
  uint32_t n_ctx;  /* tokens a session of this engine can hold */
  uint32_t n_embd; /* numbers of an embedding */
  int32_t has_chat_template;
  int32_t reserved; /* 0 */
  uint64_t n_params;
  uint64_t size_bytes;
} wattle_model_info;

/* Fills the first info->size bytes: set it to sizeof(wattle_model_info) before. */
WATTLE_API wattle_status wattle_engine_model_info(const wattle_engine* engine,
                                                  wattle_model_info* info);

/* What an NPU holds, and what it has done since the engine was opened. */
typedef struct wattle_npu_info {
  size_t size;
  int32_t has_npu;     /* 0: there is none, and all else is 0 */
  int32_t is_silicon;  /* 0: it is simulated */
  int32_t in_use;      /* 0: it is left alone after faults */
  uint32_t n_matrices; /* of the model; a bank of experts counts as one */
  uint32_t n_on_npu;   /* that have a place there; all others are the processor's */
  uint32_t n_missed;   /* that did not come out as on the processor when they were checked */
  uint64_t n_bytes;    /* of weights that stay in its memory */
  uint64_t n_faults;   /* that the processor has made good */
  uint64_t n_submits;
  double busy_ms;
  double energy_mj;      /* negative where it is not known */
  int32_t is_projection; /* not 0: time and energy are those of a model, not measured */
  uint32_t n_streamed;   /* of n_on_npu: packed anew for each product, while the others stay */
} wattle_npu_info;

/* Fills the first info->size bytes: set it to sizeof(wattle_npu_info) before. */
WATTLE_API wattle_status wattle_engine_npu_info(const wattle_engine* engine, wattle_npu_info* info);

/* Sampling as the model file recommends it, the defaults elsewhere. Fills the first params->size
 * bytes: set it, or call wattle_sampling_params_init() before. */
WATTLE_API wattle_status wattle_engine_recommended_sampling(const wattle_engine* engine,
                                                            wattle_sampling_params* params);

/* ---- Session ---- */

typedef struct wattle_session wattle_session;
typedef struct wattle_answer wattle_answer;

/* The session is empty and has a KV cache of its own. */
WATTLE_API wattle_status wattle_session_new(wattle_engine* engine, wattle_session** out);
WATTLE_API void wattle_session_free(wattle_session* session);

/* Stops the running call at the next token: its answer has WATTLE_STOP_CANCELLED. */
WATTLE_API wattle_status wattle_session_cancel(wattle_session* session);

typedef int32_t wattle_delta_kind;
enum { WATTLE_DELTA_TEXT = 0, WATTLE_DELTA_REASONING = 1 };

/* A piece of the answer as it is made: whole UTF-8 of `size` bytes, and a zero byte after it, valid
 * during the call. Anything but 0 stops the answer, as wattle_session_cancel() does. */
typedef int32_t (*wattle_delta_fn)(void* user_data, wattle_delta_kind kind, const char* text,
                                   size_t size);

/* These two stand in arrays, so they never grow. Null texts are empty. */
typedef struct wattle_tool_call {
  const char* id;
  const char* name;
  const char* arguments_json; /* a JSON object */
} wattle_tool_call;

typedef struct wattle_message {
  const char* role; /* "system", "user", "assistant", "tool" */
  const char* content;
  const char* reasoning;              /* assistant: thoughts, kept apart from the answer */
  const wattle_tool_call* tool_calls; /* assistant: [n_tool_calls] */
  size_t n_tool_calls;
  const char* tool_call_id; /* tool: the call this answers */
  const char* name;         /* tool: its function */
} wattle_message;

typedef int32_t wattle_thinking;
enum { WATTLE_THINKING_DEFAULT = 0, WATTLE_THINKING_ON = 1, WATTLE_THINKING_OFF = 2 };

typedef struct wattle_chat_request {
  size_t size;
  const wattle_message* messages; /* [n_messages] */
  size_t n_messages;
  const char* tools_json;                 /* a JSON array of tools in OpenAI's form, or null */
  const wattle_sampling_params* sampling; /* null: as the model recommends */
  wattle_thinking thinking;
  uint32_t n_predict;      /* tokens at most; 0: as many as fit into the context */
  const char* const* stop; /* [n_stop] texts that end the answer and are no part of it */
  size_t n_stop;
  /* What does not fit into the context ends the answer or is an error, where this is 0. Else the
   * oldest half is forgotten, but for the first n_keep tokens. */
  int32_t context_shift;
  uint32_t n_keep;
} wattle_chat_request;

WATTLE_API wattle_status wattle_chat_request_init(wattle_chat_request* request, size_t size);

/* Renders the messages with the model's template and generates the next one. What the session has
 * in common with the last call is not computed again. on_delta may be null. */
WATTLE_API wattle_status wattle_session_chat(wattle_session* session,
                                             const wattle_chat_request* request,
                                             wattle_delta_fn on_delta, void* user_data,
                                             wattle_answer** out);

typedef struct wattle_completion_request {
  size_t size;
  const char* prompt;                     /* raw text; BOS is added as the model wants */
  const wattle_sampling_params* sampling; /* null: as the model recommends */
  int32_t parse_special; /* not 0: "<|im_start|>" in it becomes the control token */
  uint32_t n_predict;
  const char* const* stop; /* [n_stop] */
  size_t n_stop;
  int32_t context_shift; /* as above */
  uint32_t n_keep;
} wattle_completion_request;

WATTLE_API wattle_status wattle_completion_request_init(wattle_completion_request* request,
                                                        size_t size);

/* Goes on from the text. */
WATTLE_API wattle_status wattle_session_complete(wattle_session* session,
                                                 const wattle_completion_request* request,
                                                 wattle_delta_fn on_delta, void* user_data,
                                                 wattle_answer** out);

/* Writes what the session holds to a file, which is replaced whole or not at all, with a note of
 * the caller (such as its messages; null: none). */
WATTLE_API wattle_status wattle_session_save(wattle_session* session, const char* path,
                                             const char* note);

/* Goes on where it was saved; what the session held is forgotten. *has_cache is 0 where it was
 * saved with another model or cache: then the next prompt is computed in full. `note` takes the
 * first `capacity` bytes of the note, without a zero byte, and *n_note is how many there are. */
WATTLE_API wattle_status wattle_session_restore(wattle_session* session, const char* path,
                                                int32_t* has_cache, char* note, size_t capacity,
                                                size_t* n_note);

/* ---- Answer: a value of its own, which outlives session and engine ---- */

typedef int32_t wattle_stop_reason;
enum {
  WATTLE_STOP_END_OF_TEXT = 0,
  WATTLE_STOP_TEXT = 1,
  WATTLE_STOP_LENGTH = 2,
  WATTLE_STOP_CONTEXT_FULL = 3,
  WATTLE_STOP_CANCELLED = 4
};

typedef struct wattle_answer_info {
  size_t size;
  wattle_stop_reason stop;
  uint32_t n_prompt;        /* prompt tokens, all */
  uint32_t n_prompt_cached; /* of them taken from the cache */
  uint32_t n_generated;
  uint64_t seed;
  uint64_t n_forgotten; /* tokens that context_shift dropped */
  double prompt_ms;
  double time_to_first_token_ms;
  double generation_ms;
} wattle_answer_info;

/* Fills the first info->size bytes: set it to sizeof(wattle_answer_info) before. */
WATTLE_API wattle_status wattle_answer_get_info(const wattle_answer* answer,
                                                wattle_answer_info* info);
/* Empty for a null answer. */
WATTLE_API const char* wattle_answer_text(const wattle_answer* answer);
WATTLE_API const char* wattle_answer_reasoning(const wattle_answer* answer);
WATTLE_API size_t wattle_answer_n_tool_calls(const wattle_answer* answer);
/* WATTLE_USAGE where there is no call of that index. The texts in it belong to the answer. */
WATTLE_API wattle_status wattle_answer_tool_call(const wattle_answer* answer, size_t index,
                                                 wattle_tool_call* out);
WATTLE_API void wattle_answer_free(wattle_answer* answer);

/* ---- Tokens ---- */

enum {
  WATTLE_TOKENIZE_ADD_BOS = 1,      /* put BOS in front as the model wants */
  WATTLE_TOKENIZE_PARSE_SPECIAL = 2 /* "<bos>" in the text becomes the control token */
};

/* The ids of a text of n_bytes. *n_ids is how many there are; ids takes the first `capacity` of
 * them, and may be null where that is 0. So a call with 0 asks how much room is needed. */
WATTLE_API wattle_status wattle_tokenize(const wattle_engine* engine, const char* text,
                                         size_t n_bytes, uint32_t flags, int32_t* ids,
                                         size_t capacity, size_t* n_ids);

/* The bytes that an id stands for, often a part of a character. *n_bytes is how many there are;
 * `bytes` takes the first `capacity` of them and gets no zero byte. A control token has its name.
 */
WATTLE_API wattle_status wattle_token_bytes(const wattle_engine* engine, int32_t id, char* bytes,
                                            size_t capacity, size_t* n_bytes);

/* A row of logits, one a token of the vocabulary and in some models a few that belong to none;
 * valid during the call. Anything but 0 stops: wattle_logits() returns WATTLE_CANCELLED. */
typedef int32_t (*wattle_logits_fn)(void* user_data, size_t position, const float* logits,
                                    size_t n_logits);

/* Feeds the ids to a fresh sequence, nothing added, and hands out the logits that follow the token
 * at each position where `all` is not 0, else those of the last one alone. */
WATTLE_API wattle_status wattle_logits(wattle_engine* engine, const int32_t* ids, size_t n_ids,
                                       int32_t all, wattle_logits_fn on_logits, void* user_data);

/* ---- Embedding ---- */

typedef int32_t wattle_pooling;
enum {
  WATTLE_POOLING_DEFAULT = 0, /* as the model file says, else the last token */
  WATTLE_POOLING_MEAN = 1,
  WATTLE_POOLING_FIRST = 2,
  WATTLE_POOLING_LAST = 3
};

/* The vector of a text; `values` has room for the n_embd numbers of the model, and `capacity` says
 * so. `normalize` not 0: of length 1. */
WATTLE_API wattle_status wattle_embed(wattle_engine* engine, const char* text,
                                      wattle_pooling pooling, int32_t normalize, float* values,
                                      size_t capacity);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WATTLE_WATTLE_H */
