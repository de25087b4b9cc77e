// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/vendor_npu.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <vector>

#include "backend/rknpu/check_lists.h"
#include "backend/rknpu/driver/domain_room.h"
#include "backend/rknpu/driver/node.h"
#include "backend/rknpu/driver/refusal.h"
#include "backend/rknpu/driver/vendor_memory.h"
#include "backend/rknpu/program.h"

namespace wattle::rknpu {
namespace {

using Action = abi::VendorActionNumber;

constexpr uint32_t kCores = 3;
constexpr uint32_t kDomains = 16;
constexpr uint32_t kRk3588 = 0x46495245;  // what its hardware answers
constexpr uint32_t kOldest = 800;
constexpr uint32_t kEnd = 10000;        // 1.0.0
constexpr uint32_t kSafeDomains = 908;  // 0.9.6 has them, but may leave the wrong one live
constexpr uint32_t kLimitsAlignment = 907;

struct Opened {
  std::shared_ptr<Kernel> kernel;
  OpenNode file;
  VendorNode node;
  uint32_t n_domains = 1;
};

abi::VendorAction action_of(Action what) {
  return {.action = static_cast<uint32_t>(what), .value = 0};
}

uint32_t ask(const VendorNode& node, Action what) {
  abi::VendorAction action = action_of(what);
  if (node.request(abi::VendorRequest::action, sizeof action, &action) != 0) {
    throw_refused("rknpu: it does not tell what it is", errno);
  }
  return action.value;
}

uint32_t memory_flags(const VendorNode& node) {
  return abi::kNonContiguous | abi::kCacheable |
         (node.version >= kLimitsAlignment ? abi::kLimitAlignment : 0);
}

// Only kernels that are not of the generic image have more than one domain; a page tells.
uint32_t count_domains(const VendorNode& node) {
  if (node.version < kSafeDomains) return 1;
  try {
    const VendorMemory page(node, 1, kDomains - 1, memory_flags(node));
    return kDomains;
  } catch (const NpuFault& fault) {
    if (fault.kind() == NpuFault::Kind::lost) throw;
    return 1;
  }
}

Opened open_checked(std::shared_ptr<Kernel> kernel) {
  std::vector<std::string> paths = numbered("/dev/dri/card", 0, 16);
  std::ranges::copy(numbered("/dev/dri/renderD", 128, 144), std::back_inserter(paths));
  paths.emplace_back("/dev/rknpu");
  OpenNode file = open_and_lock(*kernel, paths, "rknpu");
  Kernel& calls = *kernel;
  Opened opened{.kernel = std::move(kernel),
                .file = std::move(file),
                .node = {.kernel = calls, .fd = -1, .is_drm = false, .version = 0}};
  opened.node.fd = opened.file.file.get();
  opened.node.is_drm = !opened.file.version.empty();
  opened.node.version = ask(opened.node, Action::driver_version);
  const uint32_t version = opened.node.version;
  if (version < kOldest || version >= kEnd) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{}: rknpu answers version {}, expected {} to {} (0.8.0 to 0.9.x)",
                            opened.file.path, version, kOldest, kEnd - 1),
                "a vendor kernel with rknpu 0.9.8 is known");
  }
  if (const uint32_t hardware = ask(opened.node, Action::hardware_version); hardware != kRk3588) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{}: the NPU is {:#x}, expected {:#x} of an RK3588", opened.file.path,
                            hardware, kRk3588),
                "other NPUs are not driven; models run on the CPU");
  }
  if (ask(opened.node, Action::iommu_enabled) == 0) {
    throw Error(ErrorCode::unsupported, fmt::format("{}: the NPU has no IOMMU", opened.file.path),
                "`wattle doctor` says how to switch it on");
  }
  opened.n_domains = count_domains(opened.node);
  return opened;
}

