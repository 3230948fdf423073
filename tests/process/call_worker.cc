#include <cstdlib>
#include <cstring>
#include <utility>

#include "tests/support/call_worker.h"
#include "workers/worker_process.h"

// A worker with the places where a test kills it. It answers a call by its data, followed by the
// first byte of each of its memories; one called "room" in memory.
namespace {

using namespace gristmill;

workers::CallAnswer run(const std::string& data, const test::FakeCallHost::Memories& memories,
                        const workers::CallHost::ResultRoom& room) {
  if (data == "crash") std::abort();
  std::string answer = data;
  for (const auto& memory : memories) answer.push_back(static_cast<char>(memory->data()[0]));
  if (data.rfind("room", 0) != 0) return {test::bytes_of(answer), false};
  const auto bytes = room(static_cast<std::int64_t>(answer.size()));
  if (bytes.size() != answer.size()) return {test::bytes_of("no room"), true};
  std::memcpy(bytes.data(), answer.data(), answer.size());
  return {};
}

}  // namespace

int main() {
  workers::die_with_coordinator(workers::kChannelFd);
  auto link = ipc::WorkerLink::open(ipc::Channel(ipc::UniqueFd(workers::kChannelFd)));
  if (link) test::run_call_worker(std::move(*link), run);
}
