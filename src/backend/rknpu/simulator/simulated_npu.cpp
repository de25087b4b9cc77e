// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/simulated_npu.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "backend/rknpu/check_lists.h"
#include "backend/rknpu/cost/submit_cost.h"
#include "backend/rknpu/simulator/core.h"
#include "backend/rknpu/simulator/device_memory.h"
#include "base/assert.h"
#include "base/thread_pool.h"

namespace wattle::rknpu {
namespace {

constexpr uint32_t kCores = 3;
constexpr uint32_t kDomains = 16;
constexpr std::chrono::milliseconds kRocketLimit{500};  // of a list: then the core is reset
// The window of a domain less a guard at both ends.
constexpr uint64_t kWindowBegin = 0x10000;
constexpr uint64_t kWindowEnd = 0xffff0000;

// Zeroed memory that takes no room until it is written.
class Pages {
 public:
  explicit Pages(size_t size) : size_(size) {
    data_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED)
      throw Error(ErrorCode::out_of_memory, fmt::format("no memory for {} bytes", size));
  }
  ~Pages() { ::munmap(data_, size_); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(data_), size_}; }

 private:
  void* data_;
  size_t size_;
};

NpuInfo info_of(const SimulatorOptions& options) {
  const bool is_vendor = options.form == Form::vendor;
  return {.driver = "simulator",
          .version = is_vendor ? "as rknpu" : "as rocket",
          .form = options.form,
          .n_cores = kCores,
          .n_domains = kDomains,
          .domain_bytes = kWindowEnd - kWindowBegin,
          .lists_per_domain = is_vendor ? kCores : 1,
          .domains_per_submit = is_vendor ? 1 : kCores,
          .tells_faults = is_vendor,
          .list_limit = is_vendor ? std::chrono::milliseconds(0) : kRocketLimit};
}

[[noreturn]] void throw_lost() {
  throw NpuFault(NpuFault::Kind::lost, "simulated NPU: the device is gone",
                 "open it again, or run on the CPU");
}

class SimulatedNpu final : public NpuDevice {
 public:
  explicit SimulatedNpu(SimulatorOptions options)
      : NpuDevice(info_of(options)),
        options_(std::move(options)),
        pool_(std::min<size_t>(kCores, available_processors())) {}

  std::unique_ptr<NpuBuffer> allocate(size_t size, uint32_t domain) override;
  size_t free_bytes(uint32_t domain) const override;
  void submit(std::span<const NpuList> lists, std::chrono::milliseconds timeout) override;
  void reset() override;
  NpuUsage usage() const override;

  void unmap(uint32_t address, size_t whole, uint32_t domain) noexcept;
  void check_present() const;

 private:
  SimulatedFault fault_of(SimulatedCall call);
  uint32_t map(const Pages& seen, size_t size, uint32_t domain);
  void end_unfinished(const std::string& why);
  void corrupt(const DeviceMemory& memory, const ConvolutionTask& task) const;
  void account(std::span<const NpuList> lists, std::span<const Core::Outcome> outcomes,
               std::chrono::milliseconds timeout);

  const SimulatorOptions options_;

  mutable std::mutex state_;  // of all that follows to the next mutex; held for moments
  std::array<DeviceMemory, kDomains> memory_;
  std::array<size_t, kDomains> allocated_{};
  size_t n_buffers_ = 0;
  uint64_t n_calls_[3] = {};
  bool is_lost_ = false;
  bool needs_reset_ = false;
  NpuUsage usage_{.energy_mj = 0, .is_projection = true};

  std::mutex running_;  // one submit at a time
  std::array<Core, kCores> cores_;
  uint32_t live_domain_ = 0;
  ThreadPool pool_;
};

class SimulatedBuffer final : public NpuBuffer {
 public:
  SimulatedBuffer(SimulatedNpu& npu, std::unique_ptr<Pages> pages, std::unique_ptr<Pages> seen,
                  size_t size, uint32_t address, uint32_t domain)
      : NpuBuffer(pages->bytes().first(size), address, domain),
        npu_(npu),
        pages_(std::move(pages)),
        seen_(std::move(seen)) {}
  ~SimulatedBuffer() override { npu_.unmap(address(), pages_->bytes().size(), domain()); }

