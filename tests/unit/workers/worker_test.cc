#include "workers/worker.h"
#include "workers/shared_object_host.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "ipc/control_segment.h"
#include "ipc/mapping.h"
#include "ipc/segment.h"
#include "ipc/version.h"
#include "tests/support/error_of.h"

namespace gristmill::workers {
namespace {

using ipc::Report;

const std::string kPlugin = GRISTMILL_BIN_DIR "/gristmill-test-plain.so";

ipc::KernelRequest fill(std::int64_t items) {
  ipc::KernelRequest request;
  request.plugin = kPlugin;
  request.kernel = "fill";
  request.inputs = {std::nullopt};
  request.params = {items, 2.5};
  request.outputs_wanted = {true};
  return request;
}

// A worker in this thread: the tasks are all there before it begins, and it ends when it has done
// them, because the coordinator has hung up.
class WorkerTest : public testing::Test {
 protected:
  static constexpr std::int64_t kItems = 10;

  template <class Message>
  void send(const Message& task) {
    ASSERT_TRUE(created_.link.send(ipc::Task{task}));
  }

  // A job of five chunks for a worker alone.
  ipc::OpenJob job_of(std::uint32_t number) const {
    ipc::OpenJob job;
    job.job = number;
    job.slots = 1;
    job.chunks = 5;
    job.items = kItems;
    job.chunk_items = 2;
    job.ledger_key = 7;
    job.control = {0, 100, 0, control_segment_.size_bytes(), 0, false};
    job.request = fill(kItems);
    job.outputs = {{DType::kFloat64, {kItems}}};
    job.input_placements = {std::nullopt};
    job.output_placements = {ipc::Placement{1, 101, 0, kItems * 8, 0, false}};
    return job;
  }
  void open(const ipc::OpenJob& job) {
    control_.slot(0).partition = pack(ipc::ChunkRange{0, job.chunks});
    ASSERT_TRUE(created_.link.send(ipc::ChannelMessage{job},
                                   {control_segment_.fd(), output_segment_.fd()}));
  }

  // All reports after the greeting.
  std::vector<Report> run() {
    created_.link.hang_up();
    std::optional<ipc::WorkerLink> link = ipc::WorkerLink::open(std::move(created_.worker_end));
    EXPECT_TRUE(link);
    if (link) Worker(std::move(*link), shared_object_hosts()).run();
    std::vector<Report> reports;
    Report report;
    while (created_.link.take(report) == ipc::CoordinatorLink::Take::kReport) {
      reports.push_back(report);
    }
    EXPECT_FALSE(reports.empty());
    if (!reports.empty()) {
      EXPECT_EQ(std::get<ipc::Hello>(reports[0]).version, ipc::kVersion);
      reports.erase(reports.begin());
    }
    return reports;
  }

  ipc::Segment control_segment_ = ipc::Segment::create(ipc::ControlSegment::size_bytes(1, 5));
  ipc::WritableMapping control_mapping_{control_segment_.fd(), 0, control_segment_.size_bytes()};
  ipc::Segment output_segment_ = ipc::Segment::create(kItems * 8);
  ipc::ControlSegment control_{control_mapping_.bytes(), 1, 5};

