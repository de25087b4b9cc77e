// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.h"

#include <signal.h>

#include <atomic>

#include "wattle/error.h"

namespace wattle::cli {
namespace {

// What the handler may touch: a signal handler has no other way to its state.
std::atomic<bool> g_requested{false};
std::atomic<Session*> g_session{nullptr};

void set_action(void (*handler)(int)) noexcept {
  struct sigaction action{};
  action.sa_handler = handler;  // no SA_RESTART: reading a line ends with EINTR
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
}

extern "C" void on_interrupt(int) {
  if (g_requested.exchange(true)) {  // the second one: whatever runs did not stop
    set_action(SIG_DFL);
    ::raise(SIGINT);
    return;
  }
  if (Session* session = g_session.load()) session->cancel();
}

}  // namespace

Interrupt::Interrupt() {
  g_requested.store(false);
  set_action(on_interrupt);
}

Interrupt::~Interrupt() { set_action(SIG_DFL); }

bool Interrupt::requested() const noexcept { return g_requested.load(); }

void Interrupt::clear() noexcept { g_requested.store(false); }

void Interrupt::check() const {
  if (requested()) throw Error(ErrorCode::cancelled, "interrupted");
}

Interrupt::Watch::Watch(Session& session) noexcept { g_session.store(&session); }

Interrupt::Watch::~Watch() { g_session.store(nullptr); }

}  // namespace wattle::cli
