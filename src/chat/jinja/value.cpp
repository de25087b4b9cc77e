// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/value.h"

#include <cmath>
#include <functional>

#include "chat/jinja/operators.h"

namespace wattle::chat::jinja {
namespace {

constexpr size_t kLinearSearchUpTo = 8;  // below, comparing beats hashing

size_t hash_number(double d) { return std::hash<double>{}(d == 0 ? 0.0 : d); }

}  // namespace

String::String(Text t, bool safe, MemoryMeter* m) : text(std::move(t)), markup(safe), meter_(m) {
  if (meter_ != nullptr) meter_->live_bytes += sizeof(String) + text.memory_bytes();
}

String::~String() {
  if (meter_ != nullptr) meter_->live_bytes -= sizeof(String) + text.memory_bytes();
}

// What equal_keys() holds equal hashes alike: numbers whatever their type, tuples by their items,
// all other objects by what they are.
size_t ValueHash::operator()(const Value& v) const {
  if (v.is_string()) return std::hash<std::string_view>{}(v.view());
  if (v.is_number()) return hash_number(v.to_real());
  if (const auto* sequence = v.as<Sequence>()) {
    size_t h = sequence->items.size();
    for (const Value& item : sequence->items) {
      h = h * 31 +
          (item.is_object() ? std::hash<const Object*>{}(item.as_object()) : (*this)(item));
    }
    return h;
  }
  return v.is_object() ? std::hash<const Object*>{}(v.as_object()) : 0;
}

bool KeyEqual::operator()(const Value& a, const Value& b) const { return equal_keys(a, b); }

const Value* Dict::find(const Value& key) const {
  if (entries.size() > kLinearSearchUpTo) {
    const auto it = index_.find(key);
    return it == index_.end() ? nullptr : &entries[it->second].second;
  }
  for (const auto& [k, v] : entries) {
    if (equal_keys(k, key)) return &v;
  }
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  if (entries.size() > kLinearSearchUpTo) {
    return find(Value::string(std::make_shared<String>(Text(key, Origin::template_text), false)));
  }
  for (const auto& [k, v] : entries) {
    if (k.is_string() && k.view() == key) return &v;
  }
  return nullptr;
}

void Dict::set(const Value& key, Value value) {
  if (const Value* old = find(key)) {
    *const_cast<Value*>(old) = std::move(value);
    return;
  }
  entries.emplace_back(key, std::move(value));
  if (entries.size() == kLinearSearchUpTo + 1) {
    for (size_t i = 0; i < entries.size(); ++i) index_.emplace(entries[i].first, i);
  } else if (entries.size() > kLinearSearchUpTo) {
    index_.emplace(key, entries.size() - 1);
  }
}

int64_t Range::size() const noexcept {
  // In unsigned arithmetic: the difference of two int64 may need 64 bits without sign.
  const auto lo = static_cast<uint64_t>(step > 0 ? start : stop);
  const auto hi = static_cast<uint64_t>(step > 0 ? stop : start);
  if (step > 0 ? start >= stop : start <= stop) return 0;
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t n = (hi - lo - 1) / stride + 1;
  return n > static_cast<uint64_t>(INT64_MAX) ? INT64_MAX : static_cast<int64_t>(n);
}

}  // namespace wattle::chat::jinja
