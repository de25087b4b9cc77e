// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/rknpu_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include "backend/rknpu/matrix_probe.h"
#include "backend/rknpu/numerics/int4_weights.h"
#include "base/assert.h"

namespace wattle::rknpu {
namespace {

// w is a matrix, or a bank of some.
size_t matrices_of(const TensorView& w) noexcept { return w.n_dims == 3 ? w.shape[0] : 1; }

TensorView matrix_of(const TensorView& w, size_t i) noexcept {
  if (w.n_dims != 3) return w;
  TensorView matrix = w;
  matrix.n_dims = 2;
  matrix.shape = {w.shape[1], w.shape[2], 1, 1};
  matrix.size_bytes = w.size_bytes / w.shape[0];
  matrix.data += i * matrix.size_bytes;
  return matrix;
}

// The first slot after `begin` of another expert.
size_t end_of_expert(const ExpertSlots& slots, size_t begin) noexcept {
  size_t end = begin;
  while (end < slots.expert.size() && slots.expert[end] == slots.expert[begin]) ++end;
  return end;
}

}  // namespace

class RknpuDevice::Matrix final : public Linear {
 public:
  Matrix(const Device& device, std::unique_ptr<Linear> cpu_in, Place npu_in)
      : Linear(device, cpu_in->n_out(), cpu_in->n_in(), cpu_in->rounds_input()),
        cpu(std::move(cpu_in)),
        npu(std::move(npu_in)) {}

  std::unique_ptr<Linear> cpu;
  Place npu;
};

class RknpuDevice::Bank final : public ExpertBank {
 public:
  Bank(const Device& device, std::unique_ptr<ExpertBank> cpu_in, Place npu_in)
      : ExpertBank(device, cpu_in->n_expert(), cpu_in->n_out(), cpu_in->n_in()),
        cpu(std::move(cpu_in)),
        npu(std::move(npu_in)) {}

