// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/rknpu_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "backend/rknpu/numerics/int4_weights.h"
#include "base/aligned_buffer.h"
#include "base/assert.h"
#include "base/split_mix64.h"

namespace wattle::rknpu {
namespace {

constexpr uint64_t kMinWeights = 64 * 1024;
constexpr uint64_t kMaxColumns = 65536;  // of W: what a product is cut for

// How far a probed product may be from the one at fine precision on the processor: root mean square
// of the differences over that of the outputs. What rounding makes of random rows is a third of
// that or less; what a wrong address makes is about 1.
double tolerance_of(Arithmetic arithmetic) noexcept {
  switch (arithmetic) {
    case Arithmetic::w16a16: return 0.002;
    case Arithmetic::w8a8: return 0.1;
    case Arithmetic::w4a8: return 0.02;
  }
  return 0;
}

// A single output may be that many times farther off: rows of W differ in size.
constexpr double kOutlier = 16;

}  // namespace

class RknpuDevice::Matrix final : public Linear {
 public:
  Matrix(const Device& device, std::unique_ptr<Linear> cpu_in)
      : Linear(device, cpu_in->n_out(), cpu_in->n_in(), cpu_in->rounds_input()),
        cpu(std::move(cpu_in)) {}

  std::unique_ptr<Linear> cpu;
  std::optional<PackedMatrix> npu;
  uint32_t domain = 0;
};

RknpuDevice::RknpuDevice(EngineContext& context, Device& cpu, NpuDevice& npu, RknpuOptions options)
    : context_(context),
      cpu_(cpu),
      npu_(npu),
      options_(std::move(options)),
      domains_(npu.info().n_domains) {
  if (npu.info().form != Form::vendor) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the NPU driver '{}' takes commands in another form than the vendor's",
                            npu.info().driver));
  }
}

RknpuDevice::~RknpuDevice() = default;

std::unique_ptr<Linear> RknpuDevice::prepare(const TensorView& w, const PrepareOptions& options) {
  auto matrix = std::make_unique<Matrix>(*this, cpu_.prepare(w, options));
  ++status_.n_matrices;
  place(*matrix, w, options);
  if (options_.on_packed && !options_.on_packed(w.size_bytes))
    throw Error(ErrorCode::cancelled, "loading was cancelled");
  return matrix;
}

std::unique_ptr<ExpertBank> RknpuDevice::prepare_experts(const TensorView& w,
                                                         const PrepareOptions& options) {
  return cpu_.prepare_experts(w, options);
}

void RknpuDevice::place(Matrix& matrix, const TensorView& w, const PrepareOptions& options) {
  if (!status_.in_use || w.n_elements() < kMinWeights || w.shape[1] > kMaxColumns ||
      options.max_rows < options_.min_rows)
    return;
  constexpr std::array kRule{Arithmetic::w16a16, Arithmetic::w4a8};
  const std::span<const Arithmetic> wanted =
      options_.arithmetic ? std::span<const Arithmetic>(&*options_.arithmetic, 1)
                          : std::span<const Arithmetic>(kRule);
  for (const Arithmetic arithmetic : wanted) {
    const bool is_coarse = arithmetic != Arithmetic::w16a16 && options.precision == Precision::fine;
    if (is_coarse && !options_.arithmetic) continue;
    if (arithmetic == Arithmetic::w4a8 && !int4_type(w.dtype)) continue;
    for (uint32_t domain = 0; domain < domains_.size() && status_.in_use; ++domain) {
      const Placed placed = place_in(matrix, w, options, arithmetic, domain);
      if (placed == Placed::no_room) continue;
      if (placed == Placed::refused) return;
      ++status_.n_on_npu;
      status_.n_bytes += PackedMatrix::bytes_needed(w, arithmetic);
      context_.log(LogLevel::debug,
                   fmt::format("npu: {} in {}, domain {}", w.name, name_of(arithmetic), domain));
      return;
    }
  }
}

RknpuDevice::Placed RknpuDevice::place_in(Matrix& matrix, const TensorView& w,
                                          const PrepareOptions& options, Arithmetic arithmetic,
                                          uint32_t domain) {
  const size_t n_bytes = PackedMatrix::bytes_needed(w, arithmetic);
  if (n_bytes > npu_.free_bytes(domain)) return Placed::no_room;
  try {
    auto& there = domains_[domain];
    if (there == nullptr) there = std::make_unique<Domain>(npu_, context_.pool, domain);
    there->runner.reserve(arithmetic, w.shape[1], options.max_rows);
    const auto place = there->weights.take(n_bytes);
    if (!place) return Placed::no_room;
    matrix.npu = PackedMatrix::pack(w, options.scale, arithmetic, npu_.info().n_cores, *place,
                                    context_.pool);
    matrix.domain = domain;
    if (matrix.npu && probe(matrix, w, options)) return Placed::here;
    matrix.npu.reset();
    there->weights.give_back(*place);
    return Placed::refused;
  } catch (const NpuFault& fault) {
    matrix.npu.reset();
    on_fault(fault);
    return Placed::refused;
  } catch (const Error& error) {  // no memory, or no more open files
    if (error.code() != ErrorCode::out_of_memory && error.code() != ErrorCode::io) throw;
    matrix.npu.reset();
    context_.log(LogLevel::debug,
                 fmt::format("npu: {} stays on the CPU: {}", w.name, error.what()));
    return Placed::no_room;
  }
}

