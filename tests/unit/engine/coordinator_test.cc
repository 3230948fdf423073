#include "engine/coordinator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine_core.h"
#include "ipc/version.h"
#include "tests/support/digest_job.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/thread_launcher.h"
#include "tests/support/wait_until.h"

namespace gristmill::engine {
namespace {

using test::ThreadLauncher;
using testing::HasSubstr;

// What a worker that breaks the protocol does with its first order. The link says the rest of the
// worker's words; it ends when this returns.
using Script = std::function<void(ipc::WorkerLink& link, const ipc::Order& order)>;

// Workers on threads: number 0 follows a script in its first job, until it ends and is replaced.
class CoordinatorTest : public testing::Test {
 protected:
  static std::unique_ptr<EngineCore> engine_with(Script script, int workers = 2) {
    auto body = [script = std::move(script)](int number, ipc::WorkerLink link) {
      if (number != 0) return ThreadLauncher::run_worker(number, std::move(link));
      const std::optional<ipc::Task> task = link.wait_for_task();
      if (task && std::holds_alternative<ipc::Order>(*task)) {
        script(link, std::get<ipc::Order>(*task));
      }
    };
    return std::make_unique<EngineCore>(
        std::make_unique<ThreadLauncher>(std::move(body)), workers,
        std::vector<std::string>{test::test_plugin("gristmill-test-kernels").string()});
  }

  // The worker is replaced, and the job is exact. Its end is told.
  void expect_replaced(const Script& script, const std::string& why) {
    const auto engine = engine_with(script);
    const Result result = engine->submit(rows_.spec(ChunkSize::items(10))).wait();
    rows_.check(result);
    ASSERT_EQ(result.summary().faults.attempts.size(), 1U);
    EXPECT_THAT(result.summary().faults.attempts[0].what, HasSubstr(why));
    EXPECT_EQ(result.summary().faults.attempts[0].chunk, -1);
    const Result next = engine->submit(rows_.spec(ChunkSize::items(10))).wait();
    rows_.check(next);
    EXPECT_EQ(next.summary().plan.workers, 2);
  }

  // Answers nothing until the coordinator takes the channel away.
  static void answer_nothing(ipc::WorkerLink& link) {
    while (link.wait_for_task()) {
    }
  }

  // Closes jobs, but takes no orders.
  static void wait_for_the_end(ipc::WorkerLink& link) {
    while (const std::optional<ipc::Task> task = link.wait_for_task()) {
      const auto* close = std::get_if<ipc::CloseJob>(&*task);
      if (close != nullptr) link.send(ipc::JobClosed{close->job, 0, 0, {}});
    }
  }

  // The job that the worker has opened, and its words.
  struct OpenedJob {
    explicit OpenedJob(ipc::WorkerLink& link)
        : message(*link.wait_for_message(fds)),
          open(std::get<ipc::OpenJob>(message)),
          mapping(fds.at(open.control.fd_index).get(), open.control.range_offset,
                  open.control.range_bytes),
          control(mapping.bytes(), open.slots, open.chunks) {}

    std::vector<ipc::UniqueFd> fds;
    ipc::ChannelMessage message;
    const ipc::OpenJob& open;
    ipc::WritableMapping mapping;
    ipc::ControlSegment control;
  };

