// SPDX-License-Identifier: Apache-2.0
// The door `schema`: any bytes as a JSON Schema. It may fail, but with an Error, soon; what comes
// out is GBNF that can be read, and what one way through it writes is JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sampling/grammar/gbnf.h"
#include "sampling/grammar/machine.h"
#include "sampling/grammar/network.h"
#include "sampling/json_schema/json_schema.h"
#include "wattle/error.h"

namespace {

using namespace wattle::grammar;  // NOLINT: all of this is about it

constexpr size_t kMaxSchemaBytes = 1 << 12;
constexpr Limits kLimits{
    .max_states = 100'000, .max_machine_work = 100'000, .max_machine_size = size_t{1} << 18};

// The last byte that fits: of the choices, those that close come late in ASCII.
std::optional<uint8_t> last_that_fits(Machine& machine, Machine::ConfigId at) {
  for (unsigned byte = 256; byte-- > 0;) {
    if (machine.step(at, static_cast<uint8_t>(byte)) != Machine::kRefused) {
      return static_cast<uint8_t>(byte);
    }
  }
  return std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view schema(reinterpret_cast<const char*>(data), size);
  if (size > kMaxSchemaBytes) return 0;
  std::string gbnf;
  try {
    gbnf = wattle::json_schema::to_gbnf(schema);
  } catch (const wattle::Error&) {
    return 0;
  }
  const Grammar grammar = [&] {
    try {
      return parse_gbnf(gbnf);
    } catch (const wattle::Error&) {
      std::abort();  // what we wrote ourselves can be read
    }
  }();
  try {
    Machine machine(build_network(grammar, kLimits), kLimits);
    std::string text;
    Machine::ConfigId at = machine.start();
    while (text.size() < 200 && !machine.may_end(at)) {
      const auto byte = last_that_fits(machine, at);
      if (!byte) std::abort();  // a way that leads nowhere
      text += static_cast<char>(*byte);
      at = machine.step(at, *byte);
    }
    if (machine.may_end(at) && !nlohmann::json::accept(text)) std::abort();
  } catch (const wattle::Error&) {
  }
  return 0;
}