 private:
  ipc::CoordinatorLink::Created created_ = ipc::CoordinatorLink::create();
};

TEST_F(WorkerTest, GreetsAndEndsWithItsCoordinator) { EXPECT_TRUE(run().empty()); }

TEST_F(WorkerTest, DescribesEachKernelOfAPlugin) {
  send(ipc::DescribeRequest{5, kPlugin});
  const std::vector<Report> reports = run();
  ASSERT_EQ(reports.size(), 2U);
  for (std::uint32_t i = 0; i < 2; ++i) {
    const auto& described = std::get<ipc::Described>(reports[i]);
    EXPECT_EQ(described.request, 5U);
    EXPECT_EQ(described.index, i);
    EXPECT_EQ(described.count, 2U);
    EXPECT_EQ(described.kernel.name, i == 0 ? "fill" : "count");
  }
}

TEST_F(WorkerTest, RefusesAPluginThatIsNoneAndGoesOn) {
  send(ipc::DescribeRequest{5, "/nowhere/plugin.so"});
  send(ipc::PlanRequest{6, fill(kItems)});
  const std::vector<Report> reports = run();
  ASSERT_EQ(reports.size(), 2U);
  const auto& refused = std::get<ipc::Refused>(reports[0]);
  EXPECT_EQ(refused.request, 5U);
  EXPECT_EQ(refused.code, ErrorCode::kInvalid);
  EXPECT_NE(refused.text.message.find("/nowhere/plugin.so"), std::string::npos);
  const auto& planned = std::get<ipc::Planned>(reports[1]);
  EXPECT_EQ(planned.request, 6U);
  EXPECT_EQ(planned.items, kItems);
}

TEST_F(WorkerTest, RefusesAPlanInTheKernelsWords) {
  send(ipc::PlanRequest{6, fill(-1)});
  const std::vector<Report> reports = run();
  ASSERT_EQ(reports.size(), 1U);
  const auto& refused = std::get<ipc::Refused>(reports[0]);
  EXPECT_EQ(refused.text.message, "kernel \"fill\": \"items\" is negative");
  EXPECT_EQ(refused.text.hint, "Ask for 0 or more.");
}

TEST_F(WorkerTest, WorksOnAJobUntilNothingIsLeftAndAnswersEachOrderOnce) {
  open(job_of(3));
  send(ipc::Order{3, 1, 0, 0});
  send(ipc::Order{3, 2, 0, 0});
  send(ipc::CloseJob{3});
  const std::vector<Report> reports = run();
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_EQ(std::get<ipc::Idle>(reports[0]).seq, 1U);
  EXPECT_EQ(std::get<ipc::Idle>(reports[1]).seq, 2U);
  EXPECT_EQ(std::get<ipc::JobClosed>(reports[2]).job, 3U);
  const ipc::ReadOnlyMapping output(output_segment_.fd(), 0, kItems * 8);
  for (const double value :
       std::span(reinterpret_cast<const double*>(output.data()), std::size_t{kItems})) {
    EXPECT_EQ(value, 2.5);
  }
  for (std::uint32_t chunk = 0; chunk < 5; ++chunk) {
    EXPECT_EQ(control_.ledger(chunk), ipc::ledger_tag(7, chunk));
  }
}

TEST_F(WorkerTest, OpensOneJobAfterTheOther) {
  open(job_of(3));
  send(ipc::Order{3, 1, 0, 0});
  send(ipc::CloseJob{3});
  open(job_of(4));
  send(ipc::Order{4, 2, 0, 0});
  const std::vector<Report> reports = run();
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_EQ(std::get<ipc::Idle>(reports[2]).job, 4U);
}

TEST_F(WorkerTest, AChunkThatFailsIsReportedAndThenIdle) {
  ipc::OpenJob job = job_of(3);
  job.chunk_items = 600;
  job.items = 1200;
  job.chunks = 2;
  job.request.outputs_wanted = {false};
  job.output_placements = {std::nullopt};
  open(job);
  send(ipc::Order{3, 1, 0, 0});
  const std::vector<Report> reports = run();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(std::get<ipc::JobFailed>(reports[0]).chunk, 1U);
  EXPECT_EQ(std::get<ipc::Idle>(reports[1]).seq, 1U);
}

TEST_F(WorkerTest, AJobThatCannotBeOpenedIsReportedOnceAndEachOrderIsAnswered) {
  ipc::OpenJob job = job_of(3);
  job.request.kernel = "no such kernel";
  open(job);
  send(ipc::Order{3, 1, 0, 0});
  send(ipc::Order{3, 2, 0, 0});
  const std::vector<Report> reports = run();
  ASSERT_EQ(reports.size(), 3U);
  const auto& failed = std::get<ipc::JobFailed>(reports[0]);
  EXPECT_EQ(failed.job, 3U);
  EXPECT_EQ(failed.chunk, std::nullopt);
  EXPECT_EQ(failed.code, ErrorCode::kInvalid);
  EXPECT_EQ(std::get<ipc::Idle>(reports[1]).seq, 1U);
  EXPECT_EQ(std::get<ipc::Idle>(reports[2]).seq, 2U);
}

TEST_F(WorkerTest, AnOrderForAnotherJobThanTheOneSentEndsTheWorker) {
  open(job_of(3));
  send(ipc::Order{4, 1, 0, 0});
  EXPECT_EQ(test::error_of([this] { run(); }).code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace gristmill::workers