  std::unique_ptr<ExpertBank> cpu;
  Place npu;  // [n_expert]
};

RknpuDevice::RknpuDevice(EngineContext& context, Device& cpu, NpuDevice& npu, RknpuOptions options)
    : context_(context),
      cpu_(cpu),
      npu_(npu),
      options_(std::move(options)),
      submits_(npu),
      sets_(npu.info().n_sets()) {}

RknpuDevice::~RknpuDevice() = default;

std::unique_ptr<Linear> RknpuDevice::prepare(const TensorView& w, const PrepareOptions& options) {
  auto cpu = cpu_.prepare(w, options);
  auto matrix = std::make_unique<Matrix>(*this, std::move(cpu), place(w, options));
  report_packed(w);
  return matrix;
}

std::unique_ptr<ExpertBank> RknpuDevice::prepare_experts(const TensorView& w,
                                                         const PrepareOptions& options) {
  auto cpu = cpu_.prepare_experts(w, options);
  auto bank = std::make_unique<Bank>(*this, std::move(cpu), place(w, options));
  report_packed(w);
  return bank;
}

void RknpuDevice::report_packed(const TensorView& w) {
  if (options_.on_packed && !options_.on_packed(w.size_bytes))
    throw Error(ErrorCode::cancelled, "loading was cancelled");
}

RknpuDevice::Place RknpuDevice::place(const TensorView& w, const PrepareOptions& options) {
  ++status_.n_matrices;
  const auto wanted = status_.in_use ? options_.place(w) : std::nullopt;
  if (!wanted) return {};
  const bool is_streamed = wanted->holding == Holding::streamed;
  const std::vector<size_t> sizes = is_streamed
                                        ? std::vector<size_t>(npu_.info().domains_per_submit)
                                        : bytes_needed(w, wanted->arithmetic);
  for (uint32_t set = 0; set < sets_.size(); ++set) {
    Place place{.resident = {}, .streamed = {}, .rows = wanted->rows, .set = set};
    const Placed placed = place_in(place, w, options, *wanted, sizes);
    if (placed == Placed::no_room) {
      if (sets_[set] == nullptr) break;  // not in an empty one, so in none of those behind it
      continue;
    }
    if (placed == Placed::refused) break;
    ++status_.n_on_npu;
    if (is_streamed) ++status_.n_streamed;
    status_.n_bytes += std::accumulate(sizes.begin(), sizes.end(), uint64_t{0});
    context_.log(LogLevel::debug,
                 fmt::format("npu: {} in {}, {} domain {}", w.name, name_of(wanted->arithmetic),
                             is_streamed ? "streamed into" : "in", npu_.info().domain_of(set, 0)));
    return place;
  }
  context_.log(LogLevel::debug, fmt::format("npu: {} stays on the CPU", w.name));
  return {};
}

std::vector<size_t> RknpuDevice::bytes_needed(const TensorView& w, Arithmetic arithmetic) const {
  auto bytes = PackedMatrix::bytes_needed(matrix_of(w, 0), arithmetic, npu_.info());
  for (size_t& n : bytes) n *= matrices_of(w);
  return bytes;
}

RknpuDevice::Placed RknpuDevice::place_in(Place& place, const TensorView& w,
                                          const PrepareOptions& options, const MatrixPlace& wanted,
                                          std::span<const size_t> sizes) {
  auto& there = sets_[place.set];
  const bool is_new = there == nullptr;
  const bool has_room =
      is_new ? WeightMemory(npu_, place.set).has_room(sizes) : there->weights.has_room(sizes);
  if (!has_room) return Placed::no_room;
  std::vector<WeightPlace> memory;
  Placed placed = Placed::refused;
  try {
    if (is_new) there = std::make_unique<DomainSet>(npu_, submits_, context_, place.set);
    there->runner.reserve(wanted.arithmetic, w.n_cols(),
                          std::max(options.max_rows, options.max_slots), place.rows.begin);
    const bool is_streamed = wanted.holding == Holding::streamed;
    if (is_streamed) there->runner.reserve_ring();
    memory = there->weights.take(sizes);
    if (is_streamed ? stream_and_probe(place, w, options, wanted.arithmetic)
                    : pack_and_probe(place, w, options, wanted.arithmetic, memory))
      return Placed::here;
  } catch (const NpuFault& fault) {
    on_fault(fault);
  } catch (const Error& error) {
    const bool has_no_room =  // no memory, or no more open files
        error.code() == ErrorCode::out_of_memory || error.code() == ErrorCode::io;
    if (!has_no_room && error.code() != ErrorCode::unsupported) throw;
    context_.log(LogLevel::debug, fmt::format("npu: {} has no place in domain {}: {}", w.name,
                                              npu_.info().domain_of(place.set, 0), error.what()));
    if (has_no_room) placed = Placed::no_room;
  }
  if (there != nullptr) there->weights.give_back(memory);
  if (is_new && placed == Placed::no_room) there.reset();  // its buffers are of use to no matrix
  return placed;
}

bool RknpuDevice::pack_and_probe(Place& place, const TensorView& w, const PrepareOptions& options,
                                 Arithmetic arithmetic, std::vector<WeightPlace> memory) {
  const size_t n_matrices = matrices_of(w);
  for (WeightPlace& of_domain : memory) of_domain.size /= n_matrices;
  for (size_t i = 0; i < n_matrices; ++i) {
    const TensorView matrix = matrix_of(w, i);
    auto packed =
        PackedMatrix::pack(matrix, options.scale, arithmetic, npu_.info(), memory, context_);
    if (!packed || !passes(&*packed, place.set, matrix, options)) return false;
    place.resident.push_back(std::move(*packed));
    for (WeightPlace& of_domain : memory) of_domain.offset += of_domain.size;
  }
  return true;
}

bool RknpuDevice::stream_and_probe(Place& place, const TensorView& w, const PrepareOptions& options,
                                   Arithmetic arithmetic) {
  for (size_t i = 0; i < matrices_of(w); ++i) {
    const TensorView matrix = matrix_of(w, i);
    const StreamedMatrix& streamed =
        place.streamed.emplace_back(matrix, options.scale, arithmetic, npu_.info());
    if (!passes(&streamed, place.set, matrix, options)) return false;
  }
  return true;
}

bool RknpuDevice::passes(const NpuMatrix& on_npu, uint32_t set, const TensorView& w,
                         const PrepareOptions& options) {
  const ProbeResult result = probe(on_npu, w, options.scale, cpu_, sets_[set]->runner);
  if (result.passed) return true;
  ++status_.n_missed;
  context_.log(
      LogLevel::warning,
      fmt::format("npu: {} in {} does not come out as on the CPU (off by {:.2g} of {:.2g}) and "
                  "stays there",
                  w.name, name_of(arithmetic_of(on_npu)), result.error, result.size));
  return false;
}

// The products of a call that the processor computes.
class RknpuDevice::LinearsOnCpu final : public OtherWork {
 public:
  LinearsOnCpu(Device& cpu, MatView<const float> x) : cpu_(cpu), x_(x) {}

