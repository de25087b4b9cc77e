// SPDX-License-Identifier: Apache-2.0
// What a row gets must not depend on threads, on how a prompt is cut, or on who else is in the
// batch: bit for bit with the scalar and reference sets, within a stated bound with the fast ones.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/support/golden_model.h"
#include "tests/support/model_runner.h"
#include "tests/support/source_tree.h"
#include "tests/support/tiny_model.h"

namespace wattle::test {
namespace {

constexpr size_t kTokens = 24;

// What company may do with the fast sets, of the spread of the logits; docs/numerics.md says why.
struct Bound {
  double max_abs;
  double rms;
};
constexpr Bound kFloatWeights{2e-5, 4e-6};
constexpr Bound kBf16Activations{0.03, 0.004};  // BF16 weights, where both are rounded to bf16
constexpr Bound kQuantisedWeights{0.4, 0.04};
constexpr Bound kQuantisedExperts{1.0, 0.05};  // where two experts are level, another one is taken

struct Source {
  std::string name;
  std::function<std::unique_ptr<gguf::File>()> open;
};

Bound bound_for(const gguf::File& file, Isa isa) {
  bool quantised = false;
  bool bf16 = false;
  bool experts = false;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    quantised |= dtype_info(*tensor.dtype).block_elems > 1;
    bf16 |= *tensor.dtype == DType::bf16;
    experts |= tensor.name.find("_exps.") != std::string_view::npos;
  }
  if (quantised) return experts ? kQuantisedExperts : kQuantisedWeights;
  return bf16 && isa == Isa::avx512bf16 ? kBf16Activations : kFloatWeights;
}

// Tiny models made here, and all golden ones where there are any.
std::vector<Source> sources() {
  static TinyModel llama = make_tiny_model({.dtype = DType::q4_0, .n_ff = 128});
  static TinyModel moe = make_tiny_model({.dtype = DType::q8_0, .n_expert = 5});
  static TinyModel many =  // computed at normal precision
      make_tiny_model({.dtype = DType::q8_0, .n_expert = 5, .n_expert_used = 4});
  static TinyModel gemma = make_tiny_model({.arch = "gemma3", .n_layer = 7});
  std::vector<Source> all{{"llama", [] { return llama.file(); }},
                          {"moe", [] { return moe.file(); }},
                          {"many experts", [] { return many.file(); }},
                          {"gemma3", [] { return gemma.file(); }}};
  for (const auto& json : golden_model_files()) {
    const GoldenModel golden = read_golden_model(json);
    all.push_back(
        {golden.name, [path = golden.gguf] { return std::make_unique<gguf::File>(path); }});
  }
  return all;
}

Tokens sequence_tokens(uint32_t which, uint32_t n_vocab) {
  Tokens tokens;
  for (size_t i = 0; i < kTokens; ++i) {
    tokens.push_back(static_cast<TokenId>((which * 101 + i * (37 + which)) % n_vocab));
  }
  return tokens;
}

double spread_of(const Logits& logits) {
  double sum = 0;
  double squares = 0;
  double n = 0;
  for (const auto& row : logits) {
    for (const float x : row) {
      sum += x;
      squares += static_cast<double>(x) * x;
      ++n;
    }
  }
  return std::sqrt(squares / n - sum / n * sum / n);
}

Deviation difference(const Logits& a, const Logits& b) {
  Deviation d;
  double squares = 0;
  for (size_t r = 0; r < a.size(); ++r) {
    for (size_t t = 0; t < a[r].size(); ++t) {
      const double diff = static_cast<double>(a[r][t]) - b[r][t];
      d.max_abs = std::max(d.max_abs, std::abs(diff));
      squares += diff * diff;
    }
  }
  d.rms = std::sqrt(squares / static_cast<double>(a.size() * a[0].size()));
  return d;
}

// Three sequences in batches that mix them: pieces of prompts beside single rows, rows
// of a sequence not always adjacent. Returns the logits of each sequence in order.
std::vector<Logits> run_together(ModelRunner& runner, const std::vector<Tokens>& tokens) {
  std::vector<SeqId> ids;
  for (size_t s = 0; s < tokens.size(); ++s) ids.push_back(runner.new_sequence());
  std::vector<size_t> next(tokens.size(), 0);
  std::vector<Logits> logits(tokens.size());
  const std::vector<std::vector<size_t>> plan{
      {0, 0, 0, 0, 0, 1, 1}, {1, 0, 1, 0, 2, 2, 2, 2, 2, 2}, {0}, {0, 1, 2}, {2, 1, 0}};
  for (size_t round = 0; next != std::vector<size_t>(tokens.size(), tokens[0].size()); ++round) {
    Tokens fed;
    std::vector<SeqId> seq;
    std::vector<size_t> owner;
    for (const size_t s : plan[round % plan.size()]) {
      if (next[s] == tokens[s].size()) continue;
      fed.push_back(tokens[s][next[s]++]);
      seq.push_back(ids[s]);
      owner.push_back(s);
    }
    Logits rows = runner.forward(fed, seq);
    for (size_t r = 0; r < rows.size(); ++r) logits[owner[r]].push_back(std::move(rows[r]));
  }
  for (const SeqId id : ids) runner.cache().free_sequence(id);
  return logits;
}

bool is_exact(Isa isa) { return isa == Isa::scalar || isa == Isa::reference; }

class Company : public testing::TestWithParam<Isa> {};
class ExactCompany : public testing::TestWithParam<Isa> {};

TEST_P(Company, RowsGetTheSameAloneInPiecesAndTogether) {
  for (const Source& source : sources()) {
    SCOPED_TRACE(source.name);
    ModelRunner runner(source.open(), {.isa = GetParam()});
    const Bound bound = bound_for(*source.open(), GetParam());
    std::vector<Tokens> tokens;
    for (uint32_t s = 0; s < 3; ++s) {
      tokens.push_back(sequence_tokens(s, runner.model().hparams().n_vocab));
    }
    const auto alone = [&](size_t s, size_t piece) {
      const SeqId seq = runner.new_sequence();
      Logits logits = runner.feed(seq, tokens[s], piece);
      runner.cache().free_sequence(seq);
      return logits;
    };
    const auto expect_same = [&](const Logits& a, const Logits& b, const std::string& what) {
      if (is_exact(GetParam())) {
        EXPECT_EQ(a, b) << what;
      } else {
        const Deviation d = difference(a, b);
        EXPECT_LE(d.max_abs, bound.max_abs * spread_of(a)) << what;
        EXPECT_LE(d.rms, bound.rms * spread_of(a)) << what;
      }
    };
    const std::vector<Logits> together = run_together(runner, tokens);
    for (size_t s = 0; s < tokens.size(); ++s) {
      expect_same(alone(s, kTokens), together[s], "together");
    }
    for (const size_t piece : {1, 7, 8, 16}) {
      expect_same(alone(0, kTokens), alone(0, piece), "pieces of " + std::to_string(piece));
    }
  }
}

// Models whose last layers store nothing leave out the rows nobody asked for. With the fast sets
// fewer rows are other company, and the bound above holds.
TEST_P(ExactCompany, AskingForFewRowsGivesTheSameLogits) {
  for (const Source& source : sources()) {
    SCOPED_TRACE(source.name);
    ModelRunner runner(source.open(), {.isa = GetParam()});
    const uint32_t n_vocab = runner.model().hparams().n_vocab;
    const Tokens tokens = sequence_tokens(0, n_vocab);
    const Logits all = runner.feed(runner.new_sequence(), tokens, kTokens);
    const SeqId seq = runner.new_sequence();
    const std::vector<SeqId> ids(kTokens, seq);
    std::vector<Pos> pos;
    for (size_t i = 0; i < kTokens; ++i) pos.push_back(static_cast<Pos>(i));
    const auto forward = [&](size_t begin, size_t end, const std::vector<uint32_t>& rows) {
      std::vector<float> room(rows.size() * n_vocab);
      const MatView<float> logits(room.data(), rows.size(), n_vocab);
      const std::span<const TokenId> fed(tokens);
      runner.model().forward({.tokens = fed.subspan(begin, end - begin),
                              .pos = std::span(pos).subspan(begin, end - begin),
                              .seq = std::span(ids).subspan(begin, end - begin),
                              .output_rows = rows},
                             runner.cache(), {.logits = logits});
      for (size_t i = 0; i < rows.size(); ++i) {
        const auto row = logits.row_span(i);
        EXPECT_EQ(std::vector<float>(row.begin(), row.end()), all[begin + rows[i]])
            << "row " << rows[i] << " from " << begin;
      }
    };
    forward(0, 9, {});
    forward(9, 20, {0, 4, 10});
    forward(20, kTokens, {3});
  }
}

TEST_P(Company, ThreadCountNeverChangesABit) {
  for (const Source& source : sources()) {
    SCOPED_TRACE(source.name);
    Logits one;
    for (const size_t n_threads : {1, 2, 3}) {
      ModelRunner runner(source.open(), {.isa = GetParam(), .n_threads = n_threads});
      const Tokens tokens = sequence_tokens(0, runner.model().hparams().n_vocab);
      const Logits logits = runner.feed(runner.new_sequence(), tokens, 17);
      if (n_threads == 1) one = logits;
      EXPECT_EQ(one, logits) << n_threads << " threads";
    }
  }
}

// The models above are so small that norms and attention stay on one thread.
TEST_P(Company, ThreadCountNeverChangesABitOfWhatIsWorthSharing) {
  const std::filesystem::path path = test::stories_model();
  constexpr size_t kBatch = 80;
  Logits one;
  for (const size_t n_threads : {1, 3}) {
    ModelRunner runner(path, {.isa = GetParam(), .n_threads = n_threads, .n_batch = kBatch});
    Tokens tokens;
    for (size_t i = 0; i < kBatch; ++i) {
      tokens.push_back(static_cast<TokenId>((3 + i * 37) % runner.model().hparams().n_vocab));
    }
    const Logits logits = runner.feed(runner.new_sequence(), tokens, kBatch);
    if (n_threads == 1) one = logits;
    EXPECT_EQ(one, logits) << n_threads << " threads";
  }
}

std::vector<Isa> available_isas(bool exact_only) {
  std::vector<Isa> isas;
  for (const Isa isa : all_isas_fastest_first()) {
    if (exact_only && !is_exact(isa)) continue;
    if (detect_cpu_features().supports(isa)) isas.push_back(isa);
  }
  return isas;
}

const auto name_of = [](const testing::TestParamInfo<Isa>& info) {
  return std::string(isa_name(info.param));
};
INSTANTIATE_TEST_SUITE_P(EveryIsa, Company, testing::ValuesIn(available_isas(false)), name_of);
INSTANTIATE_TEST_SUITE_P(ExactIsa, ExactCompany, testing::ValuesIn(available_isas(true)), name_of);

}  // namespace
}  // namespace wattle::test
