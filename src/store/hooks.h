// SPDX-License-Identifier: Apache-2.0
// What whoever fetches something hears of it, and how it is stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace wattle::store {

// Called from the thread that fetches. on_note and on_bytes may be empty.
struct FetchHooks {
  std::function<void(const std::string& line)> on_note{};  // what a person should know
  // Bytes of the file that are there; `checking`: they are being read again for the checksum.
  std::function<void(const std::string& name, uint64_t done, bool checking)> on_bytes{};
  std::function<bool()> cancelled = [] { return false; };  // asked several times a second
  // Attempts in a row that may bring nothing; 0: one attempt, whatever it brings.
  uint32_t n_retries = 4;

  void note(const std::string& line) const {
    if (on_note) on_note(line);
  }
};

}  // namespace wattle::store