bool RknpuDevice::probe(const Matrix& matrix, const TensorView& w, const PrepareOptions& options) {
  AlignedBuffer<float> x(matrix.n_in());
  AlignedBuffer<float> expected(matrix.n_out());
  AlignedBuffer<float> found(matrix.n_out());
  SplitMix64 random(matrix.n_in());
  for (float& v : x.span()) v = static_cast<float>(random.next() >> 40) * 0x1p-23f - 1.0f;
  const MatView<const float> row(x.data(), 1, matrix.n_in());

  const auto exact =
      cpu_.prepare(w, {.max_rows = 1, .precision = Precision::fine, .scale = options.scale});
  const std::array<LinearCall, 1> call{
      {{exact.get(), MatView<float>(expected.data(), 1, matrix.n_out())}}};
  cpu_.linear(row, call);
  const std::array<NpuProduct, 1> product{
      {{&*matrix.npu, MatView<float>(found.data(), 1, matrix.n_out())}}};
  domains_[matrix.domain]->runner.run(row, product);

  double size = 0;
  double error = 0;
  double largest = 0;
  for (size_t n = 0; n < matrix.n_out(); ++n) {
    const double difference = double{found[n]} - double{expected[n]};
    size += double{expected[n]} * double{expected[n]};
    error += difference * difference;
    largest = std::max(largest, std::abs(difference));
  }
  const auto n_out = static_cast<double>(matrix.n_out());
  const double bound = tolerance_of(matrix.npu->arithmetic()) * std::sqrt(size / n_out);
  // Written so that a NaN is a miss.
  if (std::sqrt(error / n_out) <= bound && largest <= kOutlier * bound) return true;
  ++status_.n_missed;
  context_.log(
      LogLevel::warning,
      fmt::format("npu: {} in {} does not come out as on the CPU (off by {:.2g} of {:.2g}) "
                  "and stays there",
                  w.name, name_of(matrix.npu->arithmetic()), std::sqrt(error / n_out),
                  std::sqrt(size / n_out)));
  return false;
}

void RknpuDevice::linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept {
  WATTLE_ASSERT(calls.size() <= kMaxLinearCalls);
  std::array<LinearCall, kMaxLinearCalls> on_npu;
  std::array<LinearCall, kMaxLinearCalls> on_cpu;
  size_t n_npu = 0;
  size_t n_cpu = 0;
  for (const LinearCall& call : calls) {
    const auto& matrix = static_cast<const Matrix&>(*call.w);
    if (status_.in_use && matrix.npu && x.n_rows >= options_.min_rows) {
      on_npu[n_npu++] = call;
    } else {
      on_cpu[n_cpu++] = {matrix.cpu.get(), call.y};
    }
  }
  if (n_npu != 0 && !run_on_npu(x, std::span(on_npu).first(n_npu))) {
    for (const LinearCall& call : std::span(on_npu).first(n_npu))
      on_cpu[n_cpu++] = {static_cast<const Matrix&>(*call.w).cpu.get(), call.y};
  }
  if (n_cpu != 0) cpu_.linear(x, std::span(on_cpu).first(n_cpu));
}

void RknpuDevice::experts(MatView<const float> x, const ExpertSlots& slots,
                          std::span<const ExpertCall> calls) noexcept {
  cpu_.experts(x, slots, calls);
}

// False: outputs may hold anything.
bool RknpuDevice::run_on_npu(MatView<const float> x, std::span<const LinearCall> calls) noexcept {
  try {
    for (uint32_t domain = 0; domain < domains_.size(); ++domain) {
      std::vector<NpuProduct> products;
      for (const LinearCall& call : calls) {
        const auto& matrix = static_cast<const Matrix&>(*call.w);
        if (matrix.domain == domain) products.push_back({&*matrix.npu, call.y});
      }
      if (!products.empty()) domains_[domain]->runner.run(x, products);
    }
    faulted_ = false;
    return true;
  } catch (const NpuFault& fault) {
    on_fault(fault);
  } catch (const std::exception& error) {
    context_.log(LogLevel::warning,
                 fmt::format("npu: {}; the CPU computes this step", error.what()));
  }
  return false;
}

void RknpuDevice::on_fault(const NpuFault& fault) noexcept {
  ++status_.n_faults;
  context_.log(LogLevel::warning, fmt::format("npu: {}; the CPU computes this step", fault.what()));
  if (fault.kind() == NpuFault::Kind::lost) return leave_alone("the device is gone");
  if (std::exchange(faulted_, true)) return leave_alone("it faulted again after a reset");
  try {
    npu_.reset();
    context_.log(LogLevel::warning, "npu: reset");
  } catch (const std::exception& error) {
    leave_alone(error.what());
  }
}

void RknpuDevice::leave_alone(std::string_view why) noexcept {
  status_.in_use = false;
  context_.log(LogLevel::warning, fmt::format("npu: {}; the CPU computes all that follows", why));
}

}  // namespace wattle::rknpu
