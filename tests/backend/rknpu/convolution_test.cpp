// SPDX-License-Identifier: Apache-2.0
// The simulator's arithmetic against loops that follow the definition, over random shapes, planes
// and strides; and what a core's buffer does not hold.
#include "backend/rknpu/simulator/convolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <tuple>
#include <vector>

#include "base/cpu_features.h"
#include "base/half.h"

namespace wattle::rknpu {
namespace {

constexpr uint32_t kFeaturesAt = 0x10000000;
constexpr uint32_t kWeightsAt = 0x20000000;
constexpr uint32_t kResultsAt = 0x30000000;

// Channel c of a cell or kernel that lies at `bytes`.
float channel(Operand operand, const std::byte* bytes, size_t c) {
  if (operand == Operand::i8) return std::to_integer<int8_t>(bytes[c]);
  if (operand == Operand::i4) {
    const int bits = std::to_integer<int>(bytes[c / 2]) >> (c % 2 == 0 ? 4 : 0) & 15;
    return static_cast<float>(bits < 8 ? bits : bits - 16);
  }
  uint16_t half = 0;
  std::memcpy(&half, bytes + 2 * c, sizeof half);
  return f16_to_f32(half);
}

struct Memory {
  std::vector<std::byte> features, weights, results;

  std::byte* at(uint64_t address) {
    if (address >= kResultsAt) return &results.at(address - kResultsAt);
    if (address >= kWeightsAt) return &weights.at(address - kWeightsAt);
    return &features.at(address - kFeaturesAt);
  }
};

// The convolution by its definition: one result after the other.
void convolve(const ConvolutionTask& t, Memory& memory) {
  const uint32_t per_cell = 128 / bits_of(t.operand);
  for (uint32_t p = 0; p < t.features.n_pixels(); ++p) {
    for (uint32_t n = 0; n < t.n_written; ++n) {
      const uint32_t group = n / t.kernel_group() * t.kernel_group();
      const uint32_t in_group = std::min(t.kernel_group(), t.n_n - group);
      int64_t sum = 0;
      float lanes[32] = {};
      for (uint32_t k = 0; k < t.n_k; ++k) {
        const uint64_t kernel =
            uint64_t{group} * t.n_k + (uint64_t{k / 32} * in_group + n - group) * 32;
        const float w =
            channel(t.operand, memory.at(t.weights + kernel * bits_of(t.operand) / 8), k % 32);
        const uint64_t cell =
            t.features.cell(p / t.features.width, p % t.features.width, k / per_cell);
        const float x = channel(t.operand, memory.at(cell), k % per_cell);
        if (t.operand == Operand::f16)
          lanes[k % 32] += x * w;
        else
          sum += static_cast<int64_t>(x) * static_cast<int64_t>(w);
      }
      for (size_t half = 16; half > 0; half /= 2)
        for (size_t i = 0; i < half; ++i) lanes[i] += lanes[half + i];
      const uint32_t result_cell = 16 / bytes_of(t.result);
      std::byte* out =
          memory.at(t.results.cell(p / t.results.width, p % t.results.width, n / result_cell)) +
          n % result_cell * bytes_of(t.result);
      const auto store = [&](auto value) { std::memcpy(out, &value, sizeof value); };
      switch (t.result) {
        case Result::i32: store(static_cast<int32_t>(sum)); break;
        case Result::i16:
          store(static_cast<int16_t>(std::clamp<int64_t>(sum, -32768, 32767)));
          break;
        case Result::f32:
          store(t.operand == Operand::f16 ? lanes[0] : static_cast<float>(sum));
          break;
        case Result::f16: store(f32_to_f16(lanes[0])); break;
      }
    }
  }
}

class RandomTask {
 public:
  explicit RandomTask(uint32_t seed) : random_(seed) {
    constexpr std::pair<Operand, Result> kKinds[] = {{Operand::i4, Result::i16},
                                                     {Operand::i8, Result::i32},
                                                     {Operand::i8, Result::f32},
                                                     {Operand::f16, Result::f32},
                                                     {Operand::f16, Result::f16}};
    std::tie(task.operand, task.result) = kKinds[seed % std::size(kKinds)];
    task.n_k = 32 * up_to(9);
    task.n_n = up_to(150);
    task.n_written = task.n_n;
    task.weights = kWeightsAt;
    task.data_banks = 6;
    task.weight_banks = 6;
    task.features = plane(kFeaturesAt, up_to(7), up_to(4), task.row_bytes() / 16);
    const uint32_t n = task.features.n_pixels();
    const uint32_t width = n % 2 == 0 && up_to(2) == 1 ? n / 2 : n;
    const uint32_t per_cell = 16 / bytes_of(task.result);
    const uint32_t n_cells = (task.n_n + per_cell - 1) / per_cell;
    task.results = plane(kResultsAt, width, n / width, n_cells);
    fill(memory.features, end_of(task.features, task.row_bytes() / 16));
    fill(memory.weights, task.weight_bytes());
    fill(memory.results, end_of(task.results, n_cells));
  }

  ConvolutionTask task;
  Memory memory;

 private:
  uint32_t up_to(uint32_t n) { return 1 + static_cast<uint32_t>(random_() % n); }

