// SPDX-License-Identifier: Apache-2.0
// What one rendering owns and may use up: its objects, its budget, its clock, and where it stands.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/civil_time.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/value.h"

namespace wattle::chat::jinja {

// Containers live until the Runtime goes: a template can tie them into knots (a namespace holding
// itself), and freeing a deep one by reference counts would recurse. Not thread-safe.
class Runtime {
 public:
  Runtime(const Limits& limits, const CivilTime& now)
      : limits_(limits), now_(now), steps_left_(limits.max_steps) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const Limits& limits() const noexcept { return limits_; }
  const CivilTime& now() const noexcept { return now_; }

  // --- making values; all throw Error{bad_input} when a limit is passed -------------------------
  Value string(Text text, bool markup = false);
  Value string(std::string_view template_text) {
    return string(Text(template_text, Origin::template_text));
  }
  Value list(std::vector<Value> items) { return sequence(ObjectKind::list, std::move(items)); }
  Value tuple(std::vector<Value> items) { return sequence(ObjectKind::tuple, std::move(items)); }
  Value sequence(ObjectKind kind, std::vector<Value> items);
  Value generator(std::vector<Value> items);

  template <class T, class... Args>
  T* make(Args&&... args) {
    charge_memory(sizeof(T) + kObjectOverhead);
    auto owner = std::make_unique<T>(std::forward<Args>(args)...);
    T* object = owner.get();
    objects_.push_back(std::move(owner));
    return object;
  }
  // For what a container holds beyond its own size.
  void charge_memory(size_t bytes);
  // What was charged and is gone before the rendering ends.
  void release_memory(size_t bytes) noexcept { meter_.live_bytes -= bytes; }

  // --- the budget ---------------------------------------------------------------------------
  void step(uint64_t n = 1) {
    if (n > steps_left_) fail_steps();
    steps_left_ -= n;
  }
  // For looking at or copying so many bytes.
  void step_bytes(size_t bytes) { step(bytes / 8); }
  // Call before making a text of this size.
  void check_text_size(size_t bytes) const;
  // The same for `count` pieces of `bytes` each, without overflow.
  void check_text_size(size_t bytes, size_t count) const;
  // Call before making a list of this size.
  void check_list_size(size_t n);

  // One level of nesting, of whatever recurses.
  class Depth {
   public:
    explicit Depth(Runtime& rt) : rt_(rt) {
      if (rt_.depth_ >= rt_.limits_.max_depth) rt_.fail_depth();
      ++rt_.depth_;
    }
    ~Depth() { --rt_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Runtime& rt_;
  };

  // --- errors -------------------------------------------------------------------------------
  int line = 1;  // of the template, kept up to date by the interpreter

  // Throws Error{bad_input}: "chat template, line 7: <what>".
  [[noreturn]] void fail(const std::string& what, std::string hint = {}) const;
  // The same for a use of an undefined value that needs a defined one.
  [[noreturn]] void fail_undefined(const Undefined& u) const;

 private:
  static constexpr size_t kObjectOverhead = 32;

  void check_memory(size_t bytes) const;
  [[noreturn]] void fail_steps() const;
  [[noreturn]] void fail_depth() const;

  const Limits limits_;
  const CivilTime now_;
  uint64_t steps_left_;
  int depth_ = 0;
  MemoryMeter meter_;
  std::vector<std::unique_ptr<Object>> objects_;
};

}  // namespace wattle::chat::jinja
