// SPDX-License-Identifier: Apache-2.0
// Python's two ways to put values into a text: 'a %s' % b and 'a {}'.format(b).
#include <fmt/format.h>

#include <charconv>

#include "chat/jinja/access.h"
#include "chat/jinja/builtin.h"
#include "chat/jinja/number_format.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/string_methods.h"

namespace wattle::chat::jinja {
namespace {

Text repr_text(Runtime& rt, const Value& v) {
  Text out;
  append_repr(rt, out, v);
  return out;
}

// --- % -------------------------------------------------------------------------------------------

class PercentFormatter {
 public:
  PercentFormatter(Runtime& rt, const Text& format, const Value& arguments)
      : rt_(rt), format_(format), s_(format.view()), arguments_(arguments) {
    const auto* tuple = arguments.as<Sequence>();
    if (tuple != nullptr && tuple->kind == ObjectKind::tuple) {
      positional_ = tuple->items;
    } else {
      positional_ = {arguments};
    }
  }

  Text run() {
    size_t plain = 0;
    while ((pos_ = s_.find('%', plain)) != std::string_view::npos) {
      out_.append(format_, plain, pos_);
      ++pos_;
      one_directive();
      rt_.check_text_size(out_.size());
      plain = pos_;
    }
    out_.append(format_, plain, s_.size());
    if (next_ < positional_.size() && !may_be_left_over()) {
      rt_.fail("not all arguments were used by the % format");
    }
    return std::move(out_);
  }

 private:
  char peek() const {
    if (pos_ >= s_.size()) rt_.fail("a % format ends in the middle");
    return s_[pos_];
  }

  // As in Python, where anything with [] but a tuple and a string counts as a mapping here.
  bool may_be_left_over() const {
    const auto* sequence = arguments_.as<Sequence>();
    return arguments_.is_undefined() || arguments_.as<Dict>() != nullptr ||
           arguments_.as<Range>() != nullptr ||
           (sequence != nullptr && sequence->kind == ObjectKind::list);
  }

  Value next_argument() {
    if (next_ >= positional_.size()) rt_.fail("not enough arguments for the % format");
    return positional_[next_++];
  }

  int64_t count() {
    if (peek() == '*') {
      ++pos_;
      const Value v = next_argument();
      if (!v.is_integral()) rt_.fail("* in a % format needs an integer");
      return v.as_integer();
    }
    int64_t n = 0;
    for (; peek() >= '0' && peek() <= '9'; ++pos_) {
      n = n * 10 + (peek() - '0');
      rt_.check_text_size(static_cast<size_t>(n));
    }
    return n;
  }

  Value keyed_argument() {
    const size_t close = s_.find(')', pos_);
    const auto* dict = arguments_.as<Dict>();
    if (close == std::string_view::npos || dict == nullptr) {
      rt_.fail("%(name) in a format needs a dict and a closing parenthesis");
    }
    const std::string_view key = s_.substr(pos_ + 1, close - pos_ - 1);
    pos_ = close + 1;
    const Value* v = dict->find(key);
    if (v == nullptr) rt_.fail(fmt::format("the % format has no value for '{}'", key));
    return *v;
  }

  void one_directive() {
    std::optional<Value> value;
    if (peek() == '(') value = keyed_argument();
    FormatSpec spec;
    bool zero = false;
    bool left = false;
    for (;; ++pos_) {
      const char c = peek();
      if (c == '-') {
        left = true;
      } else if (c == '+' || (c == ' ' && spec.sign != '+')) {
        spec.sign = c;
      } else if (c == '0') {
        zero = true;
      } else if (c == '#') {
        spec.alternate = true;
      } else if (c != ' ') {
        break;
      }
    }
    spec.width = count();
    if (spec.width < 0) {
      left = true;
      spec.width = spec.width == INT64_MIN ? INT64_MAX : -spec.width;
    }
    if (peek() == '.') {
      ++pos_;
      spec.precision = std::max<int64_t>(count(), 0);
    }
    while (peek() == 'h' || peek() == 'l' || peek() == 'L') ++pos_;
    const char type = s_[pos_++];
    if (type == '%') {
      out_.append("%", Origin::template_text);
      return;
    }
    if (!value) value = next_argument();
    spec.align = left ? '<' : '>';
    if (zero && !left && type != 's' && type != 'r' && type != 'c') {
      spec.fill = '0';
      spec.align = '=';
    }
    write(type, *value, spec);
  }

  void write(char type, const Value& value, FormatSpec& spec) {
    switch (type) {
      case 's':
      case 'r':
      case 'a': {
        const Text text = type == 's' ? soft_text(rt_, value) : repr_text(rt_, value);
        spec.type = 's';
        out_.append(format_value(rt_, rt_.string(text), spec));
        return;
      }
      case 'c':
        if (value.is_string() && length(rt_, value) == 1) {
          spec.type = 's';
          out_.append(format_value(rt_, value, spec));
          return;
        }
        break;
      case 'd':
      case 'i':
      case 'u': {
        spec.type = 'd';
        if (!value.is_real()) break;
        const double d = value.as_real();
        if (!(std::abs(d) < 9.2e18)) rt_.fail("a float is too large for %d");
        out_.append(format_value(rt_, Value::integer(static_cast<int64_t>(d)), spec));
        return;
      }
      case 'x':
      case 'X':
      case 'o':
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': break;
      default: rt_.fail(fmt::format("'%{}' is no format", type));
    }
    if (!value.is_number()) {
      rt_.fail(fmt::format("%{} needs a number, got '{}'", type, type_name(value)));
    }
    if (spec.type == 0) spec.type = type;
    out_.append(format_value(rt_, value, spec));
  }

