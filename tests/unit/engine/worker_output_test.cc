#include "engine/worker_output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

namespace gristmill::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Both ends of a worker's pipe.
class WorkerOutputTest : public testing::Test {
 protected:
  WorkerOutputTest() {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    writing_.reset(fds[1]);
    output_.emplace(ipc::UniqueFd(fds[0]), 3, lines_);
  }

  // The number of bytes that the pipe took.
  std::size_t write_text(std::string_view text) const {
    const ssize_t size = ::write(writing_.get(), text.data(), text.size());
    return size < 0 ? 0 : static_cast<std::size_t>(size);
  }
  void read_after(std::string_view text) {
    ASSERT_EQ(write_text(text), text.size());
    while (output_->read_some()) {
    }
  }

  std::vector<std::string> taken_;
  std::vector<std::string> late_;
  bool ready_ = true;
  WorkerLines lines_{.take =
                         [this](int worker, std::string_view line) {
                           EXPECT_EQ(worker, 3);
                           taken_.emplace_back(line);
                         },
                     .ready = [this] { return ready_; },
                     .take_late =
                         [this](int worker, std::string_view line) {
                           EXPECT_EQ(worker, 3);
                           late_.emplace_back(line);
                         }};
  ipc::UniqueFd writing_;
  std::optional<WorkerOutput> output_;
};

TEST_F(WorkerOutputTest, LinesAreWholeHoweverTheyWereWritten) {
  read_after("one\ntw");
  EXPECT_THAT(taken_, ElementsAre("one"));
  read_after("o");
  read_after("\n\nfour\n");
  EXPECT_THAT(taken_, ElementsAre("one", "two", "", "four"));
  EXPECT_EQ(output_->last_lines(), taken_);
}

TEST_F(WorkerOutputTest, TheLastLineNeedsNoEnd) {
  read_after("one\ntwo");
  output_->read_rest();
  EXPECT_THAT(taken_, ElementsAre("one", "two"));
  output_->read_rest();
  EXPECT_THAT(taken_, SizeIs(2));
}

TEST_F(WorkerOutputTest, WhoeverClosesItHasEndedTheLine) {
  ASSERT_EQ(write_text("one"), 3U);
  writing_.reset();
  EXPECT_FALSE(output_->read_some());
  EXPECT_THAT(taken_, ElementsAre("one"));
}

TEST_F(WorkerOutputTest, ControlCharactersCannotReachATerminal) {
  read_after(std::string_view("a\x1b[2J\tb\r\0c\x7f\xc3\xa9\n", 14));
  EXPECT_THAT(taken_, ElementsAre("a [2J b  c \xc3\xa9"));
}

TEST_F(WorkerOutputTest, OnlyLongLinesAreCut) {
  const std::string longest(WorkerOutput::kMostLineBytes, 'x');
  read_after(longest + "\n" + longest + "y\nz\n");
  EXPECT_THAT(taken_, ElementsAre(longest, longest + "...", "z"));
}

TEST_F(WorkerOutputTest, ALineIsCutBetweenCharacters) {
  const std::string before(WorkerOutput::kMostLineBytes - 1, 'x');
  read_after(before + "\xc3\xa9" + "\n");
  EXPECT_THAT(taken_, ElementsAre(before + "..."));
}

TEST_F(WorkerOutputTest, ALineWithoutEndIsCutOnceAndForgotten) {
  for (int i = 0; i < 100; ++i) read_after(std::string(10'000, 'x'));
  read_after("y\nnext\n");
  EXPECT_THAT(taken_, ElementsAre(std::string(WorkerOutput::kMostLineBytes, 'x') + "...", "next"));
}

TEST_F(WorkerOutputTest, TheLastTwentyLinesAreKept) {
  for (int i = 0; i < 50; ++i) read_after(std::to_string(i) + "\n");
  EXPECT_THAT(taken_, SizeIs(50));
  ASSERT_THAT(output_->last_lines(), SizeIs(WorkerOutput::kMostLastLines));
  EXPECT_EQ(output_->last_lines().front(), "30");
  EXPECT_EQ(output_->last_lines().back(), "49");
}

TEST_F(WorkerOutputTest, ACallTakesABoundedPart) {
  ASSERT_GE(fcntl(writing_.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
  const std::size_t written = write_text(std::string(1 << 20, '\n'));
  EXPECT_TRUE(output_->read_some());
  EXPECT_THAT(taken_, SizeIs(testing::Lt(written)));
  while (output_->read_some()) {
  }
  EXPECT_THAT(taken_, SizeIs(written));
}

TEST_F(WorkerOutputTest, WhatNobodyIsReadyForStaysInThePipe) {
  ready_ = false;
  const std::string line = std::string(99, 'x') + "\n";
  std::size_t written = 0;
  for (int i = 0; i < 100'000; ++i) {
    written += write_text(line);
    EXPECT_FALSE(output_->read_some());
  }
  EXPECT_LT(written, std::size_t{1} << 20);
  EXPECT_TRUE(output_->waits());
  EXPECT_THAT(taken_, IsEmpty());
  ready_ = true;
  while (output_->read_some()) {
  }
  EXPECT_FALSE(output_->waits());
  output_->read_rest();
  EXPECT_GE(taken_.size(), written / line.size());
}

TEST_F(WorkerOutputTest, OfADeadWorkerAllIsLateAndKeptThoughNobodyIsReady) {
  ready_ = false;
  ASSERT_EQ(write_text("one\ntwo\nthree"), 13U);
  EXPECT_FALSE(output_->read_some());
  output_->read_rest();
  EXPECT_THAT(taken_, IsEmpty());
  EXPECT_THAT(late_, ElementsAre("one", "two", "three"));
  EXPECT_EQ(output_->last_lines(), late_);
}

TEST(WorkerOutputOfNobodyTest, IsEmpty) {
  const WorkerLines lines;
  WorkerOutput output({}, 0, lines);
  EXPECT_EQ(output.fd(), -1);
  EXPECT_FALSE(output.read_some());
  output.read_rest();
  EXPECT_THAT(output.last_lines(), IsEmpty());
}

// stderr as a pipe with these texts in it.
class StderrPipe {
 public:
  StderrPipe() : before_(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    reading_.reset(fds[0]);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
  }
  ~StderrPipe() { dup2(before_.get(), STDERR_FILENO); }
  std::string read_once() const {
    char text[256];
    const ssize_t size = ::read(reading_.get(), text, sizeof text);
    return {text, static_cast<std::size_t>(size)};
  }

 private:
  ipc::UniqueFd before_;
  ipc::UniqueFd reading_;
};

TEST(LinesToStderrTest, HaveTheNumberOfTheirWorker) {
  const WorkerLines lines = lines_to_stderr();
  const StderrPipe pipe;
  ASSERT_TRUE(lines.ready());
  lines.take(3, "text");
  EXPECT_EQ(pipe.read_once(), "gristmill: worker 3: text\n");
  lines.take(-1, "text");
  EXPECT_EQ(pipe.read_once(), "gristmill: planner: text\n");
}

TEST(LinesToStderrTest, WaitWhileItIsFull) {
  const WorkerLines lines = lines_to_stderr();
  const StderrPipe pipe;
  int taken = 0;
  for (; lines.ready() && taken < 10'000; ++taken) lines.take(3, std::string(1000, 'x'));
  EXPECT_LT(taken, 10'000);
}

}  // namespace
}  // namespace gristmill::engine