  void add(const Linear& w, RowsView<float> y) noexcept { calls_[n_++] = {&w, y}; }
  bool do_piece() noexcept override {
    if (n_ == 0) return false;
    cpu_.linear(x_, std::span(calls_).first(std::exchange(n_, 0)));
    return true;
  }

 private:
  Device& cpu_;
  MatView<const float> x_;
  std::array<LinearCall, kMaxLinearCalls> calls_;
  size_t n_ = 0;
};

void RknpuDevice::linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept {
  WATTLE_ASSERT(calls.size() <= kMaxLinearCalls);
  std::array<Product, kMaxLinearCalls> on_npu;
  size_t n_npu = 0;
  LinearsOnCpu on_cpu(cpu_, x);
  LinearsOnCpu made_good(cpu_, x);
  for (const LinearCall& call : calls) {
    const auto& matrix = static_cast<const Matrix&>(*call.w);
    if (status_.in_use && matrix.npu.takes(x.n_rows)) {
      on_npu[n_npu++] = {.place = &matrix.npu, .matrix = 0, .y = call.y, .group = 0};
      made_good.add(*matrix.cpu, call.y);
    } else {
      on_cpu.add(*matrix.cpu, call.y);
    }
  }
  const std::array all_rows{RowRange{0, x.n_rows}};
  if (n_npu != 0 && !run_on_npu(x, {}, all_rows, std::span(on_npu).first(n_npu), on_cpu))
    made_good.do_piece();
  on_cpu.do_piece();
}

// The experts of a call that do not go to the NPU; a piece is those that follow each other.
class RknpuDevice::ExpertsOnCpu final : public OtherWork {
 public:
  // on_cpu: calls with the banks of the processor.
  ExpertsOnCpu(RknpuDevice& device, MatView<const float> x, const ExpertSlots& slots,
               std::span<const ExpertCall> calls, std::span<const ExpertCall> on_cpu)
      : device_(device), x_(x), slots_(slots), calls_(calls), on_cpu_(on_cpu) {}

  bool do_piece() noexcept override {
    const size_t n_slots = slots_.expert.size();
    while (next_ < n_slots && !is_left(next_)) next_ = end_of_expert(slots_, next_);
    if (next_ == n_slots) return false;
    const size_t begin = next_;
    while (next_ < n_slots && is_left(next_)) next_ = end_of_expert(slots_, next_);
    std::array<ExpertCall, kMaxLinearCalls> some;
    for (size_t i = 0; i < on_cpu_.size(); ++i)
      some[i] = {on_cpu_[i].bank, on_cpu_[i].y.rows({begin, next_})};
    device_.cpu_.experts(
        x_,
        {slots_.x_row.subspan(begin, next_ - begin), slots_.expert.subspan(begin, next_ - begin)},
        std::span(some).first(on_cpu_.size()));
    return true;
  }

 private:
  bool is_left(size_t slot) const noexcept {  // the expert of the slot
    return !all_take(calls_, end_of_expert(slots_, slot) - slot);
  }

