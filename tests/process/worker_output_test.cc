#include "engine/worker_output.h"

#include <fcntl.h>

#include <map>
#include <mutex>

#include "engine/process_launcher.h"
#include "engine/worker_pool.h"
#include "tests/process/process_test.h"
#include "tests/support/error_of.h"
#include "tests/support/sanitizers.h"

namespace gristmill::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int kPlanner = -1;

class WorkerOutputTest : public ProcessTest {
 protected:
  // An engine whose workers' lines are all_lines() and lines_of().
  std::unique_ptr<Engine> printing_engine(int workers) {
    EngineOptions options = options_of(workers);
    options.plugins.push_back(test_plugin("gristmill-test-printing"));
    options.worker_output = [this](int worker, std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_[worker].emplace_back(line);
    };
    return std::make_unique<Engine>(std::move(options));
  }

  static JobSpec print(const std::string& how, const std::string& text, std::int64_t count = 1) {
    return {.kernel = "print", .params = {{"how", how}, {"text", text}, {"count", count}}};
  }

  std::map<int, std::vector<std::string>> all_lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::vector<std::string> lines_of(int worker) { return all_lines()[worker]; }
  std::vector<std::string> lines() {
    std::vector<std::string> together;
    for (const auto& [worker, lines] : all_lines()) {
      together.insert(together.end(), lines.begin(), lines.end());
    }
    return together;
  }

 private:
  std::mutex mutex_;
  std::map<int, std::vector<std::string>> lines_;
};

TEST_F(WorkerOutputTest, LinesOfBothKindsComeWithTheirWorker) {
  auto engine = printing_engine(1);
  ASSERT_TRUE(engine->submit(print("stdio", "to stdout")).wait().done());
  wait_until([&] { return lines_of(0).size() == 1; });
  ASSERT_TRUE(engine->submit(print("stderr", "to stderr")).wait().done());
  engine.reset();
  EXPECT_THAT(lines_of(0), ElementsAre("to stdout", "to stderr"));
  EXPECT_THAT(all_lines(), SizeIs(1));
}

TEST_F(WorkerOutputTest, AnUnfinishedLineComesAtTheEndOfItsWorker) {
  auto engine = printing_engine(1);
  ASSERT_TRUE(engine->submit(print("unfinished", "no end")).wait().done());
  expect_good_engine(*engine);
  EXPECT_THAT(lines_of(0), SizeIs(0));
  engine.reset();
  EXPECT_THAT(lines_of(0), ElementsAre("no end"));
}

TEST_F(WorkerOutputTest, AFloodArrivesWhole) {
  const std::string line(99, 'x');
  constexpr std::int64_t kLines = 100'000;
  auto engine = printing_engine(3);
  ASSERT_TRUE(engine->submit(print("lines", line, kLines)).wait().done());
  engine.reset();
  EXPECT_THAT(lines(), AllOf(SizeIs(kLines), testing::Each(line)));
  EXPECT_THAT(all_lines(), SizeIs(1));
}

