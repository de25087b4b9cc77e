// SPDX-License-Identifier: Apache-2.0
// A home with models for one test: the environment says that there is nothing else.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "store/places.h"
#include "tests/support/error_text.h"
#include "tests/support/temp_dir.h"

namespace wattle::test {

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    for (const char* name : {"HF_HUB_CACHE", "HF_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
                             "XDG_CACHE_HOME", "WATTLE_MODELS", "HOME"}) {
      const char* value = ::getenv(name);
      saved_[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
      ::unsetenv(name);
    }
    set("HOME", home_.path());
    set("WATTLE_MODELS", models());
    std::filesystem::create_directories(models());
  }
  ~StoreTest() override {
    for (const auto& [name, value] : saved_) {
      if (value) {
        ::setenv(name.c_str(), value->c_str(), 1);
      } else {
        ::unsetenv(name.c_str());
      }
    }
  }

  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  const std::filesystem::path& home() const { return home_.path(); }
  std::filesystem::path models() const { return home_.path() / "models"; }
  static store::Places places() { return store::places_from_environment(); }

  // A file with its folders; `n_bytes` long.
  static std::filesystem::path add(const std::filesystem::path& path, size_t n_bytes = 1) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << std::string(n_bytes, 'x');
    return path;
  }

 private:
  TempDir home_;
  std::map<std::string, std::optional<std::string>> saved_;
};

}  // namespace wattle::test