  RknpuDevice& device_;
  MatView<const float> x_;
  const ExpertSlots& slots_;
  std::span<const ExpertCall> calls_;
  std::span<const ExpertCall> on_cpu_;
  size_t next_ = 0;  // slot
};

void RknpuDevice::experts(MatView<const float> x, const ExpertSlots& slots,
                          std::span<const ExpertCall> calls) noexcept {
  WATTLE_ASSERT(calls.size() <= kMaxLinearCalls);
  std::array<ExpertCall, kMaxLinearCalls> on_cpu;
  for (size_t i = 0; i < calls.size(); ++i)
    on_cpu[i] = {static_cast<const Bank&>(*calls[i].bank).cpu.get(), calls[i].y};
  const auto cpu_calls = std::span(on_cpu).first(calls.size());
  ExpertsOnCpu left(*this, x, slots, calls, cpu_calls);
  if (!status_.in_use || !run_experts_on_npu(x, slots, calls, left))
    return cpu_.experts(x, slots, cpu_calls);
  while (left.do_piece()) {
  }
}

// An expert with as many rows goes to the NPU where all matrices of a call have it so.
bool RknpuDevice::all_take(std::span<const ExpertCall> calls, size_t n_rows) noexcept {
  return std::ranges::all_of(calls, [&](const ExpertCall& call) {
    return static_cast<const Bank&>(*call.bank).npu.takes(n_rows);
  });
}

// False: outputs may hold anything.
bool RknpuDevice::run_experts_on_npu(MatView<const float> x, const ExpertSlots& slots,
                                     std::span<const ExpertCall> calls, OtherWork& other) noexcept {
  try {
    std::vector<RowRange> groups;
    std::vector<Product> products;
    for (size_t begin = 0, end = 0; begin < slots.expert.size(); begin = end) {
      end = end_of_expert(slots, begin);
      if (!all_take(calls, end - begin)) continue;
      for (const ExpertCall& call : calls) {
        products.push_back({.place = &static_cast<const Bank&>(*call.bank).npu,
                            .matrix = slots.expert[begin],
                            .y = call.y,
                            .group = groups.size()});
      }
      groups.push_back({begin, end});
    }
    return products.empty() || run_on_npu(x, slots.x_row, groups, products, other);
  } catch (const std::bad_alloc&) {
    tell_no_memory();
    return false;
  }
}

// False: outputs may hold anything.
bool RknpuDevice::run_on_npu(MatView<const float> x, std::span<const uint32_t> x_row,
                             std::span<const RowRange> groups, std::span<const Product> products,
                             OtherWork& other) noexcept {
  try {
    for (uint32_t set = 0; set < sets_.size(); ++set) {
      std::vector<NpuProduct> here;
      for (const Product& product : products) {
        if (product.place->set != set) continue;
        here.push_back(
            {.w = product.place->matrix(product.matrix), .y = product.y, .group = product.group});
      }
      if (!here.empty()) sets_[set]->runner.run(x, x_row, groups, here, &other);
    }
    return true;
  } catch (const NpuFault& fault) {
    on_fault(fault);
  } catch (const std::bad_alloc&) {
    tell_no_memory();
  } catch (const std::exception& error) {
    context_.log(LogLevel::warning,
                 fmt::format("npu: {}; the CPU computes this step", error.what()));
  }
  return false;
}

// Without a string that would have to be allocated.
void RknpuDevice::tell_no_memory() noexcept {
  context_.log(LogLevel::warning, "npu: no memory for its commands; the CPU computes this step");
}

void RknpuDevice::on_fault(const NpuFault& fault) noexcept {
  ++status_.n_faults;
  context_.log(LogLevel::warning, fmt::format("npu: {}; the CPU computes this step", fault.what()));
  if (fault.kind() == NpuFault::Kind::lost) return leave_alone("the device is gone");
  uint64_t n_done = 0;
  for (const auto& there : sets_) n_done += there != nullptr ? there->runner.n_done() : 0;
  if (std::exchange(n_done_at_fault_, n_done) == n_done)
    return leave_alone("it faulted again after a reset");
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
