#include "engine/planner.h"

#include <chrono>
#include <csignal>
#include <utility>

#include "engine/printable.h"
#include "ipc/test_point.h"
#include "ipc/worker_side.h"

namespace gristmill::engine {
namespace {

using Clock = std::chrono::steady_clock;

// Loading a plug-in may read from a slow disk; nothing it does at that time is work on data.
constexpr std::chrono::seconds kAnswerLimit{30};

bool is_answer_to(std::uint32_t request, const ipc::Report& report) {
  if (const auto* described = std::get_if<ipc::Described>(&report)) {
    return described->request == request;
  }
  if (const auto* planned = std::get_if<ipc::Planned>(&report)) return planned->request == request;
  return false;
}

// As far as one can tell not by the plug-in's code: killed by somebody, or it could not even begin.
bool ended_by_others(const WorkerExit& exit) {
  return exit.signal == SIGKILL || (exit.signal == 0 && exit.code == ipc::kProtocolFailure);
}

Error could_not_work(const std::string& what) {
  return Error(ErrorCode::kResources, {"could not " + what + ": the worker for it could not work",
                                       {},
                                       "What it wrote says why. Nothing was started."});
}

Error died(const std::string& what, const std::string& how) {
  return Error(ErrorCode::kInvalid,
               {"could not " + what + ": the worker that tried " + how,
                {},
                "The plug-in's own code crashed, exited or hung. Nothing was started."});
}

}  // namespace

Planner::~Planner() {
  if (!worker_) return;
  std::vector<StartedWorker> workers;
  workers.push_back(std::move(*worker_));
  end_workers(std::move(workers));
}

void Planner::warm_up() {
  const std::lock_guard lock(mutex_);
  require_worker();
}

DescribedPlugin Planner::describe(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t request = ++last_request_;
  DescribedPlugin plugin;
  ask(ipc::DescribeRequest{request, path}, "load plug-in \"" + path + "\"",
      [&](ipc::Report& report) {
        auto* described = std::get_if<ipc::Described>(&report);
        if (described == nullptr || !is_answer_to(request, report)) return false;
        if (described->index == 0) plugin.kernels.clear();
        plugin.identity = described->plugin_identity;
        plugin.kernels.push_back(std::move(described->kernel));
        return described->index + 1 >= described->count;
      });
  return plugin;
}

ipc::Planned Planner::plan(const ipc::KernelRequest& kernel) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t request = ++last_request_;
  ipc::Planned planned;
  ask(ipc::PlanRequest{request, kernel}, "plan kernel \"" + kernel.kernel + "\"",
      [&](ipc::Report& report) {
        auto* answer = std::get_if<ipc::Planned>(&report);
        if (answer == nullptr || !is_answer_to(request, report)) return false;
        planned = std::move(*answer);
        GRISTMILL_TEST_POINT("coordinator-after-plan");
        return true;
      });
  return planned;
}

void Planner::ask(const ipc::Task& task, const std::string& what,
                  const std::function<bool(ipc::Report&)>& take) {
  std::optional<WorkerExit> exit = ask_once(task, what, take);
  if (exit && ended_by_others(*exit)) exit = ask_once(task, what, take);
  if (!exit) return;
  if (exit->signal == 0 && exit->code == ipc::kProtocolFailure) throw could_not_work(what);
  throw died(what, exit->in_words());
}

// How the worker ended, if it did before it answered.
std::optional<WorkerExit> Planner::ask_once(const ipc::Task& task, const std::string& what,
                                            const std::function<bool(ipc::Report&)>& take) {
  require_worker();
  if (!worker_->link.send(task)) {
    drop_worker();
    throw Error(ErrorCode::kInvalid, "cannot " + what + ": the request is too large");
  }
  GRISTMILL_TEST_POINT("coordinator-after-plan-request");
  // A limit would only end what somebody looks at in a debugger.
  const bool limited = worker_->process->ends_when_killed();
  const auto deadline = Clock::now() + kAnswerLimit;
  for (;;) {
    // Looked at before the reports: what the worker said before it died counts.
    const std::optional<WorkerExit> exit = worker_->process->reap();
    if (take_waiting(take)) return std::nullopt;
    if (exit) {
      drop_worker();
      return exit;
    }
    const auto left = deadline - Clock::now();
    if (limited && left <= Clock::duration::zero()) {
      drop_worker();
      throw died(what, "did not answer within " + std::to_string(kAnswerLimit.count()) + " s");
    }
    epoll_->wait(limited ? std::optional(std::chrono::ceil<std::chrono::milliseconds>(left))
                         : std::nullopt);
  }
}

// True once take() has what it wants. Errors: the worker's refusal.
bool Planner::take_waiting(const std::function<bool(ipc::Report&)>& take) {
  for (;;) {
    ipc::Report report;
    switch (worker_->link.take(report)) {
      case ipc::CoordinatorLink::Take::kEmpty:
        return false;
      case ipc::CoordinatorLink::Take::kViolation:
        drop_worker();
        throw Error(ErrorCode::kFailed, "a worker wrote a report that cannot be read");
      case ipc::CoordinatorLink::Take::kReport:
        break;
    }
    if (auto* refused = std::get_if<ipc::Refused>(&report)) {
      if (refused->request == last_request_)
        throw Error(refused->code, without_control_characters(std::move(refused->text)));
    }
    if (take(report)) return true;
  }
}

void Planner::require_worker() {
  if (worker_ && worker_->process->reap()) drop_worker();
  if (worker_) return;
  StartedWorker worker = start_();
  Epoll epoll;
  epoll.add_edge_triggered(worker.link.doorbell_fd());
  epoll.add(worker.process->exit_fd());
  // Both or none.
  worker_.emplace(std::move(worker));
  epoll_.emplace(std::move(epoll));
}

void Planner::drop_worker() {
  epoll_.reset();
  worker_.reset();
}

}  // namespace gristmill::engine
