#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>

#include "engine/call_pool.h"
#include "engine/process_launcher.h"
#include "tests/support/call_worker.h"
#include "tests/support/environment_variable.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::test {
namespace {

using engine::CallEnd;
using engine::CallPool;
using engine::CallRequest;

// A pool of real processes, with the places where they can be killed.
class CallsTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kCalls = 40;

  void make(CallPool::Options options) {
    pool_ = std::make_unique<CallPool>(
        std::make_unique<engine::ProcessLauncher>(
            engine::Program{GRISTMILL_BIN_DIR "/gristmill-test-call-worker"}),
        std::move(options), engine::SegmentPool::Limits{}, engine::WorkerLines{});
  }

  // Of every three calls one has memory, and one has its result in some.
  static std::string data_of(std::uint64_t id) {
    return (id % 3 == 0 ? "room " : "call ") + std::to_string(id);
  }
  CallRequest request(std::uint64_t id) {
    CallRequest request{id, bytes_of(data_of(id)), {}};
    if (id % 3 != 1) return request;
    const auto segment = pool_->take_memory(4096);
    segment->writable()[0] = std::byte{'!'};
    request.memories.push_back(
        {{segment->name(), segment->fd(), 0, segment->size_bytes(), 0, false},
         /*writable=*/id % 2 == 0,
         segment});
    return request;
  }
  void submit(CallRequest request) {
    while (!pool_->reserve()) wait();
    pool_->submit(std::move(request));
  }
  void wait() {
    for (CallEnd& end : pool_->wait()) {
      const std::uint64_t id = end.id;
      EXPECT_TRUE(ends_.emplace(id, std::move(end)).second) << id << " has ended twice";
    }
    ASSERT_EQ(pool_->broken(), "");
  }
  void run_all(std::uint64_t calls = kCalls) {
    for (std::uint64_t id = 1; id <= calls; ++id) submit(request(id));
    while (ends_.size() < calls && !HasFatalFailure()) wait();
  }

  // The calls whose worker died in them; all others have the right answer.
  std::vector<const CallEnd*> deaths() const {
    std::vector<const CallEnd*> deaths;
    for (const auto& [id, end] : ends_) {
      if (end.death) {
        deaths.push_back(&end);
        continue;
      }
      const std::string answer = data_of(id) + (id % 3 == 1 ? "!" : "");
      EXPECT_FALSE(end.failed) << id;
      EXPECT_EQ(end.memory != nullptr, id % 3 == 0) << id;
      const std::byte* const data = end.memory ? end.memory->view() : end.data.data();
      EXPECT_EQ(std::memcmp(data, answer.data(), answer.size()), 0) << id;
    }
    return deaths;
  }

  std::unique_ptr<CallPool> pool_;
  std::map<std::uint64_t, CallEnd> ends_;
};

TEST_F(CallsTest, AreRunByProcesses) {
  make({.workers = 2});
  run_all();
  EXPECT_TRUE(deaths().empty());
  EXPECT_EQ(pool_->pids().size(), 2U);
}

TEST_F(CallsTest, ACrashFailsItsCallAlone) {
  make({.workers = 2});
  submit({kCalls + 1, bytes_of("crash"), {}});
  run_all();
  while (ends_.count(kCalls + 1) == 0) wait();
  const std::vector<const CallEnd*> died = deaths();
  ASSERT_EQ(died.size(), 1U);
  EXPECT_EQ(died[0]->id, kCalls + 1);
  EXPECT_EQ(died[0]->death->death.exit.signal, SIGABRT);
}

TEST_F(CallsTest, AWorkerThatStaysStoppedIsKilled) {
  make({.workers = 1, .stopped_limit = std::chrono::milliseconds(300)});
  run_all();
  ASSERT_EQ(pool_->pids().size(), 1U);
  kill(pool_->pids()[0], SIGSTOP);
  submit(request(kCalls + 1));
  submit(request(kCalls + 2));
  while (ends_.size() < kCalls + 2 && !HasFatalFailure()) wait();
  // It may have claimed one of them before it stopped.
  for (const CallEnd* end : deaths()) {
    EXPECT_EQ(end->death->death.violation, "it was stopped for more than 0.3 s");
  }
  EXPECT_LE(deaths().size(), 1U);
}

// Each worker is killed at some instant, whatever it is doing.
TEST_F(CallsTest, KillsAtAnyTimeCostNoCallThatIsRetried) {
  make({.workers = 3, .retries = 1000});
  std::mt19937 random(20250302);
  // Few enough for each slot that it is not given up.
  for (std::uint64_t id = 1; id <= 300; ++id) {
    submit(request(id));
    if (id % 20 != 0) continue;
    const std::vector<pid_t> pids = pool_->pids();
    if (!pids.empty()) kill(pids[random() % pids.size()], SIGKILL);
  }
  while (ends_.size() < 300 && !HasFatalFailure()) wait();
  EXPECT_TRUE(deaths().empty());
}

struct Step {
  const char* point;
  int hit;
  bool in_call;
};

class CallKillPointTest : public CallsTest, public testing::WithParamInterface<Step> {
 protected:
  std::string wish() const {
    return GetParam().point + (":" + std::to_string(GetParam().hit)) + ":" + token();
  }
  std::string token() const { return folder_ / "first"; }
  pid_t killed() const { return std::atoi(text_of_file(token()).c_str()); }
  static std::string text_of_file(const std::string& path) {
    std::ifstream stream(path);
    std::string text;
    std::getline(stream, text);
    return text;
  }

  TemporaryFolder folder_;
};

// One worker, so that no other takes calls that wait behind another one.
TEST_P(CallKillPointTest, CostsNothingButTheCallThatItWasIn) {
  const EnvironmentVariable kill("GRISTMILL_KILL", wish());
  make({});
  run_all();
  ASSERT_NE(killed(), 0);
  const std::vector<const CallEnd*> died = deaths();
  ASSERT_EQ(died.size(), GetParam().in_call ? 1U : 0U);
  for (const CallEnd* end : died) {
    EXPECT_EQ(end->death->pid, killed());
    EXPECT_EQ(end->death->death.exit.signal, SIGKILL);
    EXPECT_FALSE(end->death->death.own_kill);
    EXPECT_EQ(end->id, static_cast<std::uint64_t>(GetParam().hit));
  }
}

TEST_P(CallKillPointTest, CostsNothingWhereCallsAreRetried) {
  const EnvironmentVariable kill("GRISTMILL_KILL", wish());
  make({.workers = 2, .retries = 1});
  run_all();
  EXPECT_TRUE(deaths().empty());
}

std::string name_of_step(const testing::TestParamInfo<Step>& info) {
  std::string name = info.param.point + ("_" + std::to_string(info.param.hit));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    Steps, CallKillPointTest,
    testing::Values(Step{"call-before-claim", 1, false}, Step{"call-before-claim", 7, false},
                    Step{"call-after-claim", 1, true}, Step{"call-after-claim", 7, true},
                    Step{"call-after-run", 1, true}, Step{"call-after-run", 6, true},
                    Step{"call-after-answer", 1, false}, Step{"call-after-answer", 7, false}),
    name_of_step);

}  // namespace
}  // namespace gristmill::test
