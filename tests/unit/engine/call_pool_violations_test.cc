#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>

#include "engine/call_pool.h"
#include "tests/unit/engine/call_pool_fixture.h"

namespace gristmill::engine {
namespace {

using test::CallWorkerSteps;
using testing::HasSubstr;

// The workers numbered below `wrong` do something else than running calls.
class MisbehavingWorkersTest : public CallPoolFixture {
 protected:
  using Steps = std::function<void(CallWorkerSteps& worker)>;

  void make_wrong(int wrong, Steps steps, CallPool::Options options = {}) {
    make(
        [=, right = echoing(), steps = std::move(steps)](int number, ipc::WorkerLink link) {
          if (number >= wrong) return right(number, std::move(link));
          CallWorkerSteps worker(std::move(link));
          steps(worker);
        },
        std::move(options));
  }
  void submit_three() {
    submit(1, "first");
    submit(2, "second");
    submit(3, "third");
  }
  // A worker that was killed for this in the first call, and no other call was lost.
  void expect_violation(const std::string& words) {
    submit_three();
    EXPECT_EQ(violation_in(1), words);
    expect_answer(2, "second");
    expect_answer(3, "third");
  }
};

// Deaths: who is to blame.

using CallDeathTest = MisbehavingWorkersTest;

TEST_F(CallDeathTest, BeforeACallBlamesNone) {
  make_wrong(2, [](CallWorkerSteps& worker) { worker.next_call(/*claimed=*/false); });
  submit_three();
  expect_answer(1, "first");
  expect_answer(2, "second");
  expect_answer(3, "third");
}

TEST_F(CallDeathTest, InACallBlamesThatOne) {
  make_wrong(1, [](CallWorkerSteps& worker) {
    worker.answer(worker.next_call());
    worker.next_call();
  });
  submit_three();
  expect_answer(1, "");
  const CallEnd& end = end_of(2);
  EXPECT_TRUE(end.failed);
  ASSERT_TRUE(end.death);
  EXPECT_EQ(end.death->worker, 0U);
  EXPECT_EQ(end.death->death.exit.in_words(), "ended with exit code 0");
  EXPECT_FALSE(end.death->death.own_kill);
  expect_answer(3, "third");
}

TEST_F(CallDeathTest, AfterAnAnswerBlamesNone) {
  make_wrong(1, [](CallWorkerSteps& worker) { worker.answer(worker.next_call(), "done"); });
  submit_three();
  expect_answer(1, "done");
  expect_answer(2, "second");
  expect_answer(3, "third");
}

TEST_F(CallDeathTest, OfACallThatIsRetriedIsNoEnd) {
  make_wrong(2, [](CallWorkerSteps& worker) { worker.next_call(); }, {.retries = 2});
  submit_three();
  expect_answer(1, "first");
  expect_answer(2, "second");
  expect_answer(3, "third");
}

TEST_F(CallDeathTest, TooManyRetriesAreTheEnd) {
  make_wrong(3, [](CallWorkerSteps& worker) { worker.next_call(); }, {.retries = 1});
  submit(1, "first");
  EXPECT_TRUE(end_of(1).death);
}

TEST_F(CallDeathTest, ByAKillThatWasAskedForIsToldSo) {
  std::atomic<bool> claimed = false;
  make_wrong(1, [&](CallWorkerSteps& worker) {
    worker.next_call();
    claimed = true;
    worker.wait_for_end();
  });
  submit(1, "first");
  submit(2, "behind");
  run_until([&] { return claimed.load(); });
  pool_->kill_workers();
  const CallEnd& end = end_of(1);
  ASSERT_TRUE(end.death);
  EXPECT_TRUE(end.death->death.own_kill);
  EXPECT_EQ(end.death->death.violation, "");
  wait_until_broken();
  EXPECT_THAT(pool_->broken(), HasSubstr("were killed"));
  EXPECT_EQ(ends_.count(2), 0U) << "another worker was started for it";
}

TEST_F(CallDeathTest, InTheInitializerBreaksThePool) {
  make_wrong(1, [](CallWorkerSteps& worker) { worker.next_call(); },
             {.initializer = request(0, "initialize")});
  submit(1, "first");
  wait_until_broken();
  EXPECT_THAT(pool_->broken(), HasSubstr("died in the initializer"));
  EXPECT_TRUE(ends_[0].death);
}

// Knows the end of the first worker before the pool has looked.
class WatchedLauncher : public test::ThreadLauncher {
 public:
  using test::ThreadLauncher::ThreadLauncher;
  std::unique_ptr<WorkerProcess> launch(ipc::Channel end) override {
    auto process = test::ThreadLauncher::launch(std::move(end));
    if (exit_fd_ < 0) exit_fd_ = process->exit_fd();
    return process;
  }
  void wait_for_end() const {
    pollfd state{exit_fd_, POLLIN, 0};
    ASSERT_EQ(poll(&state, 1, -1), 1);
  }

