#include "workers/call_execution.h"

#include <chrono>
#include <string>
#include <utility>

#include <gristmill/error.h>

#include "ipc/segment.h"
#include "ipc/test_point.h"

namespace gristmill::workers {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail_with(const std::string& what) {
  throw Error(ErrorCode::kInternal, "the coordinator sent " + what);
}

void require_complete(const ipc::CallMemory& memory, std::size_t fds) {
  if (memory.writable.size() != memory.placements.size()) fail_with("memory without its use");
  for (const ipc::Placement& placement : memory.placements) {
    if (placement.fd_index >= fds) fail_with("memory without a descriptor");
  }
}

}  // namespace

bool CallExecution::run(const ipc::Call& call) {
  if (claim_ == nullptr && !open()) return false;
  GRISTMILL_TEST_POINT("call-before-claim");
  const auto start = Clock::now();
  const bool ours = claim_->begin(call.call);
  GRISTMILL_TEST_POINT("call-after-claim");
  Received received;
  if (call.has_memory) {
    std::optional<Received> memory = receive_memory(call.call);
    if (!memory) return false;
    received = std::move(*memory);
  }
  // What came with a call that was taken back is dropped.
  if (!ours) return true;
  ipc::Returned returned;
  returned.call = call.call;
  CallAnswer answer = this->answer(call, received);
  GRISTMILL_TEST_POINT("call-after-run");
  returned.uses_memory = result_.has_value();
  result_.reset();
  returned.failed = answer.failed;
  returned.data = std::move(answer.data);
  returned.released = released_->take();
  returned.nanoseconds = std::chrono::nanoseconds(Clock::now() - start).count();
  const bool sent = link_.send(returned);
  GRISTMILL_TEST_POINT("call-after-answer");
  return sent;
}

void CallExecution::resume(const ipc::ResumeCalls& resume) {
  if (claim_ == nullptr) fail_with("a call that was taken back before the first one");
  claim_->resume(resume.call);
}

bool CallExecution::open() {
  std::vector<ipc::UniqueFd> fds;
  const std::optional<ipc::ChannelMessage> message = link_.wait_for_message(fds);
  if (!message) return false;
  if (!std::holds_alternative<ipc::OpenCalls>(*message) || fds.size() != 1 ||
      !ipc::has_fixed_size(fds[0].get())) {
    fail_with("a call before the memory of its claim");
  }
  claim_memory_.emplace(fds[0].get(), 0, static_cast<std::int64_t>(sizeof(ipc::CallClaim)));
  claim_ = reinterpret_cast<ipc::CallClaim*>(claim_memory_->data());
  return true;
}

// That of this call. Of calls to come it may have been sent before what a call asked for. None: the
// coordinator is gone.
std::optional<CallExecution::Received> CallExecution::receive_memory(std::uint64_t call) {
  if (!received_.empty() && received_.front().message.call == call) {
    Received received = std::move(received_.front());
    received_.pop_front();
    return received;
  }
  for (;;) {
    Received received;
    std::optional<ipc::ChannelMessage> message = link_.wait_for_message(received.fds);
    if (!message) return std::nullopt;
    auto* memory = std::get_if<ipc::CallMemory>(&*message);
    if (memory == nullptr || memory->call < call) fail_with("memory that no call is to have");
    require_complete(*memory, received.fds.size());
    received.message = std::move(*memory);
    if (received.message.call == call) return received;
    received_.push_back(std::move(received));
  }
}

CallAnswer CallExecution::answer(const ipc::Call& call, const Received& received) {
  try {
    return host_.run(call.data, map_arguments(received),
                     [&](std::int64_t size_bytes) { return result_room(call.call, size_bytes); });
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
    return host_.failure(error);
  }
}

std::vector<std::unique_ptr<ArgumentMemory>> CallExecution::map_arguments(
    const Received& received) {
  std::vector<std::unique_ptr<ArgumentMemory>> memories;
  const auto& placements = received.message.placements;
  try {
    for (const ipc::Placement& placement : placements) {
      memories.push_back(
          std::make_unique<ArgumentMemory>(received.fds[placement.fd_index].get(), placement,
                                           received.message.writable[memories.size()], released_));
    }
  } catch (const Error&) {
    // What is not mapped is not used, either; the others say so themselves.
    for (std::size_t i = memories.size(); i < placements.size(); ++i) {
      released_->add(placements[i].memory);
    }
    throw;
  }
  return memories;
}

std::span<std::byte> CallExecution::result_room(std::uint64_t call, std::int64_t size_bytes) {
  if (!link_.send(ipc::NeedMemory{call, size_bytes})) return {};
  const std::optional<Received> received = receive_memory(call);
  if (!received || received->message.placements.empty()) return {};
  const ipc::Placement& placement = received->message.placements.front();
  if (placement.range_bytes < size_bytes) fail_with("too little memory");
  result_.emplace(received->fds[placement.fd_index].get(), placement.range_offset,
                  placement.range_bytes);
  return result_->bytes().first(static_cast<std::size_t>(size_bytes));
}

}  // namespace gristmill::workers
