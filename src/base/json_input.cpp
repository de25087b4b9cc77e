// SPDX-License-Identifier: Apache-2.0
#include "base/json_input.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "wattle/error.h"

namespace wattle {
namespace {

constexpr size_t kMaxDepth = 100;
constexpr size_t kMaxKeys = 10'000;  // of one object: Json looks through all of them for one

// Builds the tree by itself: nlohmann's own builder reads an integer of more than 64 bits as a
// float without a word, and has no limit on the depth.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::string_view what) : what_(what) {}

  Json take() { return std::move(root_); }

  bool null() { return add(nullptr); }
  bool boolean(bool b) { return add(b); }
  bool number_integer(int64_t i) { return add(i); }
  bool number_unsigned(uint64_t u) {
    if (u > static_cast<uint64_t>(INT64_MAX)) fail_integer(std::to_string(u));
    return add(static_cast<int64_t>(u));
  }
  bool number_float(double d, const std::string& text) {
    if (text.find_first_of(".eE") == std::string::npos) fail_integer(text);
    return add(d);
  }
  bool string(std::string& s) { return add(std::move(s)); }
  bool binary(Json::binary_t&) { return false; }  // JSON text has none
  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& k) {
    key_ = std::move(k);
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& e) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    std::string message = e.what();
    if (const size_t end = message.find("] "); end != std::string::npos) message.erase(0, end + 2);
    throw Error(ErrorCode::bad_input, fmt::format("{}: {}", what_, message));
  }

 private:
  Json* place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    if (parent.size() == kMaxKeys) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: an object has more than {} keys", what_, kMaxKeys));
    }
    return &(parent[key_] = std::move(value));
  }

  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json value) {
    if (open_.size() == kMaxDepth) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: nested more than {} levels deep", what_, kMaxDepth));
    }
    open_.push_back(place(std::move(value)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  [[noreturn]] void fail_integer(const std::string& text) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: the integer {} does not fit into 64 bits", what_, text));
  }

  std::string_view what_;
  Json root_;
  std::vector<Json*> open_;  // stays valid: a container grows only while it is the innermost
  std::string key_;
};

}  // namespace

Json parse_json(std::string_view text, std::string_view what) {
  TreeBuilder builder(what);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

}  // namespace wattle