  void to_device(size_t offset, size_t size) override {
    copy(pages_->bytes(), seen_->bytes(), offset, size);
  }
  void from_device(size_t offset, size_t size) override {
    copy(seen_->bytes(), pages_->bytes(), offset, size);
  }
  using NpuBuffer::from_device;
  using NpuBuffer::to_device;

 private:
  void copy(std::span<std::byte> from, std::span<std::byte> to, size_t offset, size_t size) const {
    WATTLE_ASSERT(offset <= bytes().size() && size <= bytes().size() - offset);
    npu_.check_present();
    if (size == 0) return;
    std::memcpy(to.subspan(offset, size).data(), from.subspan(offset, size).data(), size);
  }

  SimulatedNpu& npu_;
  std::unique_ptr<Pages> pages_;
  std::unique_ptr<Pages> seen_;  // by the device
};

// state_ is held.
SimulatedFault SimulatedNpu::fault_of(SimulatedCall call) {
  const uint64_t n = n_calls_[static_cast<size_t>(call)]++;
  return options_.fault ? options_.fault(call, n) : SimulatedFault::none;
}

void SimulatedNpu::check_present() const {
  const std::lock_guard lock(state_);
  if (is_lost_) throw_lost();
}

// Finds an address for the pages and lets the device see them there.
uint32_t SimulatedNpu::map(const Pages& seen, size_t size, uint32_t domain) {
  const std::lock_guard lock(state_);
  const SimulatedFault fault = fault_of(SimulatedCall::allocate);
  if (is_lost_) throw_lost();
  if (fault == SimulatedFault::too_many_files || n_buffers_ >= options_.max_buffers) {
    throw Error(ErrorCode::io,
                fmt::format("simulated NPU: {} buffers are open, no file is left for another one",
                            n_buffers_),
                "raise the limit with `ulimit -n`, or use fewer, larger buffers");
  }
  size_t total = 0;
  for (const size_t bytes : allocated_) total += bytes;
  const size_t whole = seen.bytes().size();
  const bool fits = total <= options_.memory_bytes && whole <= options_.memory_bytes - total;
  const auto address = memory_[domain].find_gap(whole, kWindowBegin, kWindowEnd);
  if (fault == SimulatedFault::out_of_memory || !fits || !address) {
    throw Error(ErrorCode::out_of_memory,
                fmt::format("simulated NPU: no room for {} bytes in domain {}, which has {} of {} "
                            "left; in all domains {} of {} are in use",
                            size, domain, kWindowEnd - kWindowBegin - allocated_[domain],
                            kWindowEnd - kWindowBegin, total, options_.memory_bytes),
                "use another domain, or keep fewer matrices on the NPU");
  }
  memory_[domain].map(*address, seen.bytes());
  allocated_[domain] += whole;
  ++n_buffers_;
  return *address;
}

void SimulatedNpu::unmap(uint32_t address, size_t whole, uint32_t domain) noexcept {
  const std::lock_guard lock(state_);
  memory_[domain].unmap(address);
  allocated_[domain] -= whole;
  --n_buffers_;
}

std::unique_ptr<NpuBuffer> SimulatedNpu::allocate(size_t size, uint32_t domain) {
  if (size == 0 || size > kWindowEnd - kWindowBegin || domain >= kDomains) {
    throw Error(
        ErrorCode::usage,
        fmt::format("simulated NPU: a buffer of {} bytes in domain {}", size, domain),
        fmt::format("1 to {} bytes, in domains 0 to {}", kWindowEnd - kWindowBegin, kDomains - 1));
  }
  const size_t whole = (size + kPageBytes - 1) / kPageBytes * kPageBytes;
  auto pages = std::make_unique<Pages>(whole);
  auto seen = std::make_unique<Pages>(whole);
  const uint32_t address = map(*seen, size, domain);
  try {
    return std::make_unique<SimulatedBuffer>(*this, std::move(pages), std::move(seen), size,
                                             address, domain);
  } catch (...) {
    unmap(address, whole, domain);
    throw;
  }
}

size_t SimulatedNpu::free_bytes(uint32_t domain) const {
  const std::lock_guard lock(state_);
  size_t total = 0;
  for (const size_t bytes : allocated_) total += bytes;
  const size_t of_domain = kWindowEnd - kWindowBegin - allocated_.at(domain);
  return std::min(of_domain, options_.memory_bytes - std::min(total, options_.memory_bytes));
}

