// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/rocket_npu.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "backend/rknpu/check_lists.h"
#include "backend/rknpu/driver/domain_room.h"
#include "backend/rknpu/driver/node.h"
#include "backend/rknpu/driver/refusal.h"
#include "backend/rknpu/driver/rocket_abi.h"
#include "backend/rknpu/driver/rocket_memory.h"

namespace wattle::rknpu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kCores = 3;  // of an RK3588, the one chip that mainline drives
constexpr uint32_t kDomains = 16;
// After this the kernel resets the core of a job.
constexpr std::chrono::milliseconds kJobLimit{500};
constexpr std::chrono::milliseconds kKernelLimit = kJobLimit + std::chrono::milliseconds(100);

// One descriptor: an IOMMU domain, and jobs that run one after the other.
struct Domain {
  FileDescriptor file;
  // Published programs name a buffer that a job reads; no job of ours waits for another one's
  // results, so a page stands for all.
  std::optional<RocketMemory> input;
};

NpuInfo info_of(const OpenNode& node) {
  return {.driver = "rocket",
          .version = node.version,
          .form = Form::rocket,
          .n_cores = kCores,
          .n_domains = kDomains,
          .domain_bytes = kDomainBytes,
          .lists_per_domain = 1,
          .domains_per_submit = kCores,
          .tells_faults = false,
          .list_limit = kJobLimit};
}

class RocketBuffer final : public NpuBuffer {
 public:
  RocketBuffer(DomainRoom& room, std::unique_ptr<RocketMemory> memory, size_t size, uint32_t domain)
      : NpuBuffer(memory->bytes().first(size), memory->address(), domain),
        room_(room),
        memory_(std::move(memory)) {
    room_.take(memory_->bytes().size(), domain);
  }
  ~RocketBuffer() override {
    const size_t whole = memory_->bytes().size();
    memory_.reset();
    room_.give_back(whole, domain());
  }

  void to_device(size_t, size_t size) override {
    if (size > 0) memory_->finish();
  }
  void from_device(size_t offset, size_t size) override;
  using NpuBuffer::from_device;
  using NpuBuffer::to_device;

  const RocketMemory& memory() const noexcept { return *memory_; }

 private:
  DomainRoom& room_;
  std::unique_ptr<RocketMemory> memory_;
};

class RocketNpu final : public NpuDevice {
 public:
  RocketNpu(std::shared_ptr<Kernel> kernel, OpenNode node)
      : NpuDevice(info_of(node)), kernel_(std::move(kernel)), path_(node.path) {
    // The first descriptor holds the lock, as long as the device lives.
    domains_[0].file = std::move(node.file);
    domains_[0].input.emplace(*kernel_, domains_[0].file.get(), 1);
  }

  std::unique_ptr<NpuBuffer> allocate(size_t size, uint32_t domain) override;
  size_t free_bytes(uint32_t domain) const override { return room_.free_bytes(domain); }
  void submit(std::span<const NpuList> lists, std::chrono::milliseconds timeout) override;
  void reset() override;
  NpuUsage usage() const override;

 private:
  int file_of(uint32_t domain);
  void start(const NpuList& list);

  const std::shared_ptr<Kernel> kernel_;
  const std::string path_;
  DomainRoom room_{"rocket", kDomains};

  mutable std::mutex state_;  // of what follows
  std::array<Domain, kDomains> domains_;
  NpuUsage usage_;

  std::mutex running_;  // one submit at a time; also of what follows
  bool needs_reset_ = false;
  Clock::time_point last_start_{};
};

void RocketBuffer::from_device(size_t, size_t size) {
  if (size == 0) return;
  // Taking a buffer back drops what the caches hold of all of it: first what the processor has
  // written to other parts goes out.
  memory_->finish();
  if (!memory_->prepare(kKernelLimit)) {
    throw NpuFault(NpuFault::Kind::timeout, "rocket: a buffer is still in use",
                   "reset the device; the processor can compute the same");
  }
}

