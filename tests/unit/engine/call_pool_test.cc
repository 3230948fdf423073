#include "engine/call_pool.h"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/support/repetitions.h"
#include "tests/unit/engine/call_pool_fixture.h"

namespace gristmill::engine {
namespace {

using test::bytes_of;
using test::text_of;
using testing::HasSubstr;
using testing::IsEmpty;

class CallPoolTest : public CallPoolFixture {};

TEST_F(CallPoolTest, RunsCalls) {
  make(echoing(), {.workers = 3});
  for (std::uint64_t id = 1; id <= 100; ++id) submit(id, "call " + std::to_string(id));
  wait_for(100);
  for (std::uint64_t id = 1; id <= 100; ++id) expect_answer(id, "call " + std::to_string(id));
}

TEST_F(CallPoolTest, AnAnswerMayBeAFailure) {
  make(running([](const std::string&, auto, const auto&) {
    return workers::CallAnswer{bytes_of("no"), true};
  }));
  submit(1, "call");
  EXPECT_TRUE(end_of(1).failed);
  EXPECT_FALSE(end_of(1).death);
  EXPECT_EQ(text_of(end_of(1).data), "no");
}

TEST_F(CallPoolTest, TheLargestCallsAreRunOneBehindTheOther) {
  make(echoing());
  const std::string largest(ipc::kMaxCallBytes, 'x');
  for (std::uint64_t id = 1; id <= 50; ++id) submit(id, largest);
  for (std::uint64_t id = 1; id <= 50; ++id) expect_answer(id, largest);
}

TEST_F(CallPoolTest, NoMoreAreTakenThanWorkersGetInAdvance) {
  make(echoing(), {.workers = 2});
  submit(1, "gate 1");
  submit(2, "gate 2");
  submit(3, "behind");
  submit(4, "behind");
  EXPECT_FALSE(pool_->reserve());
  gates_.open("gate 1");
  gates_.open("gate 2");
  wait_for(4);
  EXPECT_TRUE(pool_->reserve());
  pool_->give_back();
}

TEST_F(CallPoolTest, WakeEndsTheWait) {
  make(echoing());
  pool_->wake();
  EXPECT_THAT(pool_->wait(), IsEmpty());
  std::thread waker([this] { pool_->wake(); });
  EXPECT_THAT(pool_->wait(), IsEmpty());
  waker.join();
}

TEST_F(CallPoolTest, APlaceThatIsGivenBackEndsTheWaitOfWhoHadNone) {
  make(echoing());
  while (pool_->reserve()) {
  }
  std::thread giver([this] { pool_->give_back(); });
  EXPECT_THAT(pool_->wait(), IsEmpty());
  giver.join();
  EXPECT_TRUE(pool_->reserve());
}

// Threads that submit, and one that waits and submits what was refused, as an executor does.
TEST_F(CallPoolTest, NoCallIsForgottenByManyThreads) {
  constexpr int kThreads = 4;
  const int calls = static_cast<int>(test::repetitions(2000));
  make(echoing(), {.workers = 2});
  std::atomic<int> pending = 0;
  std::atomic<std::uint64_t> ids = 0;
  const auto hand_out = [&] {
    while (pending > 0 && pool_->reserve()) {
      if (pending.fetch_sub(1) <= 0) {
        ++pending;
        pool_->give_back();
        return;
      }
      const std::uint64_t id = ++ids;
      pool_->submit(request(id, std::to_string(id)));
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < calls; ++call) {
        ++pending;
        hand_out();
      }
    });
  }
  while (ends_.size() < static_cast<std::size_t>(kThreads * calls)) {
    take(pool_->wait());
    hand_out();
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& [id, end] : ends_) ASSERT_EQ(text_of(end.data), std::to_string(id));
}

TEST_F(CallPoolTest, AStoppedPoolDropsWhatHasNotEnded) {
  make(echoing());
  submit(1, "gate");
  submit(2, "behind");
  run_until_reached("gate");
  gates_.open_all();
  pool_.reset();
}

TEST_F(CallPoolTest, APoolThatWasNotUsedStartsNoWorkers) {
  std::atomic<int> started = 0;
  make([&](int, const ipc::WorkerLink&) { ++started; });
  pool_->wake();
  EXPECT_THAT(pool_->wait(), IsEmpty());
  EXPECT_THAT(pool_->pids(), IsEmpty());
  pool_.reset();
  EXPECT_EQ(started, 0);
}

// Workers that are replaced, and begun well.

TEST_F(CallPoolTest, EachWorkerRunsTheInitializerFirst) {
  std::mutex mutex;
  std::map<int, std::vector<std::string>> runs;
  make(
      [&](int number, ipc::WorkerLink link) {
        test::run_call_worker(std::move(link),
                              [&, number](const std::string& data, auto, const auto&) {
                                const std::lock_guard lock(mutex);
                                runs[number].push_back(data);
                                return workers::CallAnswer{};
                              });
      },
      {.workers = 2, .initializer = request(0, "initialize")});
  for (std::uint64_t id = 1; id <= 20; ++id) submit(id, "call");
  wait_for(20);
  pool_.reset();
  EXPECT_FALSE(runs.empty());
  for (const auto& [number, datas] : runs) {
    EXPECT_EQ(datas.front(), "initialize");
    EXPECT_EQ(std::count(datas.begin(), datas.end(), "initialize"), 1);
  }
}