void SimulatedNpu::submit(std::span<const NpuList> lists, std::chrono::milliseconds timeout) {
  check_lists(info(), lists);
  const std::lock_guard running(running_);
  SimulatedFault fault = SimulatedFault::none;
  std::array<DeviceMemory, kCores> seen;  // buffers may come and go meanwhile
  {
    const std::lock_guard lock(state_);
    fault = fault_of(SimulatedCall::submit);
    if (fault == SimulatedFault::lost) is_lost_ = true;
    if (is_lost_) throw_lost();
    if (needs_reset_) {
      throw NpuFault(NpuFault::Kind::failed, "simulated NPU: not reset after a fault",
                     "reset it before the next submit");
    }
    for (size_t i = 0; i < lists.size(); ++i) seen[i] = memory_[lists[i].domain];
  }
  const std::chrono::milliseconds limit = info().list_limit;
  if (fault == SimulatedFault::hang)
    std::this_thread::sleep_for(limit.count() == 0 ? timeout : std::min(timeout, limit));
  if (fault == SimulatedFault::hang || fault == SimulatedFault::timeout)
    return end_unfinished("a fault that was asked for");

  std::array<Core::Outcome, kCores> outcomes;
  pool_.parallel_for(lists.size(), [&](size_t i, size_t) {
    try {
      outcomes[i] = cores_[i].run(seen[i], info().form, lists[i].tasks);
    } catch (const std::bad_alloc&) {
      outcomes[i].why = "no memory";
    }
  });
  for (size_t i = 0; i < lists.size(); ++i) {
    if (!outcomes[i].why.empty())
      return end_unfinished(fmt::format("list {}: {}", i, outcomes[i].why));
  }
  if (fault == SimulatedFault::corrupted_output) corrupt(seen[0], outcomes[0].done.back());
  account(lists, std::span(outcomes).first(lists.size()), timeout);
}

// As its driver does: one tells and wants a reset, the other has reset the core and says nothing.
void SimulatedNpu::end_unfinished(const std::string& why) {
  for (Core& core : cores_) core.reset();
  if (!info().tells_faults) return;
  const std::lock_guard lock(state_);
  needs_reset_ = true;
  throw NpuFault(NpuFault::Kind::timeout, "simulated NPU: a submit did not end: " + why,
                 "reset the device; the processor can compute the same");
}

void SimulatedNpu::corrupt(const DeviceMemory& memory, const ConvolutionTask& task) const {
  std::byte* cell = memory.find(task.results.cell(0, 0, 0), 1);
  if (cell != nullptr) *cell ^= std::byte{0x10};
}

void SimulatedNpu::account(std::span<const NpuList> lists, std::span<const Core::Outcome> outcomes,
                           std::chrono::milliseconds timeout) {
  std::vector<std::vector<TaskWork>> done;
  for (const Core::Outcome& outcome : outcomes) {
    auto& works = done.emplace_back();
    for (const ConvolutionTask& task : outcome.done) works.push_back(work_of(task));
  }
  const bool switches = info().domains_per_submit == 1 && lists[0].domain != live_domain_;
  live_domain_ = lists[0].domain;
  const Cost cost = project(done, info().form, switches);
  if (cost.ms > static_cast<double>(timeout.count()))
    return end_unfinished(fmt::format("it would take {:.0f} ms", cost.ms));
  const std::lock_guard lock(state_);
  ++usage_.n_submits;
  for (const auto& tasks : done) usage_.n_tasks += tasks.size();
  usage_.busy_ms += cost.ms;
  *usage_.energy_mj += cost.mj;
}

void SimulatedNpu::reset() {
  const std::lock_guard running(running_);
  for (Core& core : cores_) core.reset();
  const std::lock_guard lock(state_);
  if (is_lost_) throw_lost();
  needs_reset_ = false;
}

NpuUsage SimulatedNpu::usage() const {
  const std::lock_guard lock(state_);
  return usage_;
}

}  // namespace

std::unique_ptr<NpuDevice> open_simulated_npu(SimulatorOptions options) {
  if (options.fault && options.fault(SimulatedCall::open, 0) == SimulatedFault::owned) {
    throw NpuFault(NpuFault::Kind::owned, "simulated NPU: another process has it",
                   "wait for it to end, or run on the CPU");
  }
  return std::make_unique<SimulatedNpu>(std::move(options));
}

}  // namespace wattle::rknpu
