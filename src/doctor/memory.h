// SPDX-License-Identifier: Apache-2.0
// How much memory there is, how fast it is clocked, and whether a model fits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "doctor/file_tree.h"
#include "doctor/finding.h"
#include "model/kv_layout.h"

namespace wattle::doctor {

// A model with the cache of one conversation of n_ctx positions.
struct ModelNeed {
  std::string name;
  uint64_t weights_bytes = 0;
  KvLayout kv;
  uint32_t n_ctx = 0;
};

void examine_memory(const FileTree& tree, const std::optional<ModelNeed>& model, Findings& out);

}  // namespace wattle::doctor
