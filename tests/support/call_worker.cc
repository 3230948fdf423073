#include "tests/support/call_worker.h"

#include <stdexcept>
#include <utility>

#include "ipc/version.h"
#include "workers/shared_object_host.h"
#include "workers/worker.h"

namespace gristmill::test {
namespace {

void require(bool there) {
  if (!there) throw std::runtime_error("the coordinator is gone");
}

}  // namespace

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void run_call_worker(ipc::WorkerLink link, FakeCallHost::Run run) {
  workers::Worker(std::move(link), workers::shared_object_hosts(),
                  std::make_unique<FakeCallHost>(std::move(run)))
      .run();
}

CallWorkerSteps::CallWorkerSteps(ipc::WorkerLink link) : link_(std::move(link)) {
  require(link_.send(ipc::Hello{ipc::kVersion}));
  std::vector<ipc::UniqueFd> fds;
  const auto message = link_.wait_for_message(fds);
  require(message && std::holds_alternative<ipc::OpenCalls>(*message));
  claim_memory_.emplace(fds.at(0).get(), 0, static_cast<std::int64_t>(sizeof(ipc::CallClaim)));
}

ipc::Call CallWorkerSteps::next_call(bool claimed) {
  for (;;) {
    std::optional<ipc::Task> task = link_.wait_for_task();
    require(task.has_value());
    if (const auto* resume = std::get_if<ipc::ResumeCalls>(&*task)) claim().resume(resume->call);
    auto* call = std::get_if<ipc::Call>(&*task);
    if (call != nullptr && (!claimed || claim().begin(call->call))) return std::move(*call);
  }
}

void CallWorkerSteps::answer(const ipc::Report& report) { require(link_.send(report)); }

void CallWorkerSteps::answer(const ipc::Call& call, std::string_view data) {
  ipc::Returned returned;
  returned.call = call.call;
  returned.data = bytes_of(data);
  answer(returned);
}

ipc::CallMemory CallWorkerSteps::next_memory() {
  std::vector<ipc::UniqueFd> fds;
  auto message = link_.wait_for_message(fds);
  require(message && std::holds_alternative<ipc::CallMemory>(*message));
  return std::get<ipc::CallMemory>(std::move(*message));
}

void CallWorkerSteps::wait_for_end() {
  while (link_.wait_for_task()) {
  }
}

}  // namespace gristmill::test