int RocketNpu::file_of(uint32_t domain) {
  const std::lock_guard lock(state_);
  Domain& found = domains_[domain];
  if (!found.file.is_open()) {
    FileDescriptor file = open_again(*kernel_, path_);
    found.input.emplace(*kernel_, file.get(), 1);
    found.file = std::move(file);
  }
  return found.file.get();
}

std::unique_ptr<NpuBuffer> RocketNpu::allocate(size_t size, uint32_t domain) {
  room_.check(size, domain);
  return std::make_unique<RocketBuffer>(
      room_, std::make_unique<RocketMemory>(*kernel_, file_of(domain), size), size, domain);
}

void RocketNpu::start(const NpuList& list) {
  std::vector<abi::RocketTask> tasks;
  for (const NpuTask& task : list.tasks) tasks.push_back({task.address, task.n_words});
  const uint32_t output = static_cast<const RocketBuffer*>(list.output)->memory().handle();
  const uint32_t input = domains_[list.domain].input->handle();
  abi::RocketJob job{.tasks = reinterpret_cast<uint64_t>(tasks.data()),
                     .in_bo_handles = reinterpret_cast<uint64_t>(&input),
                     .out_bo_handles = reinterpret_cast<uint64_t>(&output),
                     .task_count = static_cast<uint32_t>(tasks.size()),
                     .task_struct_size = sizeof(abi::RocketTask),
                     .in_bo_handle_count = 1,
                     .out_bo_handle_count = 1};
  abi::RocketSubmit submit{.jobs = reinterpret_cast<uint64_t>(&job),
                           .job_count = 1,
                           .job_struct_size = sizeof job,
                           .reserved = 0};
  // Not again after a signal: nobody says whether the job was taken.
  if (kernel_->ioctl(domains_[list.domain].file.get(), abi::kRocketSubmit, &submit) != 0) {
    throw_job_refused(fmt::format("rocket: a job of {} tasks", tasks.size()), errno);
  }
}

void RocketNpu::submit(std::span<const NpuList> lists, std::chrono::milliseconds timeout) {
  check_lists(info(), lists);
  const std::lock_guard running(running_);
  if (needs_reset_) {
    throw NpuFault(NpuFault::Kind::failed, "rocket: not reset after a fault",
                   "reset it before the next submit");
  }
  last_start_ = Clock::now();
  needs_reset_ = true;  // unless all goes well: some of the lists may be running
  for (const NpuList& list : lists) start(list);
  for (const NpuList& list : lists) {
    const auto left = last_start_ + timeout - Clock::now();
    if (!static_cast<const RocketBuffer*>(list.output)->memory().prepare(left)) {
      throw NpuFault(NpuFault::Kind::timeout,
                     fmt::format("rocket: a job of {} tasks did not end in {} ms",
                                 list.tasks.size(), timeout.count()),
                     "reset the device; the processor can compute the same");
    }
  }
  needs_reset_ = false;
  const std::chrono::duration<double, std::milli> busy = Clock::now() - last_start_;
  const std::lock_guard lock(state_);
  ++usage_.n_submits;
  for (const NpuList& list : lists) usage_.n_tasks += list.tasks.size();
  usage_.busy_ms += busy.count();
}

// The kernel does it, job by job; there is no request for it.
void RocketNpu::reset() {
  const std::lock_guard running(running_);
  if (needs_reset_) std::this_thread::sleep_until(last_start_ + kKernelLimit);
  needs_reset_ = false;
}

NpuUsage RocketNpu::usage() const {
  const std::lock_guard lock(state_);
  return usage_;
}

}  // namespace

std::unique_ptr<NpuDevice> open_rocket_npu(std::shared_ptr<Kernel> kernel) {
  OpenNode node = open_and_lock(*kernel, numbered("/dev/accel/accel", 0, 16), "rocket");
  return std::make_unique<RocketNpu>(std::move(kernel), std::move(node));
}

}  // namespace wattle::rknpu
