// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/selftest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <memory>
#include <span>

#include "backend/rknpu/pack.h"
#include "backend/rknpu/program.h"
#include "base/half.h"
#include "base/split_mix64.h"

namespace wattle::rknpu {
namespace {

constexpr std::chrono::milliseconds kTimeout{2000};
constexpr std::byte kMark{0xa5};  // of results before they are written

struct Shape {
  uint32_t m, k, n;
};

// One row and several, planes that are wider than the matrix, tiles of rows, pieces of columns, the
// longest rows.
constexpr Shape kNative[] = {{1, 32, 64},     {1, 576, 192}, {2, 64, 64},     {3, 96, 128},
                             {4, 512, 256},   {8, 480, 64},  {32, 1536, 576}, {128, 2048, 128},
                             {128, 2560, 64}, {1, 8192, 64}, {4, 10240, 64},  {1, 32, 8256}};
constexpr Shape kRowMajor[] = {{1, 32, 64},   {1, 1536, 576},  {2, 64, 64},
                               {5, 96, 128},  {50, 512, 256},  {4, 8192, 64},
                               {1, 32, 8256}, {256, 2048, 64}, {512, 1024, 256}};
constexpr Shape kColumn[] = {{1, 32, 64},   {1, 576, 192},   {4, 64, 64},
                             {4, 512, 256}, {32, 1536, 576}, {128, 1024, 128}};
// Again in the last domain.
constexpr Shape kFar[] = {{4, 512, 256}};

std::span<const Shape> shapes_of(Orientation orientation) {
  switch (orientation) {
    case Orientation::native: return kNative;
    case Orientation::row_major: return kRowMajor;
    case Orientation::column: return kColumn;
  }
  return {};
}

// The vendor's runtime does not cut rows of i4 into tiles.
bool is_taken(MatmulType type, Orientation orientation, const Shape& s) {
  return orientation != Orientation::native || type != MatmulType::i4_i4_i16 ||
         size_t{s.m} * s.k / 2 <= 128 * 1024;
}

// Operands as whole numbers: those of f16 are eighths.
struct Operands {
  std::vector<int16_t> a;  // [m, k]
  std::vector<int16_t> b;  // [n, k]
};

constexpr float unit_of(MatmulType type) {
  return type == MatmulType::f16_f16_f32 || type == MatmulType::f16_f16_f16 ? 0.125F : 1.0F;
}

Operands random_operands(const Matmul& p) {
  const int bits = p.type == MatmulType::i8_i8_i32 ? 8 : p.type == MatmulType::i4_i4_i16 ? 4 : 5;
  SplitMix64 random(uint64_t{p.m} << 40 | uint64_t{p.k} << 20 | p.n);
  const auto fill = [&](std::vector<int16_t>& values, size_t size) {
    values.resize(size);
    for (int16_t& value : values) {
      value =
          static_cast<int16_t>(static_cast<int>(random.next() >> (64 - bits)) - (1 << (bits - 1)));
    }
  };
  Operands operands;
  fill(operands.a, size_t{p.m} * p.k);
  fill(operands.b, size_t{p.n} * p.k);
  return operands;
}

std::vector<float> scaled(std::span<const int16_t> values, float unit) {
  std::vector<float> floats(values.size());
  std::ranges::transform(values, floats.begin(),
                         [&](int16_t value) { return unit * static_cast<float>(value); });
  return floats;
}

// Exact: whole numbers of 8 bits, and k is some thousands.
double expected(const Matmul& p, const Operands& operands, size_t m, size_t n) {
  using Limits = std::numeric_limits<int16_t>;
  const int16_t* a = &operands.a[m * p.k];
  const int16_t* b = &operands.b[n * p.k];
  int32_t sum = 0;
  for (size_t k = 0; k < p.k; ++k) sum += a[k] * b[k];
  const double unit = unit_of(p.type);
  const double value = static_cast<double>(sum) * unit * unit;
  switch (p.type) {
    case MatmulType::i4_i4_i16: return std::clamp<double>(value, Limits::min(), Limits::max());
    case MatmulType::f16_f16_f16: return f16_to_f32(f32_to_f16(static_cast<float>(value)));
    default: return value;
  }
}

// What one core gets: A, B, C and the commands in a buffer of its own.
class Job {
 public:
  Job(NpuDevice& device, uint32_t domain, const Matmul& shape, Orientation orientation)
      : product_(shape), orientation_(orientation) {
    const size_t b = whole_lines(bytes_of_a(shape, orientation));
    c_ = b + whole_lines(bytes_of_b(shape));
    const size_t commands = c_ + whole_lines(bytes_of_c(shape, orientation));
    const Form form = device.info().form;
    // Addresses do not change how a product is cut, nor how long its commands are.
    const auto draft = commands_of(plan_matmul(shape, orientation, form), form, 0);
    buffer_ = device.allocate(commands + draft.back().address + kTaskBytes, domain);
    product_.a = buffer_->address();
    product_.b = product_.a + static_cast<uint32_t>(b);
    product_.c = product_.a + static_cast<uint32_t>(c_);
    const auto program = commands_of(plan_matmul(product_, orientation, form), form,
                                     buffer_->address() + static_cast<uint32_t>(commands));
    for (const TaskCommands& task : program) {
      std::memcpy(&buffer_->bytes()[task.address - buffer_->address()], task.words.data(),
                  task.words.size() * sizeof(uint64_t));
      tasks_.push_back({task.address, static_cast<uint32_t>(task.words.size())});
    }
  }

