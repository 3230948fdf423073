#include "workers/worker.h"

#include <chrono>

#include <gristmill/error.h>

#include "ipc/codec.h"
#include "ipc/test_point.h"
#include "ipc/version.h"

namespace gristmill::workers {
namespace {

ErrorText fitting(const ErrorText& text) {
  return {ipc::fitting(text.message), ipc::fitting(text.detail), ipc::fitting(text.hint)};
}

ipc::Refused refusal(std::uint32_t request, const Error& error) {
  return {request, error.code(), fitting(error.text())};
}

void fit(std::string& text) { text = ipc::fitting(std::move(text)); }

void fit(KernelInfo& kernel) {
  for (std::string* text : {&kernel.name, &kernel.summary, &kernel.description}) fit(*text);
  for (KernelInfo::Input& input : kernel.inputs) fit(input.help);
  for (KernelInfo::Output& output : kernel.outputs) fit(output.help);
  for (KernelInfo::Param& param : kernel.params) {
    fit(param.help);
    fit(param.default_value);
  }
}

// A program that waits for each call sends the next one about so long after the answer.
constexpr std::chrono::microseconds kAwakeAfterCall{60};
constexpr std::chrono::microseconds kNotAwake{0};

// What was described is what is run: a file that was built again in between may plan and write
// otherwise.
void require_described(const KernelHost& host, const ipc::KernelRequest& request) {
  if (request.plugin_identity == 0 || host.identity() == request.plugin_identity) return;
  throw Error(ErrorCode::kInvalid,
              {"plug-in \"" + request.plugin + "\" was changed after its kernels were described",
               {},
               "Run it again, in an engine that is started after the change."});
}

}  // namespace

// The answer() functions return false when the coordinator is gone.
void Worker::run() {
  memory_watch_.impose();
  GRISTMILL_TEST_POINT("before-hello");
  if (!link_.send(ipc::Hello{ipc::kVersion})) return;
  GRISTMILL_TEST_POINT("after-hello");
  std::chrono::microseconds awake = kNotAwake;
  while (const std::optional<ipc::Task> task = link_.wait_for_task(awake)) {
    if (!std::visit([this](const auto& request) { return answer(request); }, *task)) return;
    awake = std::holds_alternative<ipc::Call>(*task) ? kAwakeAfterCall : kNotAwake;
  }
}

bool Worker::answer(const ipc::DescribeRequest& request) {
  try {
    const KernelHost& plugin = host(request.plugin);
    const std::vector<KernelInfo> kernels = plugin.describe();
    std::uint32_t index = 0;
    for (KernelInfo kernel : kernels) {
      fit(kernel);
      const auto count = static_cast<std::uint32_t>(kernels.size());
      if (!link_.send(ipc::Described{request.request, index++, count, plugin.identity(),
                                     std::move(kernel)})) {
        return false;
      }
    }
    return true;
  } catch (const Error& error) {
    return link_.send(refusal(request.request, error));
  }
}

bool Worker::answer(const ipc::PlanRequest& request) {
  try {
    const KernelHost& plugin = host(request.kernel.plugin);
    require_described(plugin, request.kernel);
    ipc::Planned planned = plugin.plan(request.kernel);
    planned.request = request.request;
    return link_.send(planned);
  } catch (const Error& error) {
    return link_.send(refusal(request.request, error));
  }
}

bool Worker::answer(const ipc::Order& order) {
  GRISTMILL_TEST_POINT("after-order");
  if (open_job_ != order.job && !open_job(order.job)) return false;
  GRISTMILL_TEST_POINT("after-open");
  if (job_) {
    if (std::optional<ipc::JobFailed> failure = job_->run(order)) {
      if (!send(std::move(*failure))) return false;
    }
  }
  GRISTMILL_TEST_POINT("before-idle");
  const bool sent = link_.send(ipc::Idle{order.job, order.seq, job_ && job_->retires()});
  GRISTMILL_TEST_POINT("after-idle");
  return sent;
}

bool Worker::answer(const ipc::CloseJob& close) {
  GRISTMILL_TEST_POINT("before-close");
  ipc::JobClosed closed{close.job, 0, 0, {}};
  if (job_) closed = job_->costs();
  job_.reset();
  // All of it: the control segment, and outputs of a job that could not be opened.
  memory_.freeze_all();
  GRISTMILL_TEST_POINT("after-freeze");
  open_job_ = 0;
  const bool sent = link_.send(closed);
  GRISTMILL_TEST_POINT("after-close");
  return sent;
}

bool Worker::answer(const ipc::ForgetMemory& forget) {
  memory_.forget(forget.memories);
  return true;
}

bool Worker::answer(const ipc::Call& call) { return calls().run(call); }

bool Worker::answer(const ipc::ResumeCalls& resume) {
  calls().resume(resume);
  return true;
}

CallExecution& Worker::calls() {
  if (calls_) return *calls_;
  throw Error(ErrorCode::kInternal, "the coordinator sent a call to a worker that runs none");
}

// The job's message was sent on the channel before the order was published.
bool Worker::open_job(std::uint32_t job) {
  std::vector<ipc::UniqueFd> fds;
  const std::optional<ipc::ChannelMessage> message = link_.wait_for_message(fds);
  if (!message) return false;
  const auto* open = std::get_if<ipc::OpenJob>(&*message);
  if (open == nullptr || open->job != job) {
    throw Error(ErrorCode::kInternal, "an order came for a job that is not open");
  }
  GRISTMILL_TEST_POINT("before-open");
  open_job_ = job;
  job_.reset();
  try {
    const KernelHost& plugin = host(open->request.plugin);
    require_described(plugin, open->request);
    job_.emplace(*open, std::move(fds), plugin, memory_, memory_watch_,
                 JobReports{[this, job](std::uint32_t level, std::string text) {
                              link_.send(ipc::LogLine{job, level, ipc::fitting(std::move(text))});
                            },
                            [this](ipc::JobFailed failure) { send(std::move(failure)); }});
    return true;
  } catch (const Error& error) {
    return link_.send(ipc::JobFailed{job, std::nullopt, error.code(), fitting(error.text())});
  }
}

bool Worker::send(ipc::JobFailed failure) {
  failure.text = fitting(failure.text);
  return link_.send(failure);
}

const KernelHost& Worker::host(const std::string& plugin) {
  std::unique_ptr<KernelHost>& host = hosts_[plugin];
  if (!host) {
    try {
      host = make_host_(plugin);
    } catch (...) {
      hosts_.erase(plugin);
      throw;
    }
  }
  return *host;
}

}  // namespace gristmill::workers
