// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/other_keys.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string_view>

#include "base/utf8.h"
#include "sampling/grammar/char_set.h"
#include "sampling/json_schema/gbnf_text.h"
#include "wattle/error.h"

namespace wattle::json_schema {
namespace {

using grammar::CharSet;

// The names as a tree of characters.
struct Node {
  std::map<char32_t, std::unique_ptr<Node>> next;
  bool is_name = false;
};

class OtherKeys {
 public:
  explicit OtherKeys(Rules& rules) : rules_(rules) {
    CharSet all;
    all.add(0, grammar::kLastCodepoint);
    any_ = rules_.reserve("key-char");
    rules_.set(any_, json_char(all));
  }

  // What may follow the begin of a name that leads here. A rule for each place: names are short,
  // but one may be longer than parentheses may nest.
  std::string behind(const Node& node) {
    if (node.next.empty()) return fmt::format("{}+", any_);  // the name itself, and more
    CharSet taken;
    std::string options;
    for (const auto& [c, next] : node.next) {
      taken.add(c, c);
      CharSet one;
      one.add(c, c);
      options += fmt::format("{} {} | ", json_char(one), behind(*next));
    }
    const CharSet others = taken.complement();
    if (!others.ranges().empty()) options += fmt::format("{} {}*", json_char(others), any_);
    const std::string name = rules_.reserve("other-key");
    rules_.set(name, node.is_name ? options : fmt::format("( {} )?", options));
    return name;
  }

 private:
  Rules& rules_;
  std::string any_;
};

// The tree is walked by recursion.
constexpr size_t kMaxNameBytes = 1000;

}  // namespace

std::string other_key(const std::vector<std::string>& names, Rules& rules) {
  Node root;
  for (const std::string& name : names) {
    if (name.size() > kMaxNameBytes) {
      throw Error(ErrorCode::unsupported,
                  fmt::format("schema: a property has a name of {} bytes, at most {} are supported "
                              "beside additionalProperties",
                              name.size(), kMaxNameBytes));
    }
    Node* node = &root;
    for (std::string_view rest = name; !rest.empty();) {
      const auto c = utf8::decode(rest);
      rest.remove_prefix(c.size_bytes);
      std::unique_ptr<Node>& next = node->next[c.codepoint];
      if (next == nullptr) next = std::make_unique<Node>();
      node = next.get();
    }
    node->is_name = true;
  }
  return fmt::format("\"\\\"\" {} \"\\\"\"", OtherKeys(rules).behind(root));
}

}  // namespace wattle::json_schema
