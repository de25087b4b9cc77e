// SPDX-License-Identifier: Apache-2.0
// The chat renderings of the reference data, as inputs of a ChatTemplate.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "chat/template.h"

namespace wattle::test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder,
                                                   const std::string& extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct GoldenCases {
  std::string template_text;
  std::vector<std::pair<std::string, std::string>> special_tokens;
  chat::CivilTime now;
  Json cases;
};

inline GoldenCases load_cases(const std::filesystem::path& file) {
  Json json = parse_json(read_file(file), file.string());
  GoldenCases golden;
  golden.template_text =
      read_file(file.parent_path().parent_path() / json.at("template").get<std::string>());
  for (const auto& [name, text] : json.at("special_tokens").items()) {
    golden.special_tokens.emplace_back(name, text.get<std::string>());
  }
  golden.now = chat::parse_civil_time(json.at("now").get<std::string>());
  golden.cases = std::move(json.at("cases"));
  return golden;
}

inline chat::TemplateInput input_of(const GoldenCases& golden, const Json& one) {
  chat::TemplateInput input;
  input.special_tokens = golden.special_tokens;
  input.now = golden.now;
  input.variables["messages"] = one.at("messages");
  input.variables["tools"] = one.contains("tools") ? one.at("tools") : Json(nullptr);
  input.variables["documents"] = nullptr;
  for (const auto& [name, value] : one.at("kwargs").items()) input.variables[name] = value;
  return input;
}

}  // namespace wattle::test
