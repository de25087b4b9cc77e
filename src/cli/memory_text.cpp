// SPDX-License-Identifier: Apache-2.0
#include "cli/memory_text.h"

#include <fmt/format.h>

#include "cli/amounts.h"

namespace wattle::cli {

std::string memory_text(const nlohmann::ordered_json& memory) {
  std::string text = fmt::format(
      "memory: {} of weights, mapped, and the KV cache of one conversation\n"
      "  {:>10}{:>14}{:>14}\n",
      bytes_text(memory["weights_bytes"]), "context", "KV f16", "KV q8_0");
  for (const auto& row : memory["contexts"]) {
    const auto cell = [&row](const char* name) {
      return row.contains(name) ? bytes_text(row[name]) : std::string("-");
    };
    text += fmt::format("  {:>10}{:>14}{:>14}\n", row["n_ctx"].get<uint32_t>(),
                        cell("kv_f16_bytes"), cell("kv_q8_0_bytes"));
  }
  return text;
}

}  // namespace wattle::cli
