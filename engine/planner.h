#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gristmill/kernel_info.h>

#include "engine/epoll.h"
#include "engine/worker_launcher.h"
#include "ipc/messages.h"

namespace gristmill::engine {

// What a plug-in said of itself, and what tells its file from another.
struct DescribedPlugin {
  std::vector<KernelInfo> kernels;
  std::uint64_t identity = 0;
};

// Asks a worker of its own, which runs no chunks, what plug-ins contain and what kernels plan. So a
// plug-in that crashes or hangs while it is loaded takes no working worker with it.
// Owns: the worker, started when first needed and again after it died.
// Threads and processes: safe from any thread; one question at a time.
class Planner {
 public:
  // start is called whenever a worker is needed.
  explicit Planner(std::function<StartedWorker()> start) : start_(std::move(start)) {}
  ~Planner();

  // Starts the worker now rather than at the first question.
  void warm_up();
  // Errors: kInvalid when the plug-in is refused; kInvalid too when the worker
  // died of it or, if that ends it, did not answer within kAnswerLimit; kResources when workers
  // cannot work for want of memory or descriptors.
  DescribedPlugin describe(const std::string& path);
  // Errors: the kernel's own refusal; else as describe().
  ipc::Planned plan(const ipc::KernelRequest& request);

 private:
  // Sends the task and hands the reports that answer it to take until it returns true; to another
  // worker, from the first report on, when somebody killed the one that was asked.
  void ask(const ipc::Task& task, const std::string& what,
           const std::function<bool(ipc::Report&)>& take);
  std::optional<WorkerExit> ask_once(const ipc::Task& task, const std::string& what,
                                     const std::function<bool(ipc::Report&)>& take);
  bool take_waiting(const std::function<bool(ipc::Report&)>& take);
  void require_worker();
  void drop_worker();

  std::function<StartedWorker()> start_;
  std::mutex mutex_;
  std::optional<StartedWorker> worker_;
  std::optional<Epoll> epoll_;
  std::uint32_t last_request_ = 0;
};

}  // namespace gristmill::engine
