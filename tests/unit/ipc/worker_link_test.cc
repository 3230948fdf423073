#include "ipc/worker_link.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <memory>
#include <string>
#include <thread>

#include "ipc/codec.h"
#include "ipc/version.h"
#include "tests/support/descriptors.h"
#include "tests/support/error_of.h"
#include "tests/support/repetitions.h"

namespace gristmill::ipc {
namespace {

using Take = CoordinatorLink::Take;

constexpr std::int64_t kHalfBytes = sizeof(QueueHalf);

bool is_readable(int fd) {
  pollfd waited{fd, POLLIN, 0};
  return poll(&waited, 1, 0) == 1;
}

Order order(std::uint64_t seq) { return {.job = 1, .seq = seq, .begin = 0, .end = 0}; }

// GoogleTest has its own idea of the name Setup in a test.
ChannelMessage setup_of(const char* version) { return Setup{version}; }

// A coordinator and its worker.
class WorkerLinkTest : public testing::Test {
 protected:
  WorkerLinkTest() : created_(CoordinatorLink::create()) {
    std::optional<WorkerLink> opened = WorkerLink::open(std::move(created_.worker_end));
    if (opened) worker_ = std::make_unique<WorkerLink>(std::move(*opened));
  }
  void SetUp() override { ASSERT_NE(worker_, nullptr); }

  CoordinatorLink& coordinator() { return created_.link; }
  WorkerLink& worker() { return *worker_; }

