// SPDX-License-Identifier: Apache-2.0
// Sessions: one call at a time, told to stop by any thread.
#include <algorithm>
#include <memory>
#include <string>

#include "c_api/guard.h"
#include "c_api/handles.h"
#include "c_api/requests.h"
#include "c_api/sized.h"

using namespace wattle;
using namespace wattle::c_api;

namespace {

// Holds a session for one call. A second one would change what the first reads.
class Turn {
 public:
  explicit Turn(wattle_session& session) : session_(session) {
    if (session_.busy.exchange(true, std::memory_order_acquire)) {
      throw Error(ErrorCode::usage, "the session is in use by another call",
                  "a session is for one call at a time; make one for each thread");
    }
  }
  ~Turn() { session_.busy.store(false, std::memory_order_release); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  wattle_session& session_;
};

OnDelta streaming_to(wattle_delta_fn on_delta, void* user_data, Session& session) {
  if (on_delta == nullptr) return {};
  return [=, &session](const Delta& delta) {
    const std::string text(delta.text);  // with the zero byte
    const wattle_delta_kind kind =
        delta.kind == Delta::Kind::reasoning ? WATTLE_DELTA_REASONING : WATTLE_DELTA_TEXT;
    if (on_delta(user_data, kind, text.c_str(), text.size()) != 0) session.cancel();
  };
}

}  // namespace

extern "C" {

wattle_status wattle_chat_request_init(wattle_chat_request* request, size_t size) {
  return guarded([&] { write_sized(default_chat_request(), request, size, "request"); });
}

wattle_status wattle_completion_request_init(wattle_completion_request* request, size_t size) {
  return guarded([&] { write_sized(default_completion_request(), request, size, "request"); });
}

wattle_status wattle_session_new(wattle_engine* engine, wattle_session** out) {
  return guarded([&] {
    require(out, "out");
    *out = nullptr;
    require(engine, "engine");
    auto made = std::make_unique<wattle_session>();
    made->engine = engine->engine;
    made->session = made->engine->new_session();
    *out = made.release();
  });
}

void wattle_session_free(wattle_session* session) { delete session; }

wattle_status wattle_session_cancel(wattle_session* session) {
  // Without guarded() where all is well: a signal handler may call this.
  if (session == nullptr) return fail(WATTLE_USAGE, "'session' is null", "");
  session->session->cancel();
  return WATTLE_OK;
}

wattle_status wattle_session_chat(wattle_session* session, const wattle_chat_request* request,
                                  wattle_delta_fn on_delta, void* user_data, wattle_answer** out) {
  return guarded([&] {
    require(out, "out");
    *out = nullptr;
    require(session, "session");
    const ChatRequest given =
        from_c(read_sized(request, default_chat_request(), "request"), *session->engine);
    const Turn turn(*session);
    auto made = std::make_unique<wattle_answer>();
    made->answer =
        session->session->chat(given, streaming_to(on_delta, user_data, *session->session));
    *out = made.release();
  });
}

wattle_status wattle_session_complete(wattle_session* session,
                                      const wattle_completion_request* request,
                                      wattle_delta_fn on_delta, void* user_data,
                                      wattle_answer** out) {
  return guarded([&] {
    require(out, "out");
    *out = nullptr;
    require(session, "session");
    const CompletionRequest given =
        from_c(read_sized(request, default_completion_request(), "request"), *session->engine);
    const Turn turn(*session);
    auto made = std::make_unique<wattle_answer>();
    made->answer =
        session->session->complete(given, streaming_to(on_delta, user_data, *session->session));
    *out = made.release();
  });
}

wattle_status wattle_session_save(wattle_session* session, const char* path, const char* note) {
  return guarded([&] {
    require(session, "session");
    require(path, "path");
    const Turn turn(*session);
    session->session->save(path, note == nullptr ? "" : note);
  });
}

wattle_status wattle_session_restore(wattle_session* session, const char* path, int32_t* has_cache,
                                     char* note, size_t capacity, size_t* n_note) {
  return guarded([&] {
    require(has_cache, "has_cache");
    require(n_note, "n_note");
    *has_cache = 0;
    *n_note = 0;
    require(session, "session");
    require(path, "path");
    if (capacity != 0) require(note, "note");
    const Turn turn(*session);
    const Session::Restored restored = session->session->restore(path);
    std::copy_n(restored.note.data(), std::min(capacity, restored.note.size()), note);
    *has_cache = restored.cache;
    *n_note = restored.note.size();
  });
}

}  // extern "C"