TEST_F(WorkerOutputTest, AFloodWithoutLinesIsCut) {
  auto engine = printing_engine(2);
  ASSERT_TRUE(engine->submit(print("unfinished", std::string(99, 'x'), 100'000)).wait().done());
  engine.reset();
  EXPECT_THAT(lines(), ElementsAre(std::string(engine::WorkerOutput::kMostLineBytes, 'x') + "..."));
}

TEST_F(WorkerOutputTest, AFloodOfThePlannerHoldsNothingUp) {
  const std::string line(99, 'x');
  constexpr std::int64_t kLines = 10'000;
  auto engine = printing_engine(2);
  JobSpec spec = print("nothing", line, kLines);
  spec.params["plan"] = "lines";
  ASSERT_TRUE(engine->submit(spec).wait().done());
  engine.reset();
  EXPECT_THAT(lines_of(kPlanner), AllOf(SizeIs(kLines), testing::Each(line)));
}

TEST_F(WorkerOutputTest, IsTakenFromWorkersThatAreStartedLater) {
  auto engine = printing_engine(1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(engine->submit(print("abort", "")).wait().done());
    EXPECT_TRUE(engine->submit(print("lines", std::to_string(i))).wait().done());
  }
  engine.reset();
  for (const char* text : {"0", "1", "2"}) EXPECT_THAT(lines_of(0), Contains(text));
}

// stderr as a full pipe that nobody reads.
class FullStderr {
 public:
  FullStderr() : before_(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    reading_.reset(fds[0]);
    const std::string text(4096, 'x');
    while (write(fds[1], text.data(), text.size()) > 0) {
    }
    EXPECT_EQ(fcntl(fds[1], F_SETFL, 0), 0);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
  }
  ~FullStderr() { dup2(before_.get(), STDERR_FILENO); }
  FullStderr(const FullStderr&) = delete;
  FullStderr& operator=(const FullStderr&) = delete;

  void empty() const {
    char text[4096];
    while (read(reading_.get(), text, sizeof text) > 0) {
    }
  }

 private:
  ipc::UniqueFd before_;
  ipc::UniqueFd reading_;
};

class UnreadOutputTest : public ProcessTest {
 protected:
  static std::unique_ptr<Engine> quiet_engine() {
    EngineOptions options = options_of(2);
    options.plugins.push_back(test_plugin("gristmill-test-printing"));
    return std::make_unique<Engine>(std::move(options));
  }
  static JobSpec flood() {
    return {.kernel = "print",
            .params = {{"how", "lines"}, {"text", std::string(99, 'x')}, {"count", 10'000}}};
  }
};

TEST_F(UnreadOutputTest, HoldsUpOnlyTheWorkerThatWroteIt) {
  const FullStderr nobody_reads;
  const auto engine = quiet_engine();
  const GateFolder gate;
  JobSpec spec = flood();
  spec.params["folder"] = gate.path();
  Job job = engine->submit(spec);
  gate.wait_for_worker_at(0);
  job.cancel();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled);
  expect_good_engine(*engine);
}

TEST_F(UnreadOutputTest, DoesNotKeepACrashedWorkerFromDying) {
  const FullStderr nobody_reads;
  const auto engine = quiet_engine();
  expect_failure(engine->submit({.kernel = "print", .params = {{"how", "abort"}}}).wait(),
                 {"killed by SIGABRT"});
  expect_good_engine(*engine);
}

TEST_F(UnreadOutputTest, GoesOnOnceSomebodyReads) {
  const FullStderr reader;
  const auto engine = quiet_engine();
  Job job = engine->submit(flood());
  wait_until([&] {
    reader.empty();
    return job.wait_for(std::chrono::milliseconds(1));
  });
  EXPECT_TRUE(job.wait().done());
}

struct Crash {
  const char* how;
  const char* first_words;
  const char* end;
};

class CrashOutputTest : public WorkerOutputTest, public testing::WithParamInterface<Crash> {
 protected:
  // In the backtrace of a stack overflow is only the function that called itself, by its file.
  void expect_report(const std::vector<std::string>& lines) const {
    EXPECT_THAT(lines, Contains(testing::StartsWith(GetParam().first_words)));
    EXPECT_THAT(lines, Contains(HasSubstr("gristmill-test-printing.so")));
    if (std::string(GetParam().how) == "stack_overflow" || kSanitized) return;
    EXPECT_THAT(lines, Contains(HasSubstr("gristmill_test_crash")));
  }
};

TEST_P(CrashOutputTest, SaysWhereInTheKernelItWas) {
  auto engine = printing_engine(2);
  expect_failure(engine->submit(print(GetParam().how, "")).wait(), {GetParam().end});
  expect_good_engine(*engine);
  engine.reset();
  ASSERT_THAT(all_lines(), SizeIs(1));
  expect_report(lines());
}

TEST_P(CrashOutputTest, OfThePlannerSaysTheSame) {
  auto engine = printing_engine(1);
  JobSpec spec = print("nothing", "");
  spec.params["plan"] = GetParam().how;
  EXPECT_THAT(error_of([&] { engine->submit(spec); }).message(), HasSubstr(GetParam().end));
  expect_good_engine(*engine);
  engine.reset();
  expect_report(lines_of(kPlanner));
}

INSTANTIATE_TEST_SUITE_P(
    Crashes, CrashOutputTest,
    testing::Values(Crash{"segfault", "SIGSEGV at address 0x40, in", "killed by SIGSEGV"},
                    Crash{"bus", "SIGBUS at address 0x", "killed by SIGBUS"},
                    Crash{"fpe", "SIGFPE, in", "killed by SIGFPE"},
                    Crash{"ill", "SIGILL, in", "killed by SIGILL"},
                    Crash{"abort", "SIGABRT, in", "killed by SIGABRT"},
                    Crash{"stack_overflow", "SIGSEGV at address 0x", "killed by SIGSEGV"}),
    [](const auto& test) { return std::string(test.param.how); });

// A pool with one worker, without an engine.
class WorkerPoolOutputTest : public ProcessTest {
 protected:
  engine::WorkerDeath death_after(const ipc::Task& task) {
    pool_.start(0);
    EXPECT_TRUE(pool_.send(0, task));
    for (bool more = false;;) {
      for (engine::WorkerEvent& event : pool_.collect(more)) {
        if (auto* death = std::get_if<engine::WorkerDeath>(&event.what)) return std::move(*death);
      }
      epoll_.wait(more ? std::chrono::milliseconds(0) : std::chrono::milliseconds(250));
    }
  }

  engine::ProcessLauncher launcher_{{GRISTMILL_BIN_DIR "/gristmill-worker"}};
  engine::Epoll epoll_;
  engine::WorkerLines lines_;
  engine::WorkerPool pool_{launcher_, epoll_, 1, lines_};
};

TEST_F(WorkerPoolOutputTest, ADeathTellsTheLastLines) {
  const std::string plugin = test_plugin("gristmill-test-abort-at-load").string();
  const engine::WorkerDeath death = death_after(ipc::DescribeRequest{1, plugin});
  EXPECT_EQ(death.exit.signal, SIGABRT);
  EXPECT_GT(death.exit.life_time, std::chrono::microseconds(0));
  EXPECT_THAT(death.last_lines, AllOf(SizeIs(Gt(2U)), Contains("SIGABRT, in"),
                                      Contains(HasSubstr("gristmill-test-abort-at-load.so"))));
}

TEST_F(WorkerPoolOutputTest, TheNextWorkerHasLinesOfItsOwn) {
  const std::string aborts = test_plugin("gristmill-test-abort-at-load").string();
  const std::string exits = test_plugin("gristmill-test-exit-at-load").string();
  EXPECT_THAT(death_after(ipc::DescribeRequest{1, aborts}).last_lines, SizeIs(Gt(2U)));
  EXPECT_THAT(death_after(ipc::DescribeRequest{2, exits}).last_lines, SizeIs(0));
}

}  // namespace
}  // namespace gristmill::test
