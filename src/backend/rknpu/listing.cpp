// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "backend/rknpu/command_word.h"
#include "backend/rknpu/matmul_type.h"
#include "backend/rknpu/registers.h"
#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kDigits = 16;

uint32_t number(std::string_view digits) {
  uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// "WIDTH[26:16]" of a value; empty where the field is 0.
std::string field_text(std::string_view field, uint32_t value) {
  const size_t open = field.find('[');
  const std::string_view range = field.substr(open + 1, field.size() - open - 2);
  const size_t colon = range.find(':');
  const uint32_t high = number(range.substr(0, colon));
  const uint32_t low = colon == std::string_view::npos ? high : number(range.substr(colon + 1));
  const uint64_t mask = (uint64_t{1} << (high - low + 1)) - 1;
  const auto bits = static_cast<uint32_t>(value >> low & mask);
  return bits == 0 ? "" : fmt::format("{} {}", field.substr(0, open), bits);
}

std::string fields_text(std::string_view fields, uint32_t value) {
  if (fields.empty()) return fmt::format("{}", value);
  if (fields == "-") return fmt::format("{:#x}", value);
  std::string text;
  while (!fields.empty()) {
    const size_t end = std::min(fields.find(' '), fields.size());
    const std::string one = field_text(fields.substr(0, end), value);
    if (!one.empty()) text += (text.empty() ? "" : ", ") + one;
    fields.remove_prefix(std::min(end + 1, fields.size()));
  }
  return text.empty() ? "0" : text;
}

// What the last write to each register was.
class Registers {
 public:
  explicit Registers(std::span<const uint64_t> words) {
    for (const uint64_t word : words) {
      const RegisterWrite write = write_of(word);
      values_[{write.target, write.offset}] = write.value;
    }
  }
  std::optional<uint32_t> get(Target target, uint16_t offset) const {
    const auto found = values_.find({target, offset});
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }
  bool has_all(Target target, std::initializer_list<uint16_t> offsets) const {
    return std::ranges::all_of(offsets, [&](uint16_t o) { return get(target, o).has_value(); });
  }
  uint32_t at(Target target, uint16_t offset) const { return get(target, offset).value_or(0); }

 private:
  std::map<std::pair<Target, uint16_t>, uint32_t> values_;
};

const MatmulTypeInfo* type_of(const Registers& registers) {
  constexpr uint32_t kLineMode = 1U << 29;
  for (const MatmulTypeInfo& type : matmul_types()) {
    if ((registers.at(Target::cna, 0x100c) & ~kLineMode) == type.conv_con1 &&
        registers.at(Target::dpu, 0x4010) == type.data_format) {
      return &type;
    }
  }
  return nullptr;
}

std::string_view orientation_of(const Registers& registers, uint32_t width, uint32_t height) {
  const bool has_line_stride = (registers.at(Target::cna, 0x100c) >> 29 & 1) != 0;
  if (width == 1 && height == 1) return "one row";
  if (height == 1) return has_line_stride ? "native, a tile" : "native";
  if (width == 1) return has_line_stride ? "row-major" : "column";
  return "panels";
}

// int8 is all that is known of it.
std::string summary_of_rk3576(const Registers& registers, size_t n_words) {
  if (!registers.has_all(Target::cna, {0x1020, 0x1024, 0x1088, 0x1094, 0x1110}) ||
      !registers.has_all(Target::dpu, {0x4010, 0x4018}) || registers.at(Target::cna, 0x100c) != 0)
    return fmt::format("{} words, no product of a known type", n_words);
  const uint32_t format = registers.at(Target::dpu, 0x4010);
  return fmt::format("{}, {} rows x {} x {}; A {:#x}, B {:#x}, C {:#x}",
                     format == 0            ? "i8i8i8"
                     : format == 0x80000000 ? "i8i8i32"
                                            : "i8i8i32-wide",
                     registers.at(Target::cna, 0x1094), registers.at(Target::cna, 0x1020),
                     uint64_t{registers.at(Target::cna, 0x1024)} + 1,
                     registers.at(Target::cna, 0x1088), registers.at(Target::cna, 0x1110),
                     registers.at(Target::dpu, 0x4018));
}

}  // namespace

std::string annotated(uint64_t word, Chip chip) {
  const RegisterWrite write = write_of(word);
  const Register* known = find_register(write.target, write.offset);
  if (word == 0) return fmt::format("{:016x}  nothing", word);
  if (chip == Chip::rk3576) {
    return fmt::format("{:016x}  {:<8}  {:04x}  {:#x}", word, name_of(write.target), write.offset,
                       write.value);
  }
  return fmt::format("{:016x}  {:<8}  {:04x}  {:<20}  {}", word, name_of(write.target),
                     write.offset, known != nullptr ? known->name : "?",
                     known != nullptr ? fields_text(known->fields, write.value)
                                      : fmt::format("{:#x}", write.value));
}

std::vector<uint64_t> parse_listing(std::string_view text) {
  std::vector<uint64_t> words;
  size_t n_line = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++n_line;
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.empty() || line.front() == '#') continue;
    uint64_t word = 0;
    const auto [stop, error] =
        std::from_chars(line.data(), line.data() + std::min(line.size(), kDigits), word, 16);
    const bool ends = line.size() == kDigits ||
                      (line.size() > kDigits && (line[kDigits] == ' ' || line[kDigits] == '\r'));
    if (error != std::errc() || stop != line.data() + kDigits || !ends) {
      const size_t shown = std::min<size_t>(line.find('\0'), 40);  // what() ends at a zero byte
      throw Error(ErrorCode::bad_input,
                  fmt::format("line {}: '{}' is no command word", n_line, line.substr(0, shown)),
                  "a line begins with 16 hex digits, or with # where it is a remark");
    }
    words.push_back(word);
  }
  return words;
}

std::vector<std::span<const uint64_t>> tasks_of(std::span<const uint64_t> words) {
  std::vector<std::span<const uint64_t>> tasks;
  size_t begin = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    if (write_of(words[i]).target != Target::enable && i + 1 < words.size()) continue;
    tasks.push_back(words.subspan(begin, i + 1 - begin));
    begin = i + 1;
  }
  return tasks;
}

std::string summary(std::span<const uint64_t> task, Chip chip) {
  const Registers registers(task);
  if (chip == Chip::rk3576) return summary_of_rk3576(registers, task.size());
  const bool is_whole =
      registers.has_all(Target::cna, {0x100c, 0x1020, 0x1038, 0x1070, 0x1088, 0x1110}) &&
      registers.has_all(Target::dpu, {0x4010, 0x4020});
  const MatmulTypeInfo* type = is_whole ? type_of(registers) : nullptr;
  if (type == nullptr) return fmt::format("{} words, no product of a known type", task.size());
  const uint32_t plane = registers.at(Target::cna, 0x1020);
  const uint32_t width = plane >> 16;
  const uint32_t height = plane & 0xffff;
  return fmt::format("{}, {} rows x {} x {}, {}; A {:#x}, B {:#x}, C {:#x}", type->name,
                     width * height, registers.at(Target::cna, 0x1088),
                     registers.at(Target::cna, 0x1038) & 0x3fff,
                     orientation_of(registers, width, height), registers.at(Target::cna, 0x1070),
                     registers.at(Target::cna, 0x1110), registers.at(Target::dpu, 0x4020));
}

}  // namespace wattle::rknpu
