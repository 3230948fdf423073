#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/call_claim.h"
#include "ipc/mapping.h"
#include "ipc/worker_link.h"
#include "workers/call_host.h"

namespace gristmill::test {

std::vector<std::byte> bytes_of(std::string_view text);
std::string text_of(std::span<const std::byte> bytes);

// Runs calls as a test says.
class FakeCallHost : public workers::CallHost {
 public:
  using Memories = std::vector<std::unique_ptr<workers::ArgumentMemory>>;
  using Run = std::function<workers::CallAnswer(const std::string& data, Memories memories,
                                                const ResultRoom& room)>;
  explicit FakeCallHost(Run run) : run_(std::move(run)) {}

  workers::CallAnswer run(std::span<const std::byte> data, Memories memories,
                          const ResultRoom& room) override {
    return run_(text_of(data), std::move(memories), room);
  }
  // The error's words.
  workers::CallAnswer failure(const Error& error) override {
    return {bytes_of(error.what()), true};
  }

 private:
  Run run_;
};

// A worker that runs calls and knows no kernels.
void run_call_worker(ipc::WorkerLink link, FakeCallHost::Run run);

// A worker's end, step by step: for those that do it wrong.
class CallWorkerSteps {
 public:
  // Greets, and opens its claim. Throws when the coordinator is gone, as all of these do.
  explicit CallWorkerSteps(ipc::WorkerLink link);

  // The next one; what was taken back is passed over if `claimed`, and what comes is claimed.
  ipc::Call next_call(bool claimed = true);
  void answer(const ipc::Report& report);
  void answer(const ipc::Call& call, std::string_view data = "");
  ipc::CallMemory next_memory();
  ipc::CallClaim& claim() { return *reinterpret_cast<ipc::CallClaim*>(claim_memory_->data()); }
  // Until the coordinator is gone.
  void wait_for_end();

 private:
  ipc::WorkerLink link_;
  std::optional<ipc::WritableMapping> claim_memory_;
};

}  // namespace gristmill::test
