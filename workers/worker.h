#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ipc/worker_link.h"
#include "workers/call_execution.h"
#include "workers/call_host.h"
#include "workers/job_execution.h"
#include "workers/kernel_host.h"
#include "workers/memory_watch.h"

namespace gristmill::workers {

// A worker: takes tasks from its queue and answers them, until the coordinator is gone.
// Threads and processes: one thread, in a process of its own or in a test's.
class Worker {
 public:
  // call_host: null for one that runs no calls.
  Worker(ipc::WorkerLink link, HostFactory make_host, std::unique_ptr<CallHost> call_host = nullptr)
      : link_(std::move(link)),
        make_host_(std::move(make_host)),
        call_host_(std::move(call_host)),
        memory_watch_(link_.memory_limit_bytes()) {
    if (call_host_) calls_.emplace(link_, *call_host_);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Returns when the coordinator is gone. Errors: kInternal when the coordinator or another worker
  // broke the protocol; the worker must end then.
  void run();

 private:
  bool answer(const ipc::DescribeRequest& request);
  bool answer(const ipc::PlanRequest& request);
  bool answer(const ipc::Order& order);
  bool answer(const ipc::CloseJob& close);
  bool answer(const ipc::ForgetMemory& forget);
  bool answer(const ipc::Call& call);
  bool answer(const ipc::ResumeCalls& resume);
  CallExecution& calls();
  bool open_job(std::uint32_t job);
  bool send(ipc::JobFailed failure);
  const KernelHost& host(const std::string& plugin);

  ipc::WorkerLink link_;
  HostFactory make_host_;
  std::unique_ptr<CallHost> call_host_;
  std::optional<CallExecution> calls_;
  std::map<std::string, std::unique_ptr<KernelHost>> hosts_;
  MemoryCache memory_;
  MemoryWatch memory_watch_;
  std::optional<JobExecution> job_;
  std::uint32_t open_job_ = 0;  // also set for a job that could not be opened
};

}  // namespace gristmill::workers
