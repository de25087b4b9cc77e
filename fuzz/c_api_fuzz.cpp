// SPDX-License-Identifier: Apache-2.0
// The door `c_api`: any sequence of calls, with null handles and structs of any content, ends with
// a known status that is never WATTLE_INTERNAL, leaves outputs null where it failed, and has a
// message then. The model is a random one of a few kilobytes.
//
// Input: bytes that are taken as the number of a call and its arguments, until there are none left.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/tiny_model.h"
#include "wattle/wattle.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// A vocabulary of every byte and a template, so that any text can be asked.
std::string write_model() {
  wattle::test::TinyModel model = wattle::test::make_tiny_model(
      {.n_layer = 1, .n_embd = 32, .n_head = 2, .n_head_kv = 1, .n_ff = 32, .n_vocab = 260});
  static std::vector<std::string> tokens{"<unk>", "<s>", "</s>", "\xE2\x96\x81"};
  std::vector<int32_t> types{2, 3, 3, 1};
  for (unsigned byte = 0; byte < 256; ++byte) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    tokens.push_back(std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">");
    types.push_back(6);
  }
  model.set("tokenizer.ggml.model", "llama");
  model.set_array<std::string_view>("tokenizer.ggml.tokens", {tokens.begin(), tokens.end()});
  model.set_array<float>("tokenizer.ggml.scores", std::vector<float>(tokens.size(), 0.0f));
  model.set_array<int32_t>("tokenizer.ggml.token_type", types);
  model.set("tokenizer.ggml.bos_token_id", uint32_t{1});
  model.set("tokenizer.ggml.eos_token_id", uint32_t{2});
  model.set("tokenizer.chat_template",
            "{% for m in messages %}{{ m.role }}:{{ m.content }}{{ m.tool_calls }}{% endfor %}");
  std::string path = "/tmp/wattle_fuzz_XXXXXX";
  const int fd = ::mkstemp(path.data());
  check(fd >= 0);
  ::close(fd);
  const auto bytes = model.to_bytes();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return path;
}

// A struct with room for any size the library accepts, so that only the size itself is hostile.
template <class T>
union Roomy {
  T value;
  std::array<unsigned char, 4096> bytes{};
};

int32_t on_delta(void* user_data, wattle_delta_kind kind, const char* text, size_t size) {
  check(kind == WATTLE_DELTA_TEXT || kind == WATTLE_DELTA_REASONING);
  check(text != nullptr && text[size] == '\0');
  return *static_cast<int32_t*>(user_data);
}

int32_t on_logits(void* user_data, size_t, const float* logits, size_t n_logits) {
  check(logits != nullptr && n_logits == 260);
  return *static_cast<int32_t*>(user_data);
}

class Calls {
 public:
  Calls(const uint8_t* data, size_t size, const std::string& model)
      : data_(data), size_(size), model_(model) {}
  ~Calls() {
    for (wattle_session* session : sessions_) wattle_session_free(session);
    wattle_answer_free(answer_);
    wattle_engine_free(engine_);
  }

  void run() {
    for (int n_calls = 0; size_ != 0 && n_calls < 40; ++n_calls) call(byte() % 15);
  }

