// SPDX-License-Identifier: Apache-2.0
// The edge where exceptions become status codes, and the last error of each thread.
#pragma once

#include <exception>
#include <new>
#include <string_view>

#include "wattle/error.h"
#include "wattle/wattle.h"

namespace wattle::c_api {

// Keeps the error for wattle_last_error() and its like; returns `status`. Where there is no memory
// for the texts, they stay empty.
wattle_status fail(wattle_status status, std::string_view message, std::string_view hint) noexcept;

wattle_status status_of(ErrorCode code) noexcept;

// Throws Error{usage} that names the null argument.
void require(const void* pointer, const char* name);

// Runs the body of a function of the API.
template <class Body>
wattle_status guarded(Body&& body) noexcept {
  try {
    body();
    return WATTLE_OK;
  } catch (const Error& error) {
    return fail(status_of(error.code()), error.what(), error.hint());
  } catch (const std::bad_alloc&) {
    return fail(WATTLE_OUT_OF_MEMORY, "out of memory", "a smaller context needs less");
  } catch (const std::exception& error) {
    return fail(WATTLE_INTERNAL, error.what(), "please report it");
  } catch (...) {
    return fail(WATTLE_INTERNAL, "an exception of an unknown type", "please report it");
  }
}

}  // namespace wattle::c_api
