// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/runtime.h"

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/print.h"
#include "wattle/error.h"

namespace wattle::chat::jinja {

Value Runtime::string(Text text, bool markup) {
  check_text_size(text.size());
  step_bytes(text.size());
  check_memory(text.memory_bytes() + sizeof(String));
  return Value::string(std::make_shared<String>(std::move(text), markup, &meter_));
}

Value Runtime::sequence(ObjectKind kind, std::vector<Value> items) {
  charge_memory(items.size() * sizeof(Value));
  return Value::object(make<Sequence>(kind, std::move(items)));
}

Value Runtime::generator(std::vector<Value> items) {
  charge_memory(items.size() * sizeof(Value));
  return Value::object(make<Generator>(std::move(items)));
}

void Runtime::check_memory(size_t bytes) const {
  if (bytes > limits_.max_memory_bytes || meter_.live_bytes > limits_.max_memory_bytes - bytes) {
    fail(fmt::format("needs more than {} MiB of memory", limits_.max_memory_bytes >> 20));
  }
}

void Runtime::charge_memory(size_t bytes) {
  check_memory(bytes);
  meter_.live_bytes += bytes;
}

void Runtime::check_text_size(size_t bytes) const {
  if (bytes > limits_.max_text_bytes) {
    fail(fmt::format("a text would be {} bytes long, more than the {} MiB allowed", bytes,
                     limits_.max_text_bytes >> 20));
  }
}

void Runtime::check_text_size(size_t bytes, size_t count) const {
  if (bytes != 0 && count > limits_.max_text_bytes / bytes) {
    fail(fmt::format("a text would be longer than the {} MiB allowed",
                     limits_.max_text_bytes >> 20));
  }
  check_text_size(bytes * count);
}

void Runtime::check_list_size(size_t n) {
  const size_t most = limits_.max_memory_bytes / sizeof(Value);
  if (n > most || meter_.live_bytes > limits_.max_memory_bytes - n * sizeof(Value)) {
    fail(fmt::format("a list of {} items needs more than {} MiB of memory", n,
                     limits_.max_memory_bytes >> 20));
  }
  step(n / 8);
}

void Runtime::fail(const std::string& what, std::string hint) const {
  throw Error(ErrorCode::bad_input, fmt::format("chat template, line {}: {}", line, what),
              std::move(hint));
}

void Runtime::fail_undefined(const Undefined& u) const { fail(describe(u)); }

void Runtime::fail_steps() const {
  fail(fmt::format("stopped after {} steps: the template does too much work", limits_.max_steps));
}

void Runtime::fail_depth() const {
  fail(fmt::format("nested more than {} levels deep", limits_.max_depth));
}

}  // namespace wattle::chat::jinja
