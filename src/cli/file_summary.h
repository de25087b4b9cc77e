// SPDX-License-Identifier: Apache-2.0
// What a GGUF file holds, as one JSON object: the content of `wattle show`.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "gguf/reader.h"

namespace wattle::cli {

// Members: file, model, tensors (a summary by type), hparams, tokenizer, memory. Where the
// hyperparameters are not what this build can run, hparams is {"problem": why} and there is no
// memory: looking at a file must not fail because of what is looked for.
nlohmann::ordered_json summarise(const gguf::File& file);

// The member memory for a file whose weights take weights_bytes; of a split model the first part is
// enough. Throws Error where this build cannot run the model.
nlohmann::ordered_json summarise_memory(const gguf::File& file, uint64_t weights_bytes);

// A list of all tensors: name, shape (outermost first), type, size_bytes.
nlohmann::ordered_json list_tensors(const gguf::File& file);

// All keys with their values; of an array its element type and length.
nlohmann::ordered_json list_keys(const gguf::File& file);

// "Q4_K_M": what general.file_type says most matrices are; only a name for people.
std::string file_type_name(uint32_t id);

}  // namespace wattle::cli