 private:
  int exit_fd_ = -1;
};

TEST_F(CallDeathTest, AfterARequestForMemoryThatNobodyHasRead) {
  auto launcher = std::make_unique<WatchedLauncher>([this](int number, ipc::WorkerLink link) {
    if (number > 0) return echoing()(number, std::move(link));
    CallWorkerSteps worker(std::move(link));
    const ipc::Call call = worker.next_call();
    gates_.pass("gate");
    worker.answer(ipc::NeedMemory{call.call, 100});
  });
  const WatchedLauncher& watched = *launcher;
  make(std::move(launcher), {});
  submit(1, "first");
  run_until_reached("gate");
  gates_.open("gate");
  watched.wait_for_end();
  EXPECT_TRUE(end_of(1).death);
  submit(2, "second");
  expect_answer(2, "second");
}

// Claims that say what cannot be.

using RubbishClaimTest = MisbehavingWorkersTest;

// It was in the second one, and its claim says the first: nobody can know better.
TEST_F(RubbishClaimTest, ThatSaysTheCallBeforeBlamesNone) {
  make_wrong(1, [](CallWorkerSteps& worker) {
    worker.answer(worker.next_call());
    worker.next_call();
    worker.claim().resume(1);
  });
  submit_three();
  expect_answer(1, "");
  expect_answer(2, "second");
  expect_answer(3, "third");
}

TEST_F(RubbishClaimTest, OfADeadWorkerBlamesTheCallThatItMayHaveBeenIn) {
  for (const std::uint64_t rubbish :
       {std::uint64_t{2}, ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{1} << 40}) {
    ends_.clear();
    make_wrong(1, [rubbish](CallWorkerSteps& worker) {
      worker.answer(worker.next_call());
      worker.next_call();
      worker.claim().resume(rubbish);
    });
    submit_three();
    expect_answer(1, "");
    EXPECT_TRUE(end_of(2).death) << rubbish;
    expect_answer(3, "third");
    pool_.reset();
  }
}

TEST_F(RubbishClaimTest, OfAWorkerThatLivesEndsIt) {
  make(
      [this](int number, ipc::WorkerLink link) {
        if (number != 0) {
          return test::run_call_worker(std::move(link), [this](const std::string& data, auto,
                                                               const auto&) { return echo(data); });
        }
        CallWorkerSteps worker(std::move(link));
        worker.next_call();
        worker.claim().resume(1'000'000);
        gates_.pass("gate 1");
        worker.wait_for_end();
      },
      {.workers = 2});
  submit(1, "first");
  submit(2, "gate 2");
  run_until_reached("gate 1");
  run_until_reached("gate 2");
  submit(3, "behind");
  gates_.open("gate 1");
  gates_.open("gate 2");
  EXPECT_EQ(violation_in(1), "it claimed a call that it was not given");
  expect_answer(2, "gate 2");
  expect_answer(3, "behind");
}

// What is said that must not be.

TEST_F(MisbehavingWorkersTest, AnswersAnotherCall) {
  make_wrong(1, [](CallWorkerSteps& worker) {
    ipc::Call call = worker.next_call();
    ++call.call;
    worker.answer(call);
    worker.wait_for_end();
  });
  expect_violation("it answered a call that it was not in");
}

TEST_F(MisbehavingWorkersTest, AnswersTwice) {
  make_wrong(1, [](CallWorkerSteps& worker) {
    const ipc::Call call = worker.next_call();
    worker.answer(call, "once");
    worker.answer(call, "twice");
    worker.wait_for_end();
  });
  submit_three();
  expect_answer(1, "once");
  expect_answer(2, "second");
  expect_answer(3, "third");
}

TEST_F(MisbehavingWorkersTest, ReleasesMemoryThatItDidNotHave) {
  make_wrong(1, [](CallWorkerSteps& worker) {
    ipc::Returned returned;
    returned.call = worker.next_call().call;
    returned.released = {77};
    worker.answer(returned);
    worker.wait_for_end();
  });
  expect_violation("it gave memory back that it did not have");
}

TEST_F(MisbehavingWorkersTest, HasAResultInMemoryThatItDidNotGet) {
  make_wrong(1, [](CallWorkerSteps& worker) {
    ipc::Returned returned;
    returned.call = worker.next_call().call;
    returned.uses_memory = true;
    worker.answer(returned);
    worker.wait_for_end();
  });
  expect_violation("it answered a call that it was not in");
}

TEST_F(MisbehavingWorkersTest, AsksForMemoryOutsideOfACall) {
  make_wrong(1, [](CallWorkerSteps& worker) {
    worker.answer(ipc::NeedMemory{worker.next_call().call + 1, 100});
    worker.wait_for_end();
  });
  expect_violation("it asked for memory outside of a call");
}

TEST_F(MisbehavingWorkersTest, AsksForNoMemory) {
  for (const std::int64_t size : {std::int64_t{0}, INT64_MIN}) {
    ends_.clear();
    make_wrong(1, [size](CallWorkerSteps& worker) {
      worker.answer(ipc::NeedMemory{worker.next_call().call, size});
      worker.wait_for_end();
    });
    expect_violation("it asked for memory outside of a call");
    pool_.reset();
  }
}

TEST_F(MisbehavingWorkersTest, AsksForMemoryTwice) {
  make_wrong(1, [](CallWorkerSteps& worker) {
    const std::uint64_t call = worker.next_call().call;
    for (int i = 0; i < 2; ++i) worker.answer(ipc::NeedMemory{call, 100});
    worker.wait_for_end();
  });
  expect_violation("it asked for memory outside of a call");
}

TEST_F(MisbehavingWorkersTest, ReportsWhatNobodyAskedFor) {
  make_wrong(1, [](CallWorkerSteps& worker) {
    worker.next_call();
    worker.answer(ipc::Idle{1, 1});
    worker.wait_for_end();
  });
  expect_violation("it reported what nobody had asked for");
}

// Neither is a time that cannot be.
TEST_F(MisbehavingWorkersTest, TellsAnyTime) {
  for (const std::int64_t nanoseconds : {INT64_MIN, INT64_MAX, std::int64_t{0}}) {
    ends_.clear();
    make_wrong(1, [nanoseconds](CallWorkerSteps& worker) {
      for (;;) {
        ipc::Returned returned;
        returned.call = worker.next_call().call;
        returned.nanoseconds = nanoseconds;
        worker.answer(returned);
      }
    });
    submit_three();
    wait_for(3);
    pool_.reset();
  }
}

// Workers that do not start.

TEST_F(CallPoolFixture, IsBrokenWhenNoWorkerCanBeStarted) {
  class NoLauncher : public WorkerLauncher {
   public:
    std::unique_ptr<WorkerProcess> launch(ipc::Channel) override {
      throw Error(ErrorCode::kInvalid, "there is no program");
    }
  };
  make(std::make_unique<NoLauncher>(), {.workers = 2});
  submit(1, "call");
  wait_until_broken();
  EXPECT_THAT(pool_->broken(), HasSubstr("there is no program"));
}

TEST_F(CallPoolFixture, IsBrokenWhenItsWorkersDieBeforeTheyHaveDoneAnything) {
  make([](int, const ipc::WorkerLink&) {});
  submit(1, "call");
  wait_until_broken();
  EXPECT_THAT(pool_->broken(), HasSubstr("died again and again"));
}

// Output without end, of workers on threads: whoever reads it writes it again.

class TalkingProcess : public WorkerProcess {
 public:
  TalkingProcess(std::unique_ptr<WorkerProcess> process, ipc::UniqueFd output)
      : process_(std::move(process)), output_(std::move(output)) {}
  int exit_fd() const override { return process_->exit_fd(); }
  std::optional<WorkerExit> reap() override { return process_->reap(); }
  void kill() override { process_->kill(); }
  ipc::UniqueFd take_output() override { return std::move(output_); }
  bool ends_when_killed() const override { return process_->ends_when_killed(); }