std::string version_text(uint32_t version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

NpuInfo info_of(const Opened& opened) {
  return {.driver = "vendor",
          .version = version_text(opened.node.version),
          .form = Form::vendor,
          .n_cores = kCores,
          .n_domains = opened.n_domains,
          .domain_bytes = kDomainBytes,
          .lists_per_domain = kCores,
          .domains_per_submit = 1,
          .tells_faults = true};
}

class VendorNpu final : public NpuDevice {
 public:
  explicit VendorNpu(Opened opened)
      : NpuDevice(info_of(opened)),
        opened_(std::move(opened)),
        descriptors_(opened_.node, kCores * kMaxTasksOfList * sizeof(TaskDescriptor), 0,
                     memory_flags(opened_.node) | abi::kKernelMapping),
        room_("rknpu", opened_.n_domains) {
    abi::VendorAction action = action_of(Action::power_on);
    // As the vendor's runtime does, so that it is not switched off between two jobs. Each job
    // switches it on by itself where that is refused.
    holds_power_ = opened_.node.request(abi::VendorRequest::action, sizeof action, &action) == 0;
  }
  ~VendorNpu() override {
    abi::VendorAction action = action_of(Action::power_off);
    if (holds_power_) {
      static_cast<void>(opened_.node.request(abi::VendorRequest::action, sizeof action, &action));
    }
  }

  std::unique_ptr<NpuBuffer> allocate(size_t size, uint32_t domain) override;
  size_t free_bytes(uint32_t domain) const override { return room_.free_bytes(domain); }
  void submit(std::span<const NpuList> lists, std::chrono::milliseconds timeout) override;
  void reset() override;
  NpuUsage usage() const override;

 private:
  abi::VendorSubmit write_descriptors(std::span<const NpuList> lists);

  const Opened opened_;
  const VendorMemory descriptors_;  // of all lists of one submit
  bool holds_power_ = false;

  DomainRoom room_;

  mutable std::mutex state_;  // of what follows; held for moments
  NpuUsage usage_;

  std::mutex running_;  // one submit at a time; also of what follows
  bool needs_reset_ = false;
};

class VendorBuffer final : public NpuBuffer {
 public:
  VendorBuffer(DomainRoom& room, std::unique_ptr<VendorMemory> memory, size_t size, uint32_t domain)
      : NpuBuffer(memory->bytes().first(size), memory->address(), domain),
        room_(room),
        memory_(std::move(memory)) {
    room_.take(memory_->bytes().size(), domain);
  }
  ~VendorBuffer() override {
    const size_t whole = memory_->bytes().size();
    memory_.reset();
    room_.give_back(whole, domain());
  }

  void to_device(size_t offset, size_t size) override {
    memory_->sync(abi::kSyncToDevice, offset, size);
  }
  void from_device(size_t offset, size_t size) override {
    memory_->sync(abi::kSyncFromDevice, offset, size);
  }
  using NpuBuffer::from_device;
  using NpuBuffer::to_device;

 private:
  DomainRoom& room_;
  std::unique_ptr<VendorMemory> memory_;
};

std::unique_ptr<NpuBuffer> VendorNpu::allocate(size_t size, uint32_t domain) {
  room_.check(size, domain);
  return std::make_unique<VendorBuffer>(
      room_, std::make_unique<VendorMemory>(opened_.node, size, domain, memory_flags(opened_.node)),
      size, domain);
}

abi::VendorSubmit VendorNpu::write_descriptors(std::span<const NpuList> lists) {
  std::array<abi::VendorSubcore, kCores> of_core{};
  uint32_t n_tasks = 0;
  for (size_t core = 0; core < lists.size(); ++core) {
    of_core[core] = {n_tasks, static_cast<uint32_t>(lists[core].tasks.size())};
    for (const NpuTask& task : lists[core].tasks) {
      const TaskDescriptor descriptor = descriptor_of(task.address, task.n_words);
      std::memcpy(&descriptors_.bytes()[n_tasks * sizeof descriptor], &descriptor,
                  sizeof descriptor);
      ++n_tasks;
    }
  }
  descriptors_.sync(abi::kSyncToDevice, 0, n_tasks * sizeof(TaskDescriptor));

  abi::VendorSubmit submit{};
  submit.flags = abi::kJobPc | abi::kJobPingPong;
  submit.task_number = n_tasks;
  submit.task_obj_addr = descriptors_.object();
  submit.iommu_domain_id = lists[0].domain;
  submit.core_mask = (1u << lists.size()) - 1;
  submit.fence_fd = -1;
  // One or two cores read the entry of their number, three the last three entries; what a core that
  // is not asked would read is empty.
  std::ranges::fill(std::span(submit.subcore_task).first(kCores), abi::VendorSubcore{n_tasks, 0});
  const size_t first = lists.size() == kCores ? std::size(submit.subcore_task) - kCores : 0;
  std::ranges::copy(std::span(of_core).first(lists.size()), submit.subcore_task + first);
  return submit;
}

void VendorNpu::submit(std::span<const NpuList> lists, std::chrono::milliseconds timeout) {
  check_lists(info(), lists);
  const std::lock_guard running(running_);
  if (needs_reset_) {
    throw NpuFault(NpuFault::Kind::failed, "rknpu: not reset after a fault",
                   "reset it before the next submit");
  }
  abi::VendorSubmit submit = write_descriptors(lists);
  submit.timeout_ms = static_cast<uint32_t>(std::clamp<int64_t>(timeout.count(), 1, UINT32_MAX));
  const auto start = std::chrono::steady_clock::now();
  // Not again after a signal: nobody says whether the job ran.
  const unsigned long request =
      abi::vendor_request(opened_.node.is_drm, abi::VendorRequest::submit, sizeof submit);
  if (opened_.node.kernel.ioctl(opened_.node.fd, request, &submit) != 0) {
    const int error = errno;
    needs_reset_ = true;
    throw_job_refused(fmt::format("rknpu: a job of {} tasks", submit.task_number), error);
  }
  const std::chrono::duration<double, std::milli> busy = std::chrono::steady_clock::now() - start;
  const std::lock_guard lock(state_);
  ++usage_.n_submits;
  usage_.n_tasks += submit.task_number;
  usage_.busy_ms += busy.count();
}

void VendorNpu::reset() {
  const std::lock_guard running(running_);
  abi::VendorAction action = action_of(Action::reset);
  if (opened_.node.request(abi::VendorRequest::action, sizeof action, &action) != 0) {
    throw NpuFault(NpuFault::Kind::lost,
                   fmt::format("rknpu: cannot be reset: {}", std::strerror(errno)),
                   "open it again, or run on the CPU");
  }
  needs_reset_ = false;
}

NpuUsage VendorNpu::usage() const {
  const std::lock_guard lock(state_);
  return usage_;
}

}  // namespace

std::unique_ptr<NpuDevice> open_vendor_npu(std::shared_ptr<Kernel> kernel) {
  return std::make_unique<VendorNpu>(open_checked(std::move(kernel)));
}

}  // namespace wattle::rknpu
