#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ipc/call_claim.h"
#include "ipc/mapping.h"
#include "ipc/worker_link.h"
#include "workers/call_host.h"

namespace gristmill::workers {

// The calls of a worker: claims one, maps its memory, runs it, answers it.
// Lifetime: the link and the host outlive it.
class CallExecution {
 public:
  CallExecution(ipc::WorkerLink& link, CallHost& host) : link_(link), host_(host) {}

  // False: the coordinator is gone. Errors: kInternal when it broke the protocol.
  bool run(const ipc::Call& call);
  void resume(const ipc::ResumeCalls& resume);

 private:
  struct Received {
    ipc::CallMemory message;
    std::vector<ipc::UniqueFd> fds;
  };

  bool open();
  std::optional<Received> receive_memory(std::uint64_t call);
  CallAnswer answer(const ipc::Call& call, const Received& received);
  std::vector<std::unique_ptr<ArgumentMemory>> map_arguments(const Received& received);
  std::span<std::byte> result_room(std::uint64_t call, std::int64_t size_bytes);

  ipc::WorkerLink& link_;
  CallHost& host_;
  std::optional<ipc::WritableMapping> claim_memory_;
  std::optional<ipc::WritableMapping> result_;
  std::shared_ptr<ReleasedUses> released_ = std::make_shared<ReleasedUses>();
  ipc::CallClaim* claim_ = nullptr;  // in its memory
  std::deque<Received> received_;    // of calls to come
};

}  // namespace gristmill::workers
