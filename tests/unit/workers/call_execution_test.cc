#include "workers/call_execution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <string>
#include <string_view>

#include "ipc/segment.h"
#include "tests/support/call_worker.h"
#include "tests/support/descriptors.h"
#include "tests/support/error_of.h"
#include "workers/shared_object_host.h"
#include "workers/worker.h"

namespace gristmill::workers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using test::bytes_of;
using test::text_of;
using Memories = test::FakeCallHost::Memories;

// A worker in this thread. All that it is sent is there before it begins, and it ends when it has
// done it, because the coordinator has hung up.
class CallExecutionTest : public testing::Test {
 protected:
  static constexpr std::int64_t kBytes = 4096;

  void open_calls() { send(ipc::OpenCalls{}, {claim_segment_.fd()}); }
  void send(const ipc::ChannelMessage& message, const std::vector<int>& fds) {
    ASSERT_TRUE(created_.link.send(message, fds));
  }
  void send_call(std::uint64_t number, std::string_view data = "", bool has_memory = false) {
    ASSERT_TRUE(created_.link.send(ipc::Task{ipc::Call{number, has_memory, bytes_of(data)}}));
  }
  void send_resume(std::uint64_t number) {
    ASSERT_TRUE(created_.link.send(ipc::Task{ipc::ResumeCalls{number}}));
  }
  ipc::CallClaim& claim() { return *reinterpret_cast<ipc::CallClaim*>(claim_memory_.data()); }

  static ipc::Placement whole(std::uint32_t fd_index, std::uint64_t use) {
    return {fd_index, use, 0, kBytes, 0, false};
  }
  // The whole of the segment, for that call.
  void send_memory(std::uint64_t call, std::uint64_t use, const ipc::Segment& segment) {
    send(ipc::CallMemory{call, {whole(0, use)}, {false}}, {segment.fd()});
  }

  // What it has reported after its greeting.
  std::vector<ipc::Report> run(test::FakeCallHost::Run run) {
    created_.link.hang_up();
    std::optional<ipc::WorkerLink> link = ipc::WorkerLink::open(std::move(created_.worker_end));
    EXPECT_TRUE(link);
    if (link) test::run_call_worker(std::move(*link), std::move(run));
    return reports();
  }
  std::vector<ipc::Report> reports() {
    std::vector<ipc::Report> reports;
    ipc::Report report;
    while (created_.link.take(report) == ipc::CoordinatorLink::Take::kReport) {
      reports.push_back(report);
    }
    EXPECT_FALSE(reports.empty());
    if (!reports.empty()) reports.erase(reports.begin());
    return reports;
  }
  static CallAnswer echo(const std::string& data, Memories, const CallHost::ResultRoom&) {
    return {bytes_of(data), false};
  }
  // It must end, because the coordinator broke the protocol.
  void expect_violation(const std::string& part) {
    const Error error = test::error_of([this] { run(echo); });
    EXPECT_EQ(error.code(), ErrorCode::kInternal);
    EXPECT_THAT(error.message(), HasSubstr(part));
  }

  ipc::Segment claim_segment_ = ipc::Segment::create(sizeof(ipc::CallClaim));
  ipc::WritableMapping claim_memory_{claim_segment_.fd(), 0, sizeof(ipc::CallClaim)};
  ipc::Segment segment_ = ipc::Segment::create(kBytes);
  ipc::WritableMapping mapping_{segment_.fd(), 0, kBytes};
  ipc::CoordinatorLink::Created created_ = ipc::CoordinatorLink::create();
};

const ipc::Returned& returned(const ipc::Report& report) { return std::get<ipc::Returned>(report); }

TEST_F(CallExecutionTest, RunsCallsAndAnswersEachOnce) {
  open_calls();
  send_call(1, "first");
  send_call(2, "second");
  const auto reports = run([](const std::string& data, Memories memories, const auto&) {
    EXPECT_THAT(memories, IsEmpty());
    return CallAnswer{bytes_of(data + " answered"), data == "second"};
  });
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(returned(reports[0]).call, 1U);
  EXPECT_EQ(text_of(returned(reports[0]).data), "first answered");
  EXPECT_FALSE(returned(reports[0]).failed);
  EXPECT_FALSE(returned(reports[0]).uses_memory);
  EXPECT_THAT(returned(reports[0]).released, IsEmpty());
  EXPECT_GE(returned(reports[0]).nanoseconds, 0);
  EXPECT_EQ(returned(reports[1]).call, 2U);
  EXPECT_TRUE(returned(reports[1]).failed);
}