  test::RowHashJob rows_{1000, 2, 5};
};

TEST_F(CoordinatorTest, AReportThatNobodyAskedForEndsTheWorker) {
  expect_replaced(
      [](ipc::WorkerLink& link, const ipc::Order&) {
        link.send(ipc::Planned{});
        wait_for_the_end(link);
      },
      "was killed because it answered what it was not asked");
}

TEST_F(CoordinatorTest, AFailureOfAnotherJobEndsTheWorker) {
  expect_replaced(
      [](ipc::WorkerLink& link, const ipc::Order& order) {
        link.send(ipc::JobFailed{order.job + 1, std::nullopt, ErrorCode::kFailed, {}});
        wait_for_the_end(link);
      },
      "it answered what it was not asked");
}

TEST_F(CoordinatorTest, AWorkerOfAnotherVersionIsRefused) {
  expect_replaced(
      [](ipc::WorkerLink& link, const ipc::Order&) {
        link.send(ipc::Hello{"9.9.9"});
        wait_for_the_end(link);
      },
      "it is of version 9.9.9");
}

TEST_F(CoordinatorTest, AWorkerThatEndsInsteadOfWorkingIsReplaced) {
  expect_replaced([](ipc::WorkerLink&, const ipc::Order&) {}, "ended with exit code 0");
}

TEST_F(CoordinatorTest, AFailureInAChunkThatDoesNotExistNamesNoRows) {
  const auto engine = engine_with([](ipc::WorkerLink& link, const ipc::Order& order) {
    link.send(ipc::JobFailed{order.job, 4'000'000, ErrorCode::kFailed, {"no such chunk", {}, {}}});
    link.send(ipc::Idle{order.job, order.seq});
    answer_nothing(link);
  });
  const Result result = engine->submit(rows_.spec(ChunkSize::items(10))).wait();
  ASSERT_TRUE(result.error());
  EXPECT_EQ(result.error()->message(), "no such chunk");
  EXPECT_EQ(result.error()->detail(), "");
}

TEST_F(CoordinatorTest, ChunksThatWereClaimedAndNotDoneAreNoticed) {
  const auto engine = engine_with(
      [](ipc::WorkerLink& link, const ipc::Order& order) {
        const OpenedJob job(link);
        ipc::SlotWords& words = job.control.slot(job.open.slot);
        words.partition = 0;
        words.chunks_done = job.open.chunks;
        link.send(ipc::Idle{order.job, order.seq});
        wait_for_the_end(link);
      },
      1);
  const Result result = engine->submit(rows_.spec(ChunkSize::items(10))).wait();
  ASSERT_TRUE(result.error());
  EXPECT_EQ(result.error()->code(), ErrorCode::kInternal);
  EXPECT_THAT(result.error()->message(), HasSubstr("the ledger has"));
}

TEST_F(CoordinatorTest, AWorkerThatOnlyFailedAChunkIsReplacedWhenItHasTooMuchMemory) {
  const auto engine = engine_with([](ipc::WorkerLink& link, const ipc::Order& order) {
    const OpenedJob job(link);
    ipc::SlotWords& own = job.control.slot(job.open.slot);
    const ipc::ChunkRange range = ipc::unpack_range(own.partition.exchange(0));
    link.send(ipc::JobFailed{order.job, range.begin, ErrorCode::kFailed, {"no memory", {}, {}}});
    link.send(ipc::Idle{order.job, order.seq, true});
    wait_for_the_end(link);
  });
  JobSpec spec = rows_.spec(ChunkSize::items(10));
  spec.faults.on_error = OnError::kSkip;
  const Result result = engine->submit(spec).wait();
  ASSERT_TRUE(result.done()) << result.error()->message();
  EXPECT_EQ(result.summary().faults.retired, 1);
  ASSERT_EQ(result.summary().faults.quarantined.size(), 1U);
  EXPECT_EQ(result.summary().faults.quarantined[0].why, "no memory");
}

TEST_F(CoordinatorTest, AFloodOfReportsNeitherStopsTheJobNorEndsIt) {
  const auto engine = engine_with([](ipc::WorkerLink& link, const ipc::Order& order) {
    for (int i = 0; i < 50'000; ++i) {
      if (!link.send(ipc::Idle{order.job, order.seq + 1})) return;
    }
    link.send(ipc::Idle{order.job, order.seq});
    wait_for_the_end(link);
  });
  const Result result = engine->submit(rows_.spec(ChunkSize::items(10))).wait();
  rows_.check(result);
  EXPECT_EQ(result.summary().workers[0].chunks, 0) << "the other one has stolen all";
}

TEST_F(CoordinatorTest, AFloodDuringACancelDoesNotDelayItsEnd) {
  const auto engine = engine_with(
      [](ipc::WorkerLink& link, const ipc::Order& order) {
        for (int i = 0; i < 200'000 && link.send(ipc::Idle{order.job, order.seq + 1}); ++i) {
        }
        answer_nothing(link);
      },
      1);
  Job job = engine->submit(rows_.spec(ChunkSize::items(10)));
  test::wait_until([&] { return job.progress().workers_running == 1; });
  job.cancel();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
  rows_.check(engine->submit(rows_.spec()).wait());
}

TEST_F(CoordinatorTest, AWorkerThatDoesNotCloseItsJobIsEndedAndTheJobIsDone) {
  const auto engine = engine_with([](ipc::WorkerLink& link, const ipc::Order& order) {
    link.send(ipc::Idle{order.job, order.seq});
    answer_nothing(link);
  });
  rows_.check(engine->submit(rows_.spec(ChunkSize::items(10))).wait());
  const Result next = engine->submit(rows_.spec(ChunkSize::items(10))).wait();
  rows_.check(next);
}

TEST_F(CoordinatorTest, AStaleAnswerDoesNotEndTheJobEarly) {
  const auto engine = engine_with([](ipc::WorkerLink& link, const ipc::Order& order) {
    // As if it were from the job before, and from an order before.
    link.send(ipc::Idle{order.job - 1, order.seq});
    link.send(ipc::Idle{order.job, order.seq - 1});
    link.send(ipc::JobClosed{order.job, 0, 0, {}});
    link.send(ipc::Idle{order.job, order.seq});
    wait_for_the_end(link);
  });
  rows_.check(engine->submit(rows_.spec(ChunkSize::items(10))).wait());
}

TEST_F(CoordinatorTest, ItsEndCancelsWhatRunsAndWhatWaits) {
  auto engine =
      engine_with([](ipc::WorkerLink& link, const ipc::Order&) { wait_for_the_end(link); }, 1);
  Job running = engine->submit(rows_.spec(ChunkSize::items(10)));
  Job waiting = engine->submit(rows_.spec(ChunkSize::items(10)));
  engine.reset();
  EXPECT_EQ(running.wait().outcome(), Outcome::kCancelled);
  EXPECT_EQ(waiting.wait().outcome(), Outcome::kCancelled);
}

// Starts so many workers and no more.
class LastLauncher : public ThreadLauncher {
 public:
  LastLauncher(int most, Body body) : ThreadLauncher(std::move(body)), left_(most) {}
  std::unique_ptr<WorkerProcess> launch(ipc::Channel worker_end) override {
    if (left_ == 0) throw Error(ErrorCode::kResources, "no more workers");
    --left_;
    return ThreadLauncher::launch(std::move(worker_end));
  }

 private:
  int left_;
};

TEST(CoordinatorWithoutWorkersTest, AReduceThatNobodyCanStartFails) {
  // The only worker ends in the first job; the planner is the second one.
  const auto body = [](int number, ipc::WorkerLink link) {
    if (number != 0) return ThreadLauncher::run_worker(number, std::move(link));
    link.wait_for_task();
  };
  EngineCore engine(std::make_unique<LastLauncher>(2, body), 1,
                    {test::test_plugin("gristmill-test-reducing").string()});
  const test::DigestJob job(100);
  EXPECT_EQ(engine.submit(job.spec()).wait().outcome(), Outcome::kFailed);
  const Result refused = engine.submit(job.spec()).wait();
  ASSERT_EQ(refused.outcome(), Outcome::kFailed);
  EXPECT_EQ(refused.error()->message(), "no more workers");
}

}  // namespace
}  // namespace gristmill::engine
