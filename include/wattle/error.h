// SPDX-License-Identifier: Apache-2.0
// The one exception type of wattle. Everything that ends a load or a request is thrown as Error;
// what a caller expects (tensor absent, end of text) is a return value instead. The library never
// prints, aborts or exits. docs/adr/0003-errors.md says why exceptions.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "wattle/export.h"

namespace wattle {

enum class ErrorCode {
  bad_input,      // a file, template, prompt or JSON from outside is malformed
  unsupported,    // well-formed, but not something this build can run
  usage,          // the caller's own parameters do not fit together
  io,             // the operating system refused (open, read, write, map)
  out_of_memory,  // the request needs more memory than there is or than was allowed
  cancelled,      // the caller asked to stop
};

// what(): names file, tensor or key, what was found and what was expected.
// hint(): the next step for the person who reads it; may be empty.
class WATTLE_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& what, std::string hint = {})
      : std::runtime_error(what), code_(code), hint_(std::move(hint)) {}

  ErrorCode code() const noexcept { return code_; }
  const std::string& hint() const noexcept { return hint_; }

 private:
  ErrorCode code_;
  std::string hint_;
};

}  // namespace wattle
