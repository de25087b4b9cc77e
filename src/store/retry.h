// SPDX-License-Identifier: Apache-2.0
// What to make of an answer that is not what was asked for: try again, or say what it means.
#pragma once

#include <cstdint>
#include <string>

#include "store/hooks.h"
#include "store/http.h"

namespace wattle::store {

// Whether the server sent what was asked for, as far as its status tells.
bool is_success(const HttpHead& head) noexcept;

// Throws the Error{io} for a refusal that will not pass, with the next step; returns for one that
// may. `about`: the file or repository that was asked for.
void throw_if_refused(const HttpHead& head, const std::string& about, bool with_token);

// The pauses between attempts at one thing: longer each time, or as the server asks.
class Retry {
 public:
  explicit Retry(const FetchHooks& hooks) : hooks_(hooks) {}

  // Waits for the next attempt. Throws Error{io} after too many in a row that brought nothing, or
  // where the server asks for more patience than a person has; Error{cancelled}.
  void pause(const std::string& about, const HttpResult& result, bool brought_something);

 private:
  void sleep(uint64_t ms) const;

  const FetchHooks& hooks_;
  uint32_t n_vain_ = 0;
};

}  // namespace wattle::store
