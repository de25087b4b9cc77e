// SPDX-License-Identifier: Apache-2.0
// The little of URLs that is needed to make and take apart those of model files.
#pragma once

#include <string>
#include <string_view>

namespace wattle::store {

// Everything but letters, digits and -._~ as %XX; '/' too unless kept.
std::string percent_encode(std::string_view text, bool keep_slashes);
// What is no %XX stays as it is.
std::string percent_decode(std::string_view text);

// Up to '?' or '#'.
std::string_view without_query(std::string_view url);
// The decoded last segment of the path.
std::string file_name_of_url(std::string_view url);

// A name that may be given to a file in a folder of models whoever suggested it: ends in .gguf, not
// hidden, no '/', no control characters, short enough to have a suffix put to it.
bool is_safe_model_name(std::string_view name) noexcept;

}  // namespace wattle::store