TEST_F(CallPoolTest, AnInitializerThatFailsBreaksThePool) {
  make(running([](const std::string& data, auto, const auto&) {
         return workers::CallAnswer{bytes_of("why"), data == "initialize"};
       }),
       {.initializer = request(0, "initialize")});
  submit(1, "call");
  wait_until_broken();
  EXPECT_THAT(pool_->broken(), HasSubstr("initializer failed"));
  ASSERT_EQ(ends_.size(), 1U);
  EXPECT_EQ(ends_.begin()->first, 0U);
  EXPECT_EQ(text_of(ends_[0].data), "why");
  // Nothing comes of it, and nobody waits for ever.
  if (pool_->reserve()) pool_->submit(request(2, "late"));
  EXPECT_THAT(pool_->wait(), IsEmpty());
}

TEST_F(CallPoolTest, WorkersAreReplacedAfterTheirCalls) {
  std::mutex mutex;
  std::map<int, int> runs;
  make(
      [&](int number, ipc::WorkerLink link) {
        test::run_call_worker(std::move(link),
                              [&, number](const std::string& data, auto, const auto&) {
                                const std::lock_guard lock(mutex);
                                if (data == "call") ++runs[number];
                                return workers::CallAnswer{};
                              });
      },
      {.workers = 2, .calls_per_worker = 3, .initializer = request(0, "initialize")});
  for (std::uint64_t id = 1; id <= 20; ++id) submit(id, "call");
  wait_for(20);
  pool_.reset();
  EXPECT_GE(runs.size(), 7U);
  for (const auto& [number, count] : runs) EXPECT_LE(count, 3) << number;
}

// Memory.

class CallMemoryTest : public CallPoolFixture {
 protected:
  // Of which the test sees when nobody has it any more.
  CallArgument watched(bool writable = false) {
    auto segment = pool_->take_memory(kBytes);
    CallArgument new_argument = argument(segment, writable);
    new_argument.keep = std::shared_ptr<const void>(kept_, segment.get());
    segments_.push_back(std::move(segment));
    return new_argument;
  }
  void fill(std::size_t index, char value) {
    std::memset(segments_[index]->writable(), value, kBytes);
  }
  // By the pool and its calls.
  long uses() const { return kept_.use_count() - 1; }

  static constexpr std::size_t kBytes = 4096;
  std::shared_ptr<int> kept_ = std::make_shared<int>();
  std::vector<std::shared_ptr<const PooledSegment>> segments_;
};

TEST_F(CallMemoryTest, ArgumentsAreSharedOrTheWorkersOwn) {
  make(running([](const std::string&, auto memories, const auto&) {
    std::string first;
    for (const auto& memory : memories) {
      first.push_back(static_cast<char>(memory->data()[0]));
      if (memory->writable()) memory->data()[0] = std::byte{'x'};
    }
    return workers::CallAnswer{bytes_of(first), false};
  }));
  const CallArgument shared = watched();
  const CallArgument own = watched(/*writable=*/true);
  fill(0, 'a');
  fill(1, 'b');
  submit(request(1, "", {shared, own}));
  submit(request(2, "", {own, own, shared}));
  expect_answer(1, "ab");
  expect_answer(2, "bba");
  EXPECT_EQ(segments_[1]->view()[0], std::byte{'b'});
}

TEST_F(CallMemoryTest, ArgumentsAreKeptUntilTheirWorkerHasUnmappedThem) {
  test::FakeCallHost::Memories kept;
  make(running([&](const std::string& data, auto memories, const auto&) {
    if (data == "keep") kept = std::move(memories);
    if (data == "drop") kept.clear();
    return workers::CallAnswer{};
  }));
  submit(request(1, "keep", {watched()}));
  end_of(1);
  EXPECT_EQ(uses(), 1);
  submit(2, "nothing");
  end_of(2);
  EXPECT_EQ(uses(), 1);
  submit(3, "drop");
  end_of(3);
  EXPECT_EQ(uses(), 0);
  pool_.reset();
}

TEST_F(CallMemoryTest, ADeadWorkerKeepsNone) {
  make([](int, ipc::WorkerLink link) {
    test::CallWorkerSteps worker(std::move(link));
    const ipc::Call call = worker.next_call();
    worker.next_memory();
    worker.answer(call);
    worker.next_call();
  });
  submit(request(1, "", {watched()}));
  end_of(1);
  EXPECT_EQ(uses(), 1);
  submit(2, "die");
  EXPECT_TRUE(end_of(2).death);
  EXPECT_EQ(uses(), 0);
}

