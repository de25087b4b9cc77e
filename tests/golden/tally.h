// SPDX-License-Identifier: Apache-2.0
// Counts of one kind of reference data, and how a check reports to them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wattle::golden {

// What became of the cases of one kind. A failure or skip is told with the file and the case.
class Tally {
 public:
  void pass() { ++passed_; }
  void fail(std::string what) {
    ++failed_;
    failures_.push_back(std::move(what));
  }
  void skip(std::string why, size_t n_cases = 1) {
    skipped_ += n_cases;
    skips_.push_back(std::move(why));
  }
  void check(bool ok, const std::string& what) { ok ? pass() : fail(what); }
  // Figures worth seeing although all is well ("kl 0.0021, at most 0.0023").
  void note(std::string line) { notes_.push_back(std::move(line)); }

  size_t passed() const { return passed_; }
  size_t failed() const { return failed_; }
  size_t skipped() const { return skipped_; }
  const std::vector<std::string>& failures() const { return failures_; }
  const std::vector<std::string>& skips() const { return skips_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  size_t passed_ = 0;
  size_t failed_ = 0;
  size_t skipped_ = 0;
  std::vector<std::string> failures_;
  std::vector<std::string> skips_;
  std::vector<std::string> notes_;
};

// One check per kind, each given the folder of its kind. They look at every file that lies there.
void check_models(const std::filesystem::path& folder, Tally& tally);
void check_real(const std::filesystem::path& folder, Tally& tally);
void check_tokenizers(const std::filesystem::path& folder, Tally& tally);
// The small vocabularies inside the files of models/, from its tiny_tokenizers.json.
void check_tiny_tokenizers(const std::filesystem::path& json_path, Tally& tally);
void check_chat(const std::filesystem::path& folder, Tally& tally);

}  // namespace wattle::golden
