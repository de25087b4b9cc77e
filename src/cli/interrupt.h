// SPDX-License-Identifier: Apache-2.0
// Ctrl-C while a model is open.
#pragma once

#include "wattle/engine.h"

namespace wattle::cli {

// While an object lives, Ctrl-C sets a flag and stops the session that is being watched, instead of
// ending the program; system calls that wait are interrupted. A second Ctrl-C before clear() ends
// the program at once. One object at a time: signals belong to the process.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool requested() const noexcept;
  void clear() noexcept;
  // Throws Error{cancelled} where it was requested.
  void check() const;

  // Cancels `session` on Ctrl-C until the guard is gone.
  class Watch {
   public:
    explicit Watch(Session& session) noexcept;
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
  };
};

}  // namespace wattle::cli
