// SPDX-License-Identifier: Apache-2.0
#include "c_api/guard.h"

#include <fmt/format.h>

#include <string>

namespace wattle::c_api {
namespace {

// C has no exceptions to carry the text, and a handle of its own would have to be freed by
// everybody who ignores it.
struct LastError {
  wattle_status status = WATTLE_OK;
  std::string message;
  std::string hint;
};

LastError& last_error() noexcept {
  thread_local LastError error;
  return error;
}

}  // namespace

wattle_status fail(wattle_status status, std::string_view message, std::string_view hint) noexcept {
  LastError& error = last_error();
  error.status = status;
  error.message.clear();
  error.hint.clear();
  try {
    error.message = message;
    error.hint = hint;
  } catch (const std::bad_alloc&) {
    // The status says what can be said.
  }
  return status;
}

wattle_status status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::bad_input: return WATTLE_BAD_INPUT;
    case ErrorCode::unsupported: return WATTLE_UNSUPPORTED;
    case ErrorCode::usage: return WATTLE_USAGE;
    case ErrorCode::io: return WATTLE_IO;
    case ErrorCode::out_of_memory: return WATTLE_OUT_OF_MEMORY;
    case ErrorCode::cancelled: return WATTLE_CANCELLED;
  }
  return WATTLE_INTERNAL;
}

void require(const void* pointer, const char* name) {
  if (pointer == nullptr) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is null", name),
                "include/wattle/wattle.h says which arguments may be");
  }
}

}  // namespace wattle::c_api

extern "C" {

const char* wattle_version(void) { return WATTLE_VERSION; }

wattle_status wattle_last_error(void) { return wattle::c_api::last_error().status; }

const char* wattle_last_error_message(void) { return wattle::c_api::last_error().message.c_str(); }

const char* wattle_last_error_hint(void) { return wattle::c_api::last_error().hint.c_str(); }

}  // extern "C"