 private:
  CoordinatorLink::Created created_;
  std::unique_ptr<WorkerLink> worker_;
};

TEST_F(WorkerLinkTest, TasksArriveInOrder) {
  ASSERT_TRUE(coordinator().send(DescribeRequest{5, "/a/plugin.so"}));
  ASSERT_TRUE(coordinator().send(order(7)));
  ASSERT_TRUE(coordinator().send(CloseJob{9}));
  const std::optional<Task> first = worker().wait_for_task();
  ASSERT_TRUE(first && std::holds_alternative<DescribeRequest>(*first));
  EXPECT_EQ(std::get<DescribeRequest>(*first).plugin, "/a/plugin.so");
  const std::optional<Task> second = worker().wait_for_task();
  ASSERT_TRUE(second && std::holds_alternative<Order>(*second));
  EXPECT_EQ(std::get<Order>(*second).seq, 7U);
  const std::optional<Task> third = worker().wait_for_task();
  ASSERT_TRUE(third && std::holds_alternative<CloseJob>(*third));
  EXPECT_EQ(std::get<CloseJob>(*third).job, 9U);
}

TEST_F(WorkerLinkTest, ReportsArriveInOrderAndRing) {
  Report report;
  EXPECT_EQ(coordinator().take(report), Take::kEmpty);
  EXPECT_FALSE(is_readable(coordinator().doorbell_fd()));
  ASSERT_TRUE(worker().send(Hello{kVersion}));
  ASSERT_TRUE(worker().send(Idle{3, 4}));
  EXPECT_TRUE(is_readable(coordinator().doorbell_fd()));
  ASSERT_EQ(coordinator().take(report), Take::kReport);
  EXPECT_EQ(std::get<Hello>(report).version, kVersion);
  ASSERT_EQ(coordinator().take(report), Take::kReport);
  EXPECT_EQ(std::get<Idle>(report).seq, 4U);
  EXPECT_EQ(coordinator().take(report), Take::kEmpty);
}

TEST_F(WorkerLinkTest, DescriptorsTravelWithAMessage) {
  const UniqueFd counter(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  OpenJob job;
  job.job = 12;
  job.request.kernel = "mean_distance";
  ASSERT_TRUE(coordinator().send(ChannelMessage{job}, {counter.get(), STDERR_FILENO}));
  std::vector<UniqueFd> fds;
  const std::optional<ChannelMessage> message = worker().wait_for_message(fds);
  ASSERT_TRUE(message && std::holds_alternative<OpenJob>(*message));
  EXPECT_EQ(std::get<OpenJob>(*message).job, 12U);
  EXPECT_EQ(std::get<OpenJob>(*message).request.kernel, "mean_distance");
  ASSERT_EQ(fds.size(), 2U);
  ASSERT_EQ(eventfd_write(fds[0].get(), 3), 0);
  EXPECT_TRUE(is_readable(counter.get()));
}

TEST_F(WorkerLinkTest, HangUpEndsTheWaitForATask) {
  coordinator().hang_up();
  EXPECT_FALSE(worker().wait_for_task());
}

TEST_F(WorkerLinkTest, HangUpWakesAWorkerThatWaits) {
  std::thread waiting([&] { EXPECT_FALSE(worker().wait_for_task()); });
  coordinator().hang_up();
  waiting.join();
}

TEST_F(WorkerLinkTest, HangUpEndsTheWaitForAMessage) {
  coordinator().hang_up();
  std::vector<UniqueFd> fds;
  EXPECT_FALSE(worker().wait_for_message(fds));
}

TEST_F(WorkerLinkTest, NothingCanBeSentByTheChannelAfterHangUp) {
  coordinator().hang_up();
  EXPECT_FALSE(coordinator().send(ChannelMessage{OpenJob{}}, {}));
}

TEST_F(WorkerLinkTest, ATaskWakesAWorkerThatWaits) {
  std::thread answering([&] {
    while (const std::optional<Task> task = worker().wait_for_task()) {
      ASSERT_TRUE(worker().send(Idle{1, std::get<Order>(*task).seq}));
    }
  });
  Report report;
  for (std::uint64_t seq = 1; seq <= static_cast<std::uint64_t>(test::repetitions(20'000)); ++seq) {
    EXPECT_TRUE(coordinator().send(order(seq)));
    Take take = Take::kEmpty;
    while ((take = coordinator().take(report)) == Take::kEmpty) std::this_thread::yield();
    if (take != Take::kReport || std::get<Idle>(report).seq != seq) {
      ADD_FAILURE() << "no answer to order " << seq;
      break;
    }
  }
  coordinator().hang_up();
  answering.join();
}

TEST_F(WorkerLinkTest, AFullTaskQueueRefusesAndGoesOnAfterwards) {
  std::uint64_t sent = 0;
  while (coordinator().send(order(sent))) ++sent;
  EXPECT_GT(sent, 1000U);
  EXPECT_FALSE(coordinator().send(order(sent)));
  ASSERT_TRUE(worker().wait_for_task());
  EXPECT_TRUE(coordinator().send(order(sent)));
  for (std::uint64_t seq = 1; seq <= sent; ++seq) {
    const std::optional<Task> task = worker().wait_for_task();
    ASSERT_TRUE(task);
    ASSERT_EQ(std::get<Order>(*task).seq, seq);
  }
}

// More than a frame takes, of fields that are all within their limits.
KernelRequest request_too_long() {
  KernelRequest request;
  request.params = {std::vector<double>(4096), std::vector<double>(4096)};
  return request;
}
Described report_too_long() {
  Described described;
  described.kernel.params.assign(20, {"name", "int", "0", std::string(kMaxTextBytes, 'x'), false});
  return described;
}

TEST_F(WorkerLinkTest, ATaskTooLongForTheQueueIsRefusedAndOthersStillPass) {
  EXPECT_FALSE(coordinator().send(PlanRequest{1, request_too_long()}));
  ASSERT_TRUE(coordinator().send(order(5)));
  const std::optional<Task> task = worker().wait_for_task();
  ASSERT_TRUE(task);
  EXPECT_EQ(std::get<Order>(*task).seq, 5U);
}

TEST_F(WorkerLinkTest, AMessageTooLongForTheChannelIsRefused) {
  OpenJob job;
  job.request = request_too_long();
  job.request.params.push_back(std::vector<double>(4096));
  EXPECT_FALSE(coordinator().send(ChannelMessage{job}, {}));
  EXPECT_FALSE(coordinator().send(ChannelMessage{OpenJob{}},
                                  std::vector<int>(kMaxChannelFds + 1, STDERR_FILENO)));
}

TEST_F(WorkerLinkTest, AReportTooLongForTheQueueIsRefusedAndOthersStillPass) {
  EXPECT_EQ(test::error_of([&] { worker().send(report_too_long()); }).code(), ErrorCode::kInvalid);
  ASSERT_TRUE(worker().send(Idle{1, 2}));
  Report report;
  ASSERT_EQ(coordinator().take(report), Take::kReport);
  EXPECT_EQ(std::get<Idle>(report).seq, 2U);
}

TEST_F(WorkerLinkTest, AFullReportQueueOfACoordinatorThatIsGoneEndsTheWorker) {
  coordinator().hang_up();
  std::uint64_t sent = 0;
  while (worker().send(Idle{1, sent})) ++sent;
  EXPECT_GT(sent, 1000U);
}

TEST(WorkerLinkOpenTest, ACoordinatorThatIsGoneIsNoLink) {
  auto [coordinator, worker] = Channel::create_pair();
  coordinator.close();
  EXPECT_FALSE(WorkerLink::open(std::move(worker)));
}

TEST(WorkerLinkOpenTest, ACoordinatorThatIsGoneAfterTheSetupGivesNoTask) {
  std::optional<Channel> end;
  {
    CoordinatorLink::Created created = CoordinatorLink::create();
    end = std::move(created.worker_end);
  }
  std::optional<WorkerLink> worker = WorkerLink::open(std::move(*end));
  ASSERT_TRUE(worker);
  EXPECT_FALSE(worker->wait_for_task());
}

TEST(WorkerLinkOpenTest, ALinkLeavesNoDescriptors) {
  const long before = test::open_descriptors();
  {
    CoordinatorLink::Created created = CoordinatorLink::create();
    const std::optional<WorkerLink> worker = WorkerLink::open(std::move(created.worker_end));
    EXPECT_TRUE(worker);
    EXPECT_GT(test::open_descriptors(), before);
  }
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST(WorkerLinkOpenTest, NoDescriptorsLeftIsAResourceErrorAndLeavesNone) {
  const long before = test::open_descriptors();
  for (unsigned spare = 0; spare < 6; ++spare) {
    const test::DescriptorLimit limit(spare);
    const Error error = test::error_of([] { CoordinatorLink::create(); });
    EXPECT_EQ(error.code(), ErrorCode::kResources) << spare << ": " << error.message();
  }
  EXPECT_EQ(test::open_descriptors(), before);
}

// One side of a link by hand, to break the rules with. The other side gets what is in `setup`.
class ByHandTest : public testing::Test {
 protected:
  // The halves as CoordinatorLink makes them, and the descriptors of a setup message.
  Segment coordinators_ = Segment::create(kHalfBytes);
  Segment workers_ = Segment::create(kHalfBytes);
  WritableMapping coordinators_mapping_{coordinators_.fd(), 0, kHalfBytes};
  WritableMapping workers_mapping_{workers_.fd(), 0, kHalfBytes};
  Doorbell worker_bell_ = Doorbell::create();
  Doorbell coordinator_bell_ = Doorbell::create();
  std::pair<Channel, Channel> channel_ = Channel::create_pair();

  QueueHalf& coordinators_half() {
    return *reinterpret_cast<QueueHalf*>(coordinators_mapping_.data());
  }
  QueueHalf& workers_half() { return *reinterpret_cast<QueueHalf*>(workers_mapping_.data()); }

  std::vector<int> fds() const {
    return {coordinators_.fd(), workers_.fd(), worker_bell_.fd(), coordinator_bell_.fd()};
  }
  void send(const ChannelMessage& message, const std::vector<int>& fds) {
    ASSERT_TRUE(channel_.first.send(encode(message), fds));
  }
  std::optional<WorkerLink> open() { return WorkerLink::open(std::move(channel_.second)); }
  Error open_error() {
    return test::error_of([this] { open(); });
  }
};

TEST_F(ByHandTest, ASetupByHandIsALink) {
  send(setup_of(kVersion), fds());
  std::optional<WorkerLink> worker = open();
  ASSERT_TRUE(worker);
  ASSERT_TRUE(worker->send(Idle{1, 2}));
  EXPECT_TRUE(is_readable(coordinator_bell_.fd()));
  RingReader reports(workers_half().outgoing, coordinators_half().incoming);
  std::vector<std::byte> frame;
  ASSERT_EQ(reports.pop(frame), RingReader::Pop::kFrame);
  EXPECT_EQ(frame, encode(Report{Idle{1, 2}}));
}

TEST_F(ByHandTest, TheWorkerAnswersItsBellBeforeItLooks) {
  send(setup_of(kVersion), fds());
  std::optional<WorkerLink> worker = open();
  ASSERT_TRUE(worker);
  RingWriter tasks(coordinators_half().outgoing, workers_half().incoming);
  ASSERT_TRUE(tasks.push(encode(Task{order(1)})));
  worker_bell_.ring();
  EXPECT_TRUE(worker->wait_for_task());
  // Else the next wait would return at once, and the worker would never sleep.
  EXPECT_FALSE(is_readable(worker_bell_.fd()));
}

TEST_F(ByHandTest, AFullReportQueueMakesTheWorkerWaitAndLosesNothing) {
  constexpr std::uint64_t kReports = 40'000;
  send(setup_of(kVersion), fds());
  std::optional<WorkerLink> worker = open();
  ASSERT_TRUE(worker);
  std::thread reporting([&] {
    for (std::uint64_t seq = 0; seq < kReports; ++seq) ASSERT_TRUE(worker->send(Idle{1, seq}));
  });
  while (workers_half().outgoing.head < kRingBytes - 64) std::this_thread::yield();
  RingReader reports(workers_half().outgoing, coordinators_half().incoming);
  std::vector<std::byte> frame;
  std::uint64_t wrong = 0;
  for (std::uint64_t seq = 0; seq < kReports;) {
    const RingReader::Pop pop = reports.pop(frame);
    if (pop == RingReader::Pop::kEmpty) {
      std::this_thread::yield();
      continue;
    }
    if (pop != RingReader::Pop::kFrame || frame != encode(Report{Idle{1, seq}})) ++wrong;
    ++seq;
  }
  reporting.join();
  EXPECT_EQ(wrong, 0U);
}

TEST_F(ByHandTest, AnotherVersionIsRefusedAndBothAreNamed) {
  send(setup_of("99.9.9"), fds());
  const Error error = open_error();
  EXPECT_EQ(error.code(), ErrorCode::kInternal);
  EXPECT_NE(error.message().find("99.9.9"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find(kVersion), std::string::npos) << error.message();
}

TEST_F(ByHandTest, ASetupThatIsNoMessageIsRefused) {
  ASSERT_TRUE(channel_.first.send(std::vector<std::byte>(20, std::byte{0xC1}), fds()));
  EXPECT_EQ(open_error().code(), ErrorCode::kInternal);
}

TEST_F(ByHandTest, AnotherMessageInPlaceOfTheSetupIsRefused) {
  send(OpenJob{}, fds());
  EXPECT_EQ(open_error().code(), ErrorCode::kInternal);
}

TEST_F(ByHandTest, ASetupWithoutAllItsDescriptorsIsRefused) {
  std::vector<int> three = fds();
  three.pop_back();
  send(setup_of(kVersion), three);
  EXPECT_EQ(open_error().code(), ErrorCode::kInternal);
}

TEST_F(ByHandTest, ASetupWithMoreDescriptorsThanItsOwnIsRefused) {
  std::vector<int> five = fds();
  five.push_back(STDERR_FILENO);
  send(setup_of(kVersion), five);
  EXPECT_EQ(open_error().code(), ErrorCode::kInternal);
}

TEST_F(ByHandTest, MemoryTooSmallForAQueueIsRefused) {
  const Segment small = Segment::create(kHalfBytes - 1);
  for (const std::size_t which : {0, 1}) {
    channel_ = Channel::create_pair();
    std::vector<int> given = fds();
    given[which] = small.fd();
    send(setup_of(kVersion), given);
    EXPECT_EQ(open_error().code(), ErrorCode::kInvalid) << which;
  }
}

TEST_F(ByHandTest, ARefusedSetupLeavesNoDescriptors) {
  const long before = test::open_descriptors();
  send(setup_of("99.9.9"), fds());
  open_error();
  // The worker's end of the channel is closed, too.
  EXPECT_EQ(test::open_descriptors(), before - 1);
}

TEST_F(ByHandTest, ATaskThatIsNoMessageIsAnErrorOfTheCoordinator) {
  send(setup_of(kVersion), fds());
  std::optional<WorkerLink> worker = open();
  ASSERT_TRUE(worker);
  RingWriter tasks(coordinators_half().outgoing, workers_half().incoming);
  ASSERT_TRUE(tasks.push(encode(Report{Idle{1, 2}})));
  EXPECT_EQ(test::error_of([&] { worker->wait_for_task(); }).code(), ErrorCode::kInternal);
}

TEST_F(ByHandTest, ABrokenTaskQueueIsAnErrorOfTheCoordinator) {
  send(setup_of(kVersion), fds());
  std::optional<WorkerLink> worker = open();
  ASSERT_TRUE(worker);
  coordinators_half().outgoing.head = kRingBytes * 7;
  EXPECT_EQ(test::error_of([&] { worker->wait_for_task(); }).code(), ErrorCode::kInternal);
}

TEST_F(ByHandTest, AnImpossibleIndexOfTheCoordinatorIsAnErrorForTheWorkersReports) {
  send(setup_of(kVersion), fds());
  std::optional<WorkerLink> worker = open();
  ASSERT_TRUE(worker);
  coordinators_half().incoming.tail = 8;
  EXPECT_EQ(test::error_of([&] { worker->send(Idle{}); }).code(), ErrorCode::kInternal);
}

TEST_F(ByHandTest, AMessageThatIsNoneIsAnErrorOfTheCoordinator) {
  send(setup_of(kVersion), fds());
  std::optional<WorkerLink> worker = open();
  ASSERT_TRUE(worker);
  ASSERT_TRUE(channel_.first.send(std::vector<std::byte>(3), {}));
  std::vector<UniqueFd> received;
  EXPECT_EQ(test::error_of([&] { worker->wait_for_message(received); }).code(),
            ErrorCode::kInternal);
}

// The worker's side by hand.
class BrokenWorkerTest : public testing::Test {
 protected:
  BrokenWorkerTest() : created_(CoordinatorLink::create()) {
    EXPECT_EQ(created_.worker_end.receive(setup_), Channel::Receive::kMessage);
    mapping_ = WritableMapping(setup_.fds.at(1).get(), 0, kHalfBytes);
    coordinators_mapping_ = ReadOnlyMapping(setup_.fds.at(0).get(), 0, kHalfBytes);
  }

  CoordinatorLink& coordinator() { return created_.link; }
  QueueHalf& half() { return *reinterpret_cast<QueueHalf*>(mapping_.data()); }
  const QueueHalf& coordinators_half() const {
    return *reinterpret_cast<const QueueHalf*>(coordinators_mapping_.data());
  }
  int bell() const { return setup_.fds.at(2).get(); }
  int coordinators_memory() const { return setup_.fds.at(0).get(); }

 private:
  CoordinatorLink::Created created_;
  Channel::Message setup_;
  WritableMapping mapping_;
  ReadOnlyMapping coordinators_mapping_;
};

TEST_F(BrokenWorkerTest, CannotWriteTheCoordinatorsHalf) {
  EXPECT_THROW(WritableMapping(coordinators_memory(), 0, kHalfBytes), Error);
  EXPECT_EQ(pwrite(coordinators_memory(), "x", 1, 0), -1);
  const std::string path = "/proc/self/fd/" + std::to_string(coordinators_memory());
  const UniqueFd reopened(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!reopened) return;
  EXPECT_THROW(WritableMapping(reopened.get(), 0, kHalfBytes), Error);
  EXPECT_EQ(pwrite(reopened.get(), "x", 1, 0), -1);
}

TEST_F(BrokenWorkerTest, AReportThatIsNoMessageIsAViolation) {
  RingWriter reports(half().outgoing, coordinators_half().incoming);
  ASSERT_TRUE(reports.push(std::vector<std::byte>(5, std::byte{0xFF})));
  Report report;
  EXPECT_EQ(coordinator().take(report), Take::kViolation);
}

TEST_F(BrokenWorkerTest, ATaskInPlaceOfAReportIsAViolation) {
  RingWriter reports(half().outgoing, coordinators_half().incoming);
  ASSERT_TRUE(reports.push(encode(Task{order(1)})));
  Report report;
  EXPECT_EQ(coordinator().take(report), Take::kViolation);
}

TEST_F(BrokenWorkerTest, ABrokenReportQueueIsAViolationForEver) {
  Report report;
  half().outgoing.head = std::uint64_t{1} << 63;
  EXPECT_EQ(coordinator().take(report), Take::kViolation);
  half().outgoing.head = 0;
  EXPECT_EQ(coordinator().take(report), Take::kViolation);
}

TEST_F(BrokenWorkerTest, AnImpossibleIndexOfTheWorkerRefusesTasks) {
  half().incoming.tail = 8;
  EXPECT_FALSE(coordinator().send(order(1)));
  half().incoming.tail = 0;
  EXPECT_FALSE(coordinator().send(order(1)));
}

TEST_F(BrokenWorkerTest, AFullCounterOfItsBellDoesNotBlockTheCoordinator) {
  ASSERT_EQ(eventfd_write(bell(), ~eventfd_t{0} - 1), 0);
  EXPECT_TRUE(coordinator().send(order(1)));
}

}  // namespace
}  // namespace gristmill::ipc
