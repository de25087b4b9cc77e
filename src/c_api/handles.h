// SPDX-License-Identifier: Apache-2.0
// What is behind the opaque types of the C API.
#pragma once

#include <atomic>
#include <memory>

#include "wattle/engine.h"
#include "wattle/wattle.h"

struct wattle_engine {
  std::shared_ptr<wattle::Engine> engine;
};

struct wattle_session {
  std::shared_ptr<wattle::Engine> engine;  // before the session, which borrows from it
  std::unique_ptr<wattle::Session> session;
  std::atomic<bool> busy{false};  // a call is running
};

struct wattle_answer {
  wattle::Answer answer;
};