  void fill(const Operands& operands) {
    const float unit = unit_of(product_.type);
    pack_a(product_, orientation_, scaled(operands.a, unit),
           buffer_->bytes().subspan(0, bytes_of_a(product_, orientation_)));
    pack_b(product_, scaled(operands.b, unit),
           buffer_->bytes().subspan(product_.b - product_.a, bytes_of_b(product_)));
    std::ranges::fill(results(), kMark);
    buffer_->to_device();
  }

  NpuList list() const {
    return {.domain = buffer_->domain(), .tasks = tasks_, .output = buffer_.get()};
  }
  size_t n_tasks() const { return tasks_.size(); }

  std::vector<double> read() {
    buffer_->from_device(c_, bytes_of_c(product_, orientation_));
    std::vector<double> c(size_t{product_.m} * product_.n);
    unpack_c(product_, orientation_, results(), c);
    return c;
  }

 private:
  static constexpr size_t kTaskBytes = 1024;  // that the commands of one task take at most
  static size_t whole_lines(size_t size) { return (size + 63) / 64 * 64; }
  std::span<std::byte> results() const {
    return buffer_->bytes().subspan(c_, bytes_of_c(product_, orientation_));
  }

  Matmul product_;
  Orientation orientation_;
  size_t c_ = 0;  // offset
  std::unique_ptr<NpuBuffer> buffer_;
  std::vector<NpuTask> tasks_;
};

std::string first_difference(const Matmul& p, const std::vector<double>& right,
                             const std::vector<double>& found) {
  const auto [at, want] = std::ranges::mismatch(found, right);
  if (at == found.end()) return {};
  const auto index = static_cast<size_t>(at - found.begin());
  size_t n_different = 0;
  for (size_t i = 0; i < found.size(); ++i) n_different += found[i] != right[i] ? 1 : 0;
  return fmt::format("row {} column {} is {}, expected {}; {} of {} elements differ", index / p.n,
                     index % p.n, *at, *want, n_different, found.size());
}

void run(NpuDevice& device, SelftestLine& line) {
  const Matmul shape{.type = line.type, .m = line.m, .k = line.k, .n = line.n};
  const NpuInfo& info = device.info();
  std::vector<Job> jobs;
  jobs.reserve(line.n_lists);
  for (uint32_t i = 0; i < line.n_lists; ++i)
    jobs.emplace_back(device, line.domain + info.domain_in_set(i), shape, line.orientation);
  line.n_tasks = jobs.front().n_tasks();
  const Operands operands = random_operands(shape);
  std::vector<NpuList> lists;
  for (Job& job : jobs) {
    job.fill(operands);
    lists.push_back(job.list());
  }
  try {
    device.submit(lists, kTimeout);
  } catch (const NpuFault& fault) {
    if (fault.kind() == NpuFault::Kind::lost) throw;
    line.problem = fault.what();
    device.reset();
    return;
  }
  std::vector<double> right(size_t{shape.m} * shape.n);
  for (size_t i = 0; i < right.size(); ++i)
    right[i] = expected(shape, operands, i / shape.n, i % shape.n);
  for (size_t i = 0; i < jobs.size() && line.equal(); ++i) {
    line.problem = first_difference(shape, right, jobs[i].read());
    if (!line.equal()) line.problem = fmt::format("list {}: {}", i, line.problem);
  }
}

}  // namespace

std::string_view name_of(Orientation orientation) noexcept {
  switch (orientation) {
    case Orientation::native: return "native";
    case Orientation::column: return "column";
    case Orientation::row_major: return "row-major";
  }
  return "?";
}

std::string_view name_of(I4Overflow overflow) noexcept {
  switch (overflow) {
    case I4Overflow::saturates_at_end: return "saturates at the end";
    case I4Overflow::saturates_on_the_way: return "saturates on the way";
    case I4Overflow::wraps: return "wraps";
    case I4Overflow::other: return "something else";
  }
  return "?";
}

I4Overflow observe_i4_overflow(NpuDevice& device) {
  const bool is_vendor = device.info().form == Form::vendor;
  const Orientation orientation = is_vendor ? Orientation::native : Orientation::column;
  const Matmul shape{.type = MatmulType::i4_i4_i16, .m = 1, .k = 1024, .n = 64};
  // Column 0 ends at 50176. Column 1 passes 37632 and ends at 23296.
  Operands operands{.a = std::vector<int16_t>(shape.k, 7),
                    .b = std::vector<int16_t>(size_t{shape.n} * shape.k)};
  for (size_t k = 0; k < shape.k; ++k) {
    operands.b[k] = 7;
    operands.b[shape.k + k] = k < 768 ? 7 : -8;
  }
  Job job(device, 0, shape, orientation);
  job.fill(operands);
  const NpuList list = job.list();
  device.submit({&list, 1}, kTimeout);
  const std::vector<double> c = job.read();
  const bool returns = c[1] == 23296;
  if (c[0] == 32767) {
    return returns ? I4Overflow::saturates_at_end : I4Overflow::saturates_on_the_way;
  }
  return c[0] == 50176 - 65536 && returns ? I4Overflow::wraps : I4Overflow::other;
}

std::vector<SelftestLine> selftest(NpuDevice& device,
                                   const std::function<void(const SelftestLine&)>& done) {
  const NpuInfo& about = device.info();
  const uint32_t n_lists = about.lists_per_submit();
  std::vector<SelftestLine> lines;
  const auto run_all = [&](MatmulType type, Orientation orientation, std::span<const Shape> shapes,
                           uint32_t domain) {
    for (const Shape& shape : shapes) {
      if (!is_taken(type, orientation, shape)) continue;
      SelftestLine& line = lines.emplace_back();
      line = {type, orientation, shape.m, shape.k, shape.n, n_lists, domain, 0, {}};
      run(device, line);
      if (done) done(line);
    }
  };
  const std::vector<Orientation> orientations =
      about.form == Form::vendor ? std::vector{Orientation::native, Orientation::row_major}
                                 : std::vector{Orientation::column};
  const uint32_t last_domain = about.n_domains - about.domains_per_submit;
  for (const MatmulTypeInfo& type : matmul_types()) {
    for (const Orientation orientation : orientations) {
      run_all(type.type, orientation, shapes_of(orientation), 0);
      if (last_domain > 0) run_all(type.type, orientation, kFar, last_domain);
    }
  }
  return lines;
}

}  // namespace wattle::rknpu