 private:
  uint8_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::string text() {
    const size_t n = std::min<size_t>(byte() % 32, size_);
    std::string out(reinterpret_cast<const char*>(data_), n);
    data_ += n;
    size_ -= n;
    return out;
  }
  int32_t word() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value * 256 + byte();
    return static_cast<int32_t>(value);
  }
  wattle_session* session() { return sessions_[byte() % sessions_.size()]; }

  // `made`: what a failed call must leave null.
  void done(wattle_status status, const void* made = nullptr) {
    check(status >= WATTLE_OK && status < WATTLE_INTERNAL);
    if (status == WATTLE_OK) return;
    check(made == nullptr);
    check(wattle_last_error() == status && *wattle_last_error_message() != '\0');
  }

  // Some bytes of the struct replaced, its pointers spared.
  template <class T>
  void scramble(Roomy<T>& roomy, size_t begin, size_t end) {
    for (int n = byte() % 8; n > 0; --n) {
      const size_t at = begin + byte() % (end - begin);
      roomy.bytes[at] = byte();
    }
    if (byte() % 8 == 0) roomy.value.size = byte() * 32u;
    if (byte() % 8 == 0) roomy.bytes[sizeof(T) + byte()] = 1;
  }

  void open() {
    if (engine_ != nullptr) return;
    Roomy<wattle_engine_params> roomy;
    done(wattle_engine_params_init(&roomy.value, sizeof roomy.value));
    scramble(roomy, offsetof(wattle_engine_params, kv_k), offsetof(wattle_engine_params, kv_v) + 4);
    scramble(roomy, offsetof(wattle_engine_params, npu), sizeof(wattle_engine_params));
    roomy.value.model = byte() % 16 == 0 ? nullptr : model_.c_str();
    roomy.value.n_ctx = byte() % 4 == 0 ? 0 : byte();
    roomy.value.n_threads = 1;
    const wattle_status status = wattle_engine_open(&roomy.value, &engine_);
    done(status, engine_);
  }

  Roomy<wattle_sampling_params> sampling() {
    Roomy<wattle_sampling_params> roomy;
    done(wattle_sampling_params_init(&roomy.value, sizeof roomy.value));
    scramble(roomy, offsetof(wattle_sampling_params, seed),
             offsetof(wattle_sampling_params, dry_sequence_breakers));
    return roomy;
  }

  void complete() {
    const Roomy<wattle_sampling_params> how = sampling();
    const std::string prompt = text();
    const std::string end = text();
    const char* const stop[] = {end.c_str()};
    Roomy<wattle_completion_request> roomy;
    done(wattle_completion_request_init(&roomy.value, sizeof roomy.value));
    roomy.value.prompt = prompt.c_str();
    roomy.value.sampling = byte() % 2 == 0 ? &how.value : nullptr;
    roomy.value.stop = stop;
    roomy.value.n_stop = byte() % 2;
    scramble(roomy, offsetof(wattle_completion_request, parse_special),
             offsetof(wattle_completion_request, parse_special) + 4);
    roomy.value.n_predict = 1 + byte() % 4u;
    int32_t reply = byte() % 4 == 0;
    wattle_answer* made = nullptr;
    const wattle_delta_fn stream = byte() % 4 == 0 ? nullptr : on_delta;
    const wattle_status status =
        wattle_session_complete(session(), &roomy.value, stream, &reply, &made);
    done(status, made);
    keep(made);
  }

  void chat() {
    const Roomy<wattle_sampling_params> how = sampling();
    const std::string content = text();
    const std::string arguments = text();
    const wattle_tool_call call{"1", "f", arguments.c_str()};
    wattle_message messages[2]{};
    messages[0].role = "user";
    messages[0].content = content.c_str();
    messages[1].role = byte() % 4 == 0 ? nullptr : "assistant";
    messages[1].tool_calls = byte() % 2 == 0 ? &call : nullptr;
    messages[1].n_tool_calls = byte() % 2;
    Roomy<wattle_chat_request> roomy;
    done(wattle_chat_request_init(&roomy.value, sizeof roomy.value));
    roomy.value.messages = byte() % 8 == 0 ? nullptr : messages;
    roomy.value.n_messages = byte() % 3;
    roomy.value.sampling = &how.value;
    scramble(roomy, offsetof(wattle_chat_request, thinking),
             offsetof(wattle_chat_request, thinking) + 4);
    roomy.value.n_predict = 1 + byte() % 4u;
    int32_t reply = byte() % 4 == 0;
    wattle_answer* made = nullptr;
    const wattle_status status =
        wattle_session_chat(session(), &roomy.value, on_delta, &reply, &made);
    done(status, made);
    keep(made);
  }

  void keep(wattle_answer* made) {
    if (made == nullptr) return;
    wattle_answer_free(answer_);
    answer_ = made;
  }

  void look_at_answer() {
    Roomy<wattle_answer_info> info;
    info.value.size = byte() % 2 == 0 ? sizeof info.value : byte() * 32u;
    done(wattle_answer_get_info(answer_, &info.value));
    check(wattle_answer_text(answer_) != nullptr && wattle_answer_reasoning(answer_) != nullptr);
    wattle_tool_call call;
    const size_t index = byte();
    const auto status = wattle_answer_tool_call(answer_, index, &call);
    done(status);
    check((status == WATTLE_OK) == (index < wattle_answer_n_tool_calls(answer_)));
  }

  void tokenize() {
    const std::string given = text();
    std::array<int32_t, 16> ids{};
    const size_t capacity = byte() % 17;
    size_t n = 0;
    done(
        wattle_tokenize(engine_, given.data(), given.size(), byte() % 5, ids.data(), capacity, &n));
    for (size_t i = capacity; i < ids.size(); ++i) check(ids[i] == 0);
  }

  void token_bytes() {
    std::array<char, 8> bytes{};
    const size_t capacity = byte() % 9;
    size_t n = 0;
    done(
        wattle_token_bytes(engine_, byte() % 2 == 0 ? byte() : word(), bytes.data(), capacity, &n));
    for (size_t i = capacity; i < bytes.size(); ++i) check(bytes[i] == 0);
  }

  void logits() {
    std::array<int32_t, 4> ids{};
    for (int32_t& id : ids) id = byte() % 16 == 0 ? word() : byte();
    int32_t reply = byte() % 4 == 0;
    const size_t n_ids = byte() % 5;
    done(wattle_logits(engine_, ids.data(), n_ids, byte() % 2, on_logits, &reply));
  }

  void save_or_restore() {
    const std::string path = model_ + ".session";
    if (byte() % 2 == 0) {
      const std::string note = text();
      return done(wattle_session_save(session(), path.c_str(), note.c_str()));
    }
    std::array<char, 8> note{};
    const size_t capacity = byte() % 9;
    int32_t has_cache = 0;
    size_t n = 0;
    done(wattle_session_restore(session(), path.c_str(), &has_cache, note.data(), capacity, &n));
    for (size_t i = capacity; i < note.size(); ++i) check(note[i] == 0);
  }

  void embed() {
    std::array<float, 33> values{};
    const std::string given = text();
    const wattle_pooling pooling = byte() % 5;
    const size_t capacity = byte() % 8 == 0 ? byte() % 32 : 32;
    done(wattle_embed(engine_, given.c_str(), pooling, byte() % 2, values.data(), capacity));
    check(values[32] == 0.0f);
  }

  void call(int number) {
    switch (number) {
      case 0: return open();
      case 1: {
        wattle_session*& slot = sessions_[byte() % sessions_.size()];
        wattle_session_free(slot);
        const wattle_status status = wattle_session_new(engine_, &slot);
        done(status, slot);
        return;
      }
      case 2: {
        wattle_session*& slot = sessions_[byte() % sessions_.size()];
        wattle_session_free(slot);
        slot = nullptr;
        return;
      }
      case 3:  // while its sessions go on
        wattle_engine_free(engine_);
        engine_ = nullptr;
        return;
      case 4: return done(wattle_session_cancel(session()));
      case 5:
      case 6: return complete();
      case 7:
      case 8: return chat();
      case 9: return look_at_answer();
      case 10: return tokenize();
      case 11: return token_bytes();
      case 12: return save_or_restore();
      case 13: return embed();
      default: return logits();
    }
  }

  const uint8_t* data_;
  size_t size_;
  const std::string& model_;
  wattle_engine* engine_ = nullptr;
  std::array<wattle_session*, 2> sessions_{};
  wattle_answer* answer_ = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string model = write_model();
  Calls(data, size, model).run();
  return 0;
}