TEST_F(CallMemoryTest, ManyCallsWithMuchMemoryAreOnTheirWayAtOnce) {
  make(running([](const std::string&, auto memories, const auto&) {
         return workers::CallAnswer{bytes_of(std::to_string(memories.size())), false};
       }),
       {.workers = 2});
  const CallArgument one = watched();
  const std::vector<CallArgument> most(ipc::kMaxCallMemories, one);
  for (std::uint64_t id = 1; id <= 300; ++id) submit(request(id, "", most));
  for (std::uint64_t id = 1; id <= 300; ++id) expect_answer(id, "32");
}

// Asks for memory of the size that the data say, and writes to it.
workers::CallAnswer answer_in_memory(const std::string& data,
                                     const workers::CallHost::ResultRoom& room) {
  const std::span<std::byte> bytes = room(std::stoll(data));
  if (bytes.empty()) return {bytes_of("no room"), true};
  bytes.back() = std::byte{'r'};
  return {};
}

TEST_F(CallMemoryTest, AResultComesInMemory) {
  make(running([](const std::string& data, auto, const auto& room) {
    return answer_in_memory(data, room);
  }));
  submit(1, "5000000");
  const CallEnd& end = end_of(1);
  EXPECT_FALSE(end.failed);
  ASSERT_TRUE(end.memory);
  ASSERT_GE(end.memory->size_bytes(), 5'000'000);
  EXPECT_EQ(end.memory->view()[4'999'999], std::byte{'r'});
}

TEST_F(CallMemoryTest, MoreThanThereIsIsRefusedInTheCall) {
  make(running([](const std::string& data, auto, const auto& room) {
    return answer_in_memory(data, room);
  }));
  submit(1, std::to_string(INT64_MAX));
  EXPECT_EQ(text_of(end_of(1).data), "no room");
  EXPECT_TRUE(end_of(1).failed);
  EXPECT_FALSE(end_of(1).memory);
  submit(2, "100");
  EXPECT_TRUE(end_of(2).memory);
}

// Calls behind a long one.

class TakeBackTest : public CallMemoryTest {
 protected:
  // Two workers, the first in "gate 1", the second in "gate 2".
  void begin_long_calls() {
    submit(1, "gate 1");
    submit(2, "gate 2");
    run_until_reached("gate 1");
    run_until_reached("gate 2");
  }
  Body counting() {
    return running([this](const std::string& data, auto, const auto&) {
      {
        const std::lock_guard lock(mutex_);
        ++runs_[data];
      }
      return echo(data);
    });
  }
  // When the workers are gone.
  void expect_each_run_once() {
    gates_.open_all();
    pool_.reset();
    for (const auto& [data, count] : runs_) EXPECT_EQ(count, 1) << data;
  }

  std::mutex mutex_;
  std::map<std::string, int> runs_;
};

TEST_F(TakeBackTest, GoToAWorkerThatHasNone) {
  make(counting(), {.workers = 2});
  begin_long_calls();
  submit(3, "behind");
  gates_.open("gate 2");
  expect_answer(3, "behind");
  EXPECT_EQ(ends_.count(1), 0U);
  gates_.open("gate 1");
  expect_answer(1, "gate 1");
  submit(4, "after");
  submit(5, "after, too");
  expect_answer(4, "after");
  expect_answer(5, "after, too");
  expect_each_run_once();
}

// A worker that has not read of the first time must not hear of a second one.
TEST_F(TakeBackTest, AreTakenBackOnceAndNoMoreFollowThem) {
  make(counting(), {.workers = 2});
  begin_long_calls();
  submit(3, "gate 3");
  gates_.open("gate 2");
  run_until_reached("gate 3");
  submit(4, "fourth");
  gates_.open("gate 3");
  expect_answer(4, "fourth");
  EXPECT_EQ(ends_.count(1), 0U);
  gates_.open("gate 1");
  expect_answer(1, "gate 1");
  expect_each_run_once();
}

TEST_F(TakeBackTest, TheirMemoryIsNotKeptForTheWorkerThatDidNotBeginThem) {
  make(counting(), {.workers = 2});
  begin_long_calls();
  submit(request(3, "behind", {watched()}));
  gates_.open("gate 2");
  end_of(3);
  EXPECT_EQ(uses(), 0);
  expect_each_run_once();
}

// The queue of a worker is full of what was taken back: it gets calls nevertheless.
TEST_F(TakeBackTest, LeaveRoomForOthers) {
  make(echoing(), {.workers = 2});
  // Quick ones, so that workers get many in advance.
  std::uint64_t id = 10;
  for (; id < 400; ++id) submit(id, "quick");
  wait_for(390);
  begin_long_calls();
  const std::string largest(ipc::kMaxCallBytes, 'x');
  for (int i = 0; i < 6; ++i) submit(++id, largest);
  gates_.open("gate 2");
  wait_for(390 + 1 + 6);
  submit(3, "gate 3");
  run_until_reached("gate 3");
  gates_.open("gate 1");
  expect_answer(1, "gate 1");
  submit(++id, largest);
  expect_answer(id, largest);
}

}  // namespace
}  // namespace gristmill::engine