  Runtime& rt_;
  const Text& format_;
  const std::string_view s_;
  const Value& arguments_;
  std::vector<Value> positional_;
  size_t next_ = 0;
  size_t pos_ = 0;
  Text out_;
};

// --- {} ------------------------------------------------------------------------------------------

class BraceFormatter {
 public:
  BraceFormatter(Runtime& rt, const Text& format, const Arguments& arguments)
      : rt_(rt), format_(format), s_(format.view()), arguments_(arguments) {}

  Text run() {
    size_t pos = 0;
    while (pos < s_.size()) {
      const size_t at = s_.find_first_of("{}", pos);
      if (at == std::string_view::npos) break;
      out_.append(format_, pos, at);
      if (at + 1 < s_.size() && s_[at + 1] == s_[at]) {  // {{ and }}
        out_.append(format_, at, at + 1);
        pos = at + 2;
        continue;
      }
      if (s_[at] == '}') rt_.fail("a single '}' in a format");
      const size_t close = s_.find('}', at);
      if (close == std::string_view::npos) rt_.fail("a '{' in a format is not closed");
      field(s_.substr(at + 1, close - at - 1));
      rt_.check_text_size(out_.size());
      pos = close + 1;
    }
    out_.append(format_, pos, s_.size());
    return std::move(out_);
  }

 private:
  // name[!conversion][:spec]
  void field(std::string_view text) {
    if (text.find('{') != std::string_view::npos) rt_.fail("formats inside of formats");
    const size_t colon = text.find(':');
    const std::string_view spec = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    std::string_view name = text.substr(0, colon);
    char conversion = 0;
    if (const size_t mark = name.find('!'); mark != std::string_view::npos) {
      if (mark + 2 != name.size()) rt_.fail("a format needs one letter behind '!'");
      conversion = name[mark + 1];
      name = name.substr(0, mark);
    }
    Value value = lookup(name);
    if (conversion == 'r') value = rt_.string(repr_text(rt_, value));
    if (conversion == 's') value = rt_.string(soft_text(rt_, value));
    if (conversion != 0 && conversion != 'r' && conversion != 's') {
      rt_.fail(fmt::format("'!{}' in a format is not supported", conversion));
    }
    out_.append(formatted(value, spec));
  }

  // Without a format any value is its text; with one, only numbers and strings have a meaning.
  Text formatted(const Value& value, std::string_view spec_text) {
    if (spec_text.empty()) return soft_text(rt_, value);
    const FormatSpec spec = parse_format_spec(rt_, spec_text);
    const bool is_real_type = std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
    if (value.is_string() ? spec.sign != '-' || spec.grouping != 0 || spec.align == '='
                          : !value.is_number()) {
      rt_.fail(fmt::format("the format '{}' does not fit a '{}'", spec_text, type_name(value)));
    }
    if (value.is_integral() && spec.precision >= 0 && !is_real_type) {
      rt_.fail(
          fmt::format("the format '{}' has a precision, and the value is an integer", spec_text));
    }
    return format_value(rt_, value.is_boolean() ? Value::integer(value.as_integer()) : value, spec);
  }

  // first(.attribute | [key])*
  Value lookup(std::string_view name) {
    const size_t end = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, end));
    for (size_t pos = end; pos < name.size();) {
      if (name[pos] == '[') {
        const size_t close = name.find(']', pos);
        if (close == std::string_view::npos) rt_.fail("a '[' in a format is not closed");
        value = get_item(rt_, value, key(name.substr(pos + 1, close - pos - 1)));
        pos = close + 1;
      } else {
        const size_t stop = std::min(name.find_first_of(".[", pos + 1), name.size());
        value = get_attribute_only(rt_, value,
                                   rt_.string(name.substr(pos + 1, stop - pos - 1)).as_string());
        pos = stop;
      }
    }
    return value;
  }

  static std::optional<int64_t> number(std::string_view text) {
    int64_t i = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), i);
    if (text.empty() || text[0] == '-' || r.ec != std::errc() ||
        r.ptr != text.data() + text.size()) {
      return std::nullopt;
    }
    return i;
  }

  Value key(std::string_view text) {
    if (const auto i = number(text)) return Value::integer(*i);
    return rt_.string(text);
  }

  Value argument(std::string_view name) {
    std::optional<int64_t> index = number(name);
    if (name.empty()) index = static_cast<int64_t>(next_++);
    if (index) {
      if (*index >= static_cast<int64_t>(arguments_.positional.size())) {
        rt_.fail(fmt::format("the format has no argument {}", *index));
      }
      return arguments_.positional[static_cast<size_t>(*index)];
    }
    for (const auto& [key_name, value] : arguments_.keyword) {
      if (key_name->text.view() == name) return value;
    }
    rt_.fail(fmt::format("the format has no argument '{}'", name));
  }

  Runtime& rt_;
  const Text& format_;
  const std::string_view s_;
  const Arguments& arguments_;
  size_t next_ = 0;
  Text out_;
};

}  // namespace

Text format_percent(Runtime& rt, const Text& format, const Value& arguments) {
  return PercentFormatter(rt, format, arguments).run();
}

Text format_braces(Runtime& rt, const Text& format, const Arguments& arguments) {
  return BraceFormatter(rt, format, arguments).run();
}

}  // namespace wattle::chat::jinja