  // Lines apart from each other, or planes one inside the other's lines.
  Plane plane(uint32_t base, uint32_t width, uint32_t height, uint32_t n_cells) {
    Plane p{.base = base, .width = width, .height = height};
    if (up_to(2) == 1) {
      p.row_cells = width + up_to(3) - 1;
      p.surface_bytes = 16 * (p.row_cells * height + up_to(3) - 1);
    } else {
      p.surface_bytes = int64_t{16} * width;
      p.row_cells = int64_t{width} * n_cells + up_to(3) - 1;
    }
    return p;
  }
  static size_t end_of(const Plane& p, uint32_t n_cells) {
    return p.cell(p.height - 1, p.width - 1, n_cells - 1) - p.base + 16;
  }
  void fill(std::vector<std::byte>& bytes, size_t size) {
    bytes.resize(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(random_());
    if (task.operand != Operand::f16) return;
    for (size_t i = 1; i < size; i += 2) bytes[i] &= std::byte{0xbf};  // below 2: no infinities
  }

  std::mt19937 random_;
};

void expect_equal_to_definition(const GroupProducts& products) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    RandomTask random(seed);
    Memory expected = random.memory;
    convolve(random.task, expected);
    DeviceMemory memory;
    ASSERT_TRUE(memory.map(kFeaturesAt, random.memory.features));
    ASSERT_TRUE(memory.map(kWeightsAt, random.memory.weights));
    ASSERT_TRUE(memory.map(kResultsAt, random.memory.results));
    ConvolutionBlocks blocks(products);
    ASSERT_EQ(blocks.run(random.task, memory), "");
    ASSERT_EQ(random.memory.results, expected.results);
  }
}

TEST(RknpuConvolution, IsItsDefinition) { expect_equal_to_definition(kPlainGroupProducts); }

#if defined(__x86_64__)
TEST(RknpuConvolution, IsItsDefinitionWithAvx2) {
  if (!detect_cpu_features().avx2) GTEST_SKIP() << "this processor has no AVX2";
  expect_equal_to_definition(kAvx2GroupProducts);
}
#endif

TEST(RknpuConvolution, SaturatesAt16Bits) {
  RandomTask random(0);  // i4
  ConvolutionTask& task = random.task;
  task.n_k = 2048;
  task.n_n = task.n_written = 64;
  task.features = {
      .base = kFeaturesAt, .row_cells = 1, .surface_bytes = 16, .width = 1, .height = 1};
  task.results = {.base = kResultsAt, .row_cells = 1, .surface_bytes = 16, .width = 1, .height = 1};
  random.memory.features.assign(task.row_bytes(), std::byte{0x77});
  random.memory.weights.assign(task.weight_bytes(), std::byte{0x77});
  std::fill_n(random.memory.weights.begin() + 16, 16, std::byte{0x88});  // 32 channels of kernel 1
  random.memory.results.assign(128, std::byte{0});
  DeviceMemory memory;
  ASSERT_TRUE(memory.map(kFeaturesAt, random.memory.features));
  ASSERT_TRUE(memory.map(kWeightsAt, random.memory.weights));
  ASSERT_TRUE(memory.map(kResultsAt, random.memory.results));
  ASSERT_EQ(ConvolutionBlocks().run(task, memory), "");
  int16_t sums[2];
  std::memcpy(sums, random.memory.results.data(), sizeof sums);
  EXPECT_EQ(sums[0], 32767);  // 49 x 2048
  EXPECT_EQ(sums[1], 32767);
  std::ranges::fill(random.memory.features, std::byte{0x88});
  ASSERT_EQ(ConvolutionBlocks().run(task, memory), "");
  std::memcpy(sums, random.memory.results.data(), sizeof sums);
  EXPECT_EQ(sums[0], -32768);
}

TEST(RknpuConvolution, ReusesOnlyWhatTheTaskBeforeHasLeft) {
  RandomTask random(1);  // i8
  DeviceMemory memory;
  ASSERT_TRUE(memory.map(kFeaturesAt, random.memory.features));
  ASSERT_TRUE(memory.map(kWeightsAt, random.memory.weights));
  ASSERT_TRUE(memory.map(kResultsAt, random.memory.results));
  const std::vector<std::byte> before = random.memory.results;
  ConvolutionBlocks blocks;
  ASSERT_EQ(blocks.run(random.task, memory), "");
  const std::vector<std::byte> right = random.memory.results;

  ConvolutionTask again = random.task;
  again.weight_reuse = again.data_reuse = true;
  again.features.base = again.weights = 0;  // not read
  std::ranges::copy(before, random.memory.results.begin());
  EXPECT_EQ(blocks.run(again, memory), "");
  EXPECT_EQ(random.memory.results, right);

  again.data_banks += 1;  // another division of the buffer
  again.weight_banks -= 1;
  EXPECT_EQ(blocks.run(again, memory), "");
  EXPECT_NE(random.memory.results, right);
  again = random.task;
  EXPECT_EQ(blocks.run(again, memory), "");
  EXPECT_EQ(random.memory.results, right);
  again.features.base = 0;
  again.features.width = again.features.height = 1;
  EXPECT_NE(blocks.run(again, memory), "");  // and who knows what the buffer holds
  again = random.task;
  again.data_reuse = true;
  EXPECT_EQ(blocks.run(again, memory), "");
  EXPECT_NE(random.memory.results, right);

  blocks.reset();
  again = random.task;
  again.weight_reuse = true;
  EXPECT_EQ(blocks.run(again, memory), "");
  EXPECT_NE(random.memory.results, right);
}

}  // namespace
}  // namespace wattle::rknpu
