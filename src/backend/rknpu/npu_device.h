// SPDX-License-Identifier: Apache-2.0
// The door to an NPU: buffers that it and the processor see, and lists of tasks that its cores run.
// Behind it lie a kernel driver or the simulator; what is in front knows commands and matrices
// only, and asks info() where drivers differ.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "backend/rknpu/form.h"
#include "wattle/error.h"

namespace wattle::rknpu {

// Addresses have 32 bits, so what a core reaches at once is a domain: a window of at most 4 GiB.
//   vendor (rknpu)   3 lists a submit, all in one domain; another domain than the last submit's
//                    makes the driver wait for all cores and switch, which is slow
//   rocket           a domain is a file descriptor, and runs one list at a time; lists of other
//                    domains run beside it, on whichever core is free
struct NpuInfo {
  std::string driver;        // "vendor", "rocket", "simulator"
  std::string version;       // of the driver, as it says it itself
  Form form = Form::vendor;  // of the commands it runs
  uint32_t n_cores = 0;
  uint32_t n_domains = 0;
  size_t domain_bytes = 0;          // that may be allocated in each
  uint32_t lists_per_domain = 0;    // of one submit
  uint32_t domains_per_submit = 0;  // at most n_cores lists in all
  // Whether a list that did not finish is told. Where not, results are just not written: callers
  // mark the last cell of C before the submit and look at it afterwards.
  bool tells_faults = true;
  // A list that takes longer does not finish, whatever the submit's timeout; 0: no such limit.
  std::chrono::milliseconds list_limit{0};

  // Domains that the lists of one submit can lie in are a set; what is computed in one submit has
  // to lie in one. Some domains may be left over.
  uint32_t n_sets() const noexcept { return n_domains / domains_per_submit; }
  uint64_t bytes_of_domains() const noexcept {  // that matrices may lie in
    return uint64_t{n_sets()} * domains_per_submit * domain_bytes;
  }
  uint32_t lists_per_submit() const noexcept {
    return std::min(n_cores, lists_per_domain * domains_per_submit);
  }
  // Where list i of a submit lies, counted within the set.
  uint32_t domain_in_set(size_t list) const noexcept {
    return static_cast<uint32_t>(list) / lists_per_domain;
  }
  uint32_t domain_of(uint32_t set, size_t list) const noexcept {
    return set * domains_per_submit + domain_in_set(list);
  }
};

// What a submit, or opening, may end with beside Error{usage}. Nothing was written, or anything:
// results of a failed submit are not to be used.
class NpuFault : public Error {
 public:
  enum class Kind {
    timeout,  // not finished in time; reset() before the next submit
    failed,   // refused or ended by the driver; reset() before the next submit
    lost,     // the device is gone: nothing works until it is opened anew
    owned,    // on opening: another process has the NPU
  };
  NpuFault(Kind kind, const std::string& what, std::string hint)
      : Error(ErrorCode::io, what, std::move(hint)), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

// Bytes in one domain, zero at first, that start at a whole page for the NPU. Given back when
// destroyed; must not outlive its device, nor be destroyed while a submit that uses it runs.
//
// The processor's caches and the NPU do not see each other: bytes written here reach the NPU with
// to_device, and what it has written is here after from_device. A range that the NPU writes is not
// to be written by the processor between to_device and from_device. A driver may sync more than the
// range asked for. Both throw NpuFault{lost}.
class NpuBuffer {
 public:
  virtual ~NpuBuffer() = default;
  NpuBuffer(const NpuBuffer&) = delete;
  NpuBuffer& operator=(const NpuBuffer&) = delete;

  std::span<std::byte> bytes() const noexcept { return bytes_; }
  uint32_t address() const noexcept { return address_; }  // for the NPU
  uint32_t domain() const noexcept { return domain_; }

  // Ranges lie in the buffer; the size is in bytes.
  virtual void to_device(size_t offset, size_t size) = 0;
  virtual void from_device(size_t offset, size_t size) = 0;
  void to_device() { to_device(0, bytes_.size()); }
  void from_device() { from_device(0, bytes_.size()); }

 protected:
  NpuBuffer(std::span<std::byte> bytes, uint32_t address, uint32_t domain) noexcept
      : bytes_(bytes), address_(address), domain_(domain) {}

 private:
  std::span<std::byte> bytes_;
  uint32_t address_;
  uint32_t domain_;
};

// The commands of one task in a buffer that was synced: program.h's TaskCommands, laid down at
// their address.
struct NpuTask {
  uint32_t address = 0;
  uint32_t n_words = 0;  // with the four words that end it
};

inline constexpr size_t kMaxTasksOfList = 4095;  // what the vendor's driver starts at once

// What one core runs, in order. Form::vendor: each task names the next one's commands, as
// commands_of writes them, and the last names none.
struct NpuList {
  uint32_t domain = 0;  // of all addresses in the tasks and their commands
  std::span<const NpuTask> tasks;
  const NpuBuffer* output = nullptr;  // holds all that the list writes; rocket waits for it
};

// Since the device was opened.
struct NpuUsage {
  uint64_t n_submits = 0;
  uint64_t n_tasks = 0;
  double busy_ms = 0;               // from the start of each submit to its end
  std::optional<double> energy_mj;  // where it is known
  bool is_projection = false;       // both are the simulator's model, not measured
};

// All members may be called from any thread. A submit blocks its thread until all its lists are
// done, and waits while another one runs: to compute on the processor meanwhile, submit from a
// thread of your own. Other threads may allocate, write and sync buffers that the running lists do
// not use.
class NpuDevice {
 public:
  virtual ~NpuDevice() = default;
  NpuDevice(const NpuDevice&) = delete;
  NpuDevice& operator=(const NpuDevice&) = delete;

  const NpuInfo& info() const noexcept { return info_; }

  // Throws Error{out_of_memory} where the domain or the system has no room, Error{io} where the
  // process may not open more files, Error{usage} for 0 bytes or no such domain.
  virtual std::unique_ptr<NpuBuffer> allocate(size_t size, uint32_t domain) = 0;
  // Not allocated yet; one allocation of as much may still fail.
  virtual size_t free_bytes(uint32_t domain) const = 0;

  // lists[i] runs on core i, where the driver lets one choose (vendor). Throws NpuFault, and
  // Error{usage} for what info() does not allow.
  virtual void submit(std::span<const NpuList> lists, std::chrono::milliseconds timeout) = 0;

  // All cores as if just switched on; buffers keep their addresses and bytes. Takes about 0.1 s on
  // boards. Throws NpuFault{lost}.
  virtual void reset() = 0;

  virtual NpuUsage usage() const = 0;

 protected:
  explicit NpuDevice(NpuInfo info) : info_(std::move(info)) {}

 private:
  NpuInfo info_;
};

}  // namespace wattle::rknpu