TEST_F(CallExecutionTest, ClaimsACallBeforeItRunsIt) {
  open_calls();
  send_call(1);
  send_call(2);
  std::vector<std::uint64_t> begun;
  run([&](const std::string&, Memories, const auto&) {
    begun.push_back(claim().begun());
    return CallAnswer{};
  });
  EXPECT_THAT(begun, ElementsAre(1, 2));
}

TEST_F(CallExecutionTest, MemoryIsSharedForReadingOrItsOwnForWriting) {
  open_calls();
  mapping_.data()[5] = std::byte{1};
  send(ipc::CallMemory{1, {whole(0, 10), whole(1, 11)}, {false, true}},
       {segment_.fd(), segment_.fd()});
  send_call(1, "", true);
  const auto reports = run([&](const std::string&, Memories memories, const auto&) {
    EXPECT_EQ(memories.size(), 2U);
    EXPECT_FALSE(memories[0]->writable());
    EXPECT_TRUE(memories[1]->writable());
    EXPECT_EQ(memories[1]->size_bytes(), kBytes);
    EXPECT_EQ(memories[1]->data()[5], std::byte{1});
    memories[1]->data()[5] = std::byte{2};
    EXPECT_EQ(memories[0]->data()[5], std::byte{1});
    mapping_.data()[5] = std::byte{3};
    EXPECT_EQ(memories[0]->data()[5], std::byte{3});
    EXPECT_EQ(memories[1]->data()[5], std::byte{2});
    return CallAnswer{};
  });
  EXPECT_EQ(mapping_.data()[5], std::byte{3});
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_THAT(returned(reports[0]).released, testing::UnorderedElementsAre(10, 11));
}

TEST_F(CallExecutionTest, MemoryIsReleasedWhenTheHostDropsIt) {
  open_calls();
  send_memory(1, 10, segment_);
  for (std::uint64_t call = 1; call <= 3; ++call) send_call(call, "", call == 1);
  Memories kept;
  const auto reports = run([&](const std::string&, Memories memories, const auto&) {
    if (claim().begun() == 1) kept = std::move(memories);
    if (claim().begun() == 3) kept.clear();
    return CallAnswer{};
  });
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_THAT(returned(reports[0]).released, IsEmpty());
  EXPECT_THAT(returned(reports[1]).released, IsEmpty());
  EXPECT_THAT(returned(reports[2]).released, ElementsAre(10));
}

TEST_F(CallExecutionTest, WhatOneAnswerCannotReleaseTheNextOneDoes) {
  open_calls();
  constexpr std::uint64_t kCalls = ipc::kMaxReleased + 1;
  for (std::uint64_t call = 1; call <= kCalls; ++call) {
    send_memory(call, call, segment_);
    send_call(call, "", true);
  }
  send_call(kCalls + 1);
  Memories kept;
  const auto reports = run([&](const std::string&, Memories memories, const auto&) {
    if (!memories.empty()) kept.push_back(std::move(memories[0]));
    if (kept.size() == kCalls) kept.clear();
    return CallAnswer{};
  });
  ASSERT_EQ(reports.size(), kCalls + 1);
  EXPECT_EQ(returned(reports[kCalls - 1]).released.size(), ipc::kMaxReleased);
  EXPECT_EQ(returned(reports[kCalls]).released.size(), 1U);
}

TEST_F(CallExecutionTest, ACallWhoseMemoryCannotBeMappedFailsAndReleasesAllOfIt) {
  open_calls();
  ipc::Placement beyond = whole(0, 11);
  beyond.range_bytes = kBytes + 1;
  send(ipc::CallMemory{1, {whole(0, 10), beyond, whole(0, 12)}, {false, false, true}},
       {segment_.fd()});
  send_call(1, "", true);
  send_call(2, "next");
  const auto reports = run(echo);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_TRUE(returned(reports[0]).failed);
  EXPECT_THAT(text_of(returned(reports[0]).data), HasSubstr("cannot map 4097 bytes"));
  EXPECT_THAT(returned(reports[0]).released, testing::UnorderedElementsAre(10, 11, 12));
  EXPECT_EQ(text_of(returned(reports[1]).data), "next");
}

