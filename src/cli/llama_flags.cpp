// SPDX-License-Identifier: Apache-2.0
#include "cli/llama_flags.h"

#include <fmt/format.h>

#include <string_view>

#include "wattle/error.h"

namespace wattle::cli {
namespace {

struct Renamed {
  std::string_view flag;
  std::string_view long_name;
};
constexpr Renamed kRenamed[] = {
    {"-ctk", "--cache-type-k"},
    {"-ctv", "--cache-type-v"},
    {"-jf", "--json-schema-file"},
    {"-np", "--parallel"},
    {"-pg", "--pg"},
    {"-sys", "--system"},
};

struct Refused {
  std::string_view flag;
  std::string_view why;
};
constexpr std::string_view kNoDownload =
    "`wattle pull hf:ORG/NAME[:QUANT]` downloads, -m then names the model";
constexpr std::string_view kNoGpu = "wattle has no GPU layers; leave it out";
constexpr std::string_view kFlash = "attention never builds the score matrix here; leave it out";
constexpr std::string_view kThreads = "prompts and answers use the same threads: -t";
constexpr std::string_view kBatch = "prompts are computed in one size of pieces: -b";
constexpr std::string_view kConversation = "`wattle chat` converses, `wattle run` answers once";
constexpr Refused kRefused[] = {
    {"-hf", kNoDownload},
    {"-hfr", kNoDownload},
    {"--hf-repo", kNoDownload},
    {"-mu", kNoDownload},
    {"-ngl", kNoGpu},
    {"--n-gpu-layers", kNoGpu},
    {"--gpu-layers", kNoGpu},
    {"-fa", kFlash},
    {"--flash-attn", kFlash},
    {"-tb", kThreads},
    {"-ub", kBatch},
    {"--ubatch-size", kBatch},
    {"-cnv", kConversation},
    {"-no-cnv", kConversation},
};

}  // namespace

std::vector<std::string> expand_llama_flags(std::vector<std::string> args) {
  for (std::string& arg : args) {
    if (arg == "--") break;
    for (const auto& [flag, long_name] : kRenamed) {
      if (arg == flag) arg = long_name;
    }
    for (const auto& [flag, why] : kRefused) {
      if (arg == flag) {
        throw Error(ErrorCode::usage, fmt::format("wattle: '{}' is a flag of llama.cpp", flag),
                    std::string(why));
      }
    }
  }
  return args;
}

}  // namespace wattle::cli
