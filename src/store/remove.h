// SPDX-License-Identifier: Apache-2.0
// Takes a model out of the folders of models.
#pragma once

#include <cstdint>
#include <string>

#include "store/places.h"

namespace wattle::store {

struct Removed {
  std::string name{};
  uint64_t size_bytes = 0;
  size_t n_files = 0;
};

// Removes every part of the model `name`, and what was fetched of it without coming to an end. The
// name is one of a model, an alias of it, or the beginning of exactly one.
// The first part goes last: until then the model is listed, so that the same call finishes what an
// interruption left. A program that has the model open keeps it until it ends.
// Throws Error{io} where there is none, where it lies in the hub client's cache, where it is being
// fetched at this moment, or where the system refuses.
Removed remove_model(const std::string& name, const Places& places);

}  // namespace wattle::store