TEST_F(CallExecutionTest, CallsThatWereTakenBackAreSkippedWithTheirMemory) {
  open_calls();
  claim().take_back();
  const ipc::Segment other = ipc::Segment::create(kBytes);
  for (std::uint64_t call = 1; call <= 2; ++call) {
    send_memory(call, 10 + call, segment_);
    send_call(call, "taken back", true);
  }
  send_resume(2);
  send_memory(3, 13, other);
  send_call(3, "run", true);
  ipc::WritableMapping(other.fd(), 0, kBytes).data()[0] = std::byte{3};
  const long before = test::open_descriptors();
  const auto reports = run([&](const std::string& data, Memories memories, const auto&) {
    EXPECT_EQ(data, "run");
    EXPECT_EQ(memories.at(0)->data()[0], std::byte{3});
    // Two bells and that of its memory, less the channel that was hung up.
    EXPECT_EQ(test::open_descriptors(), before + 2);
    return CallAnswer{};
  });
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(returned(reports[0]).call, 3U);
  EXPECT_THAT(returned(reports[0]).released, ElementsAre(13));
  EXPECT_EQ(claim().begun(), 3U);
  EXPECT_FALSE(claim().closed());
}

class ResultMemoryTest : public CallExecutionTest {
 protected:
  // What a call is given that asks for memory.
  void send_room(std::uint64_t call) {
    send(ipc::CallMemory{call, {whole(0, 0)}, {true}}, {segment_.fd()});
  }
  static CallAnswer write_result(const std::string& data, Memories,
                                 const CallHost::ResultRoom& room) {
    const std::span<std::byte> bytes = room(static_cast<std::int64_t>(data.size()));
    if (bytes.size() != data.size()) return {bytes_of("no room"), true};
    std::memcpy(bytes.data(), data.data(), data.size());
    return {};
  }
};

TEST_F(ResultMemoryTest, AResultIsWrittenIntoMemoryThatWasAskedFor) {
  open_calls();
  send_room(1);
  send_call(1, "result");
  send_call(2, "");
  const auto reports = run([](const std::string& data, Memories memories, const auto& room) {
    return data.empty() ? CallAnswer{} : write_result(data, std::move(memories), room);
  });
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_EQ(std::get<ipc::NeedMemory>(reports[0]).call, 1U);
  EXPECT_EQ(std::get<ipc::NeedMemory>(reports[0]).size_bytes, 6);
  EXPECT_TRUE(returned(reports[1]).uses_memory);
  EXPECT_THAT(returned(reports[1]).released, IsEmpty());
  EXPECT_EQ(text_of(mapping_.bytes().first(6)), "result");
  EXPECT_FALSE(returned(reports[2]).uses_memory);
}

TEST_F(ResultMemoryTest, MemoryOfCallsToComeMayBeThereFirst) {
  open_calls();
  ipc::Segment later[] = {ipc::Segment::create(kBytes), ipc::Segment::create(kBytes)};
  send_memory(2, 12, later[0]);
  send_memory(3, 13, later[1]);
  for (const int i : {0, 1}) {
    ipc::WritableMapping(later[i].fd(), 0, kBytes).data()[0] = static_cast<std::byte>(12 + i);
  }
  send_room(1);
  send_call(1, "result");
  send_call(2, "", true);
  send_call(3, "", true);
  std::vector<std::byte> seen;
  const auto reports = run([&](const std::string& data, Memories memories, const auto& room) {
    if (!data.empty()) return write_result(data, std::move(memories), room);
    seen.push_back(memories.at(0)->data()[0]);
    return CallAnswer{};
  });
  ASSERT_EQ(reports.size(), 4U);
  EXPECT_TRUE(returned(reports[1]).uses_memory);
  EXPECT_EQ(text_of(mapping_.bytes().first(6)), "result");
  EXPECT_THAT(seen, ElementsAre(std::byte{12}, std::byte{13}));
  EXPECT_THAT(returned(reports[2]).released, ElementsAre(12));
  EXPECT_THAT(returned(reports[3]).released, ElementsAre(13));
}

TEST_F(ResultMemoryTest, ThereMayBeNone) {
  open_calls();
  send(ipc::CallMemory{1, {}, {}}, {});
  send_call(1, "result");
  const auto reports = run(write_result);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(text_of(returned(reports[1]).data), "no room");
  EXPECT_TRUE(returned(reports[1]).failed);
  EXPECT_FALSE(returned(reports[1]).uses_memory);
}