 private:
  std::unique_ptr<WorkerProcess> process_;
  ipc::UniqueFd output_;
};

class TalkingLauncher : public test::ThreadLauncher {
 public:
  TalkingLauncher(Body body, ipc::UniqueFd output)
      : test::ThreadLauncher(std::move(body)), output_(std::move(output)) {}
  std::unique_ptr<WorkerProcess> launch(ipc::Channel end) override {
    return std::make_unique<TalkingProcess>(test::ThreadLauncher::launch(std::move(end)),
                                            std::move(output_));
  }

 private:
  ipc::UniqueFd output_;
};

TEST_F(CallPoolFixture, OutputWithoutEndHoldsNobodyUp) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  const ipc::UniqueFd writing(ends[1]);
  std::atomic<bool> talks = true;
  const auto write_line = [&] {
    if (!talks) return;
    EXPECT_GT(write(writing.get(), "line\n", 5), 0);
  };
  for (int i = 0; i < 5000; ++i) write_line();
  pool_ = std::make_unique<CallPool>(
      std::make_unique<TalkingLauncher>(echoing(), ipc::UniqueFd(ends[0])), CallPool::Options{},
      SegmentPool::Limits{}, WorkerLines{.take = [&](int, std::string_view) { write_line(); }});
  submit(1, "call");
  expect_answer(1, "call");
  talks = false;
  pool_.reset();
}

}  // namespace
}  // namespace gristmill::engine
