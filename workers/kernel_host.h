#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gristmill/array.h>
#include <gristmill/kernel_info.h>

#include "ipc/index_space.h"
#include "ipc/messages.h"

namespace gristmill::workers {

class EmittedRows;  // workers/emitted_rows.h

// An array of a job in this process. data is null for what was not given or not asked for.
struct JobArray {
  void* data = nullptr;  // inputs are mapped read-only
  ipc::ArraySpec spec;
};

// Says whether a job was cancelled; asked by kernels in the middle of a chunk.
class CancelFlag {
 public:
  CancelFlag(const std::atomic<std::uint32_t>& stop, std::uint32_t job) : stop_(stop), job_(job) {}
  // relaxed: the word stands for itself and guards no other memory.
  bool raised() const { return stop_.load(std::memory_order_relaxed) == job_; }

 private:
  const std::atomic<std::uint32_t>& stop_;
  std::uint32_t job_;
};

// What a worker does for the kernel of an open job.
struct JobServices {
  const CancelFlag& cancel;
  std::function<void(std::uint32_t level, std::string text)> log;
  EmittedRows* rows = nullptr;  // of an emit
};

// What a kernel is run on: items [begin, end), and with tiles the one that they are.
struct Items {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  ipc::Tile tile;
};

// A kernel that is open for a job. Lifetime: the arrays and the services outlive it.
class OpenKernel {
 public:
  virtual ~OpenKernel() = default;
  // For a reduce, adds the items to the accumulator.
  // Errors, here and below: as the kernel's status says, with its text.
  virtual void run(const Items& items, void* accumulator) = 0;
  // Of a reduce. Adds one accumulator to another, whose items come before.
  virtual void merge(void* into, const void* from) = 0;
  // Of a reduce. Writes the outputs.
  virtual void finish(const void* accumulator) = 0;
  // What it counted so far.
  virtual std::vector<ipc::Counter> counters() const = 0;
};

// What runs the kernels of one plug-in.
class KernelHost {
 public:
  virtual ~KernelHost() = default;
  virtual std::vector<KernelInfo> describe() const = 0;
  // Tells one file from another: what was loaded is what was described.
  virtual std::uint64_t identity() const = 0;
  // Errors: kInvalid when the request does not suit the kernel, kFailed for a plan that is none.
  virtual ipc::Planned plan(const ipc::KernelRequest& request) const = 0;
  // accumulator_bytes: of a reduce; else 0.
  virtual std::unique_ptr<OpenKernel> open(const ipc::KernelRequest& request,
                                           const std::vector<JobArray>& inputs,
                                           const std::vector<JobArray>& outputs,
                                           std::int64_t accumulator_bytes,
                                           const JobServices& services) const = 0;
};

// Makes what runs the kernels of a plug-in, which was named by its path or otherwise.
using HostFactory = std::function<std::unique_ptr<KernelHost>(const std::string& plugin)>;

}  // namespace gristmill::workers