TEST_F(ResultMemoryTest, TooLittleIsAViolation) {
  open_calls();
  send_room(1);
  send_call(1, std::string(kBytes + 1, 'x'));
  const Error error = test::error_of([this] { run(write_result); });
  EXPECT_EQ(error.code(), ErrorCode::kInternal);
  EXPECT_THAT(error.message(), HasSubstr("too little memory"));
}

TEST_F(ResultMemoryTest, NobodyAnswersWhenTheCoordinatorIsGone) {
  open_calls();
  send_call(1, "result");
  // The answer finds nobody, and nothing waits.
  for (const ipc::Report& report : run(write_result)) {
    const auto* answer = std::get_if<ipc::Returned>(&report);
    EXPECT_TRUE(answer == nullptr || answer->failed);
  }
}

TEST_F(CallExecutionTest, EndsWithItsCoordinatorBeforeTheMemoryOfACall) {
  open_calls();
  send_call(1, "", true);
  EXPECT_THAT(run([](const std::string&, Memories, const auto&) {
                ADD_FAILURE() << "the call was run";
                return CallAnswer{};
              }),
              IsEmpty());
}

using CallViolationTest = CallExecutionTest;

TEST_F(CallViolationTest, ACallBeforeItsClaim) {
  send(ipc::CallMemory{1, {}, {}}, {});
  send_call(1);
  expect_violation("before the memory of its claim");
}

TEST_F(CallViolationTest, AClaimWithoutMemory) {
  send(ipc::OpenCalls{}, {});
  send_call(1);
  expect_violation("before the memory of its claim");
}

TEST_F(CallViolationTest, AClaimThatMayShrink) {
  const ipc::UniqueFd shrinks(memfd_create("shrinks", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(shrinks.get(), kBytes), 0);
  send(ipc::OpenCalls{}, {shrinks.get()});
  send_call(1);
  expect_violation("before the memory of its claim");
}

TEST_F(CallViolationTest, AResumptionBeforeTheFirstCall) {
  send_resume(1);
  expect_violation("before the first one");
}

TEST_F(CallViolationTest, MemoryOfAnEarlierCall) {
  open_calls();
  send_call(1);
  send_memory(1, 10, segment_);
  send_call(2, "", true);
  expect_violation("that no call is to have");
}

TEST_F(CallViolationTest, AnotherMessageThanMemory) {
  open_calls();
  send(ipc::OpenCalls{}, {claim_segment_.fd()});
  send_call(1, "", true);
  expect_violation("that no call is to have");
}

TEST_F(CallViolationTest, MemoryWithoutItsUse) {
  open_calls();
  send(ipc::CallMemory{1, {whole(0, 10)}, {}}, {segment_.fd()});
  send_call(1, "", true);
  expect_violation("without its use");
}

TEST_F(CallViolationTest, MemoryWithoutADescriptor) {
  open_calls();
  send(ipc::CallMemory{1, {whole(1, 10)}, {false}}, {segment_.fd()});
  send_call(1, "", true);
  expect_violation("without a descriptor");
}

TEST_F(CallViolationTest, MemoryThatIsNotSealed) {
  open_calls();
  ipc::Placement sealed = whole(0, 10);
  sealed.sealed = true;
  send(ipc::CallMemory{1, {sealed}, {false}}, {segment_.fd()});
  send_call(1, "", true);
  expect_violation("not sealed");
}

TEST_F(CallViolationTest, ACallToAWorkerThatRunsNone) {
  send_call(1);
  created_.link.hang_up();
  std::optional<ipc::WorkerLink> link = ipc::WorkerLink::open(std::move(created_.worker_end));
  ASSERT_TRUE(link);
  Worker worker(std::move(*link), shared_object_hosts());
  EXPECT_EQ(test::error_of([&] { worker.run(); }).code(), ErrorCode::kInternal);
}

TEST_F(CallExecutionTest, SealedMemoryIsTaken) {
  open_calls();
  ipc::Segment sealed = ipc::Segment::create(kBytes);
  sealed.seal();
  ipc::Placement placement = whole(0, 10);
  placement.sealed = true;
  send(ipc::CallMemory{1, {placement}, {true}}, {sealed.read_only_fd().get()});
  send_call(1, "sealed", true);
  const auto reports = run(echo);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(text_of(returned(reports[0]).data), "sealed");
}

}  // namespace
}  // namespace gristmill::workers
