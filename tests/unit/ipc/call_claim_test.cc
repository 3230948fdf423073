#include "ipc/call_claim.h"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <queue>
#include <random>
#include <thread>
#include <variant>
#include <vector>

#include "tests/support/repetitions.h"

namespace gristmill::ipc {
namespace {

TEST(CallClaimTest, CallsAreBegunInOrderAndOnce) {
  CallClaim claim{};
  EXPECT_EQ(claim.begun(), 0U);
  EXPECT_FALSE(claim.begin(2));
  EXPECT_TRUE(claim.begin(1));
  EXPECT_EQ(claim.begun(), 1U);
  EXPECT_FALSE(claim.begin(1));
  EXPECT_FALSE(claim.begin(3));
  EXPECT_TRUE(claim.begin(2));
  EXPECT_EQ(claim.begun(), 2U);
}

TEST(CallClaimTest, NothingIsBegunOnceCallsWereTakenBack) {
  CallClaim claim{};
  EXPECT_TRUE(claim.begin(1));
  EXPECT_FALSE(claim.closed());
  EXPECT_EQ(claim.take_back(), 1U);
  EXPECT_TRUE(claim.closed());
  EXPECT_FALSE(claim.begin(2));
  EXPECT_FALSE(claim.begin(3));
  EXPECT_EQ(claim.begun(), 1U);
}

TEST(CallClaimTest, OnlyCallsBehindTheResumptionAreBegun) {
  CallClaim claim{};
  EXPECT_TRUE(claim.begin(1));
  claim.take_back();
  claim.resume(3);
  EXPECT_FALSE(claim.closed());
  EXPECT_FALSE(claim.begin(2));
  EXPECT_FALSE(claim.begin(3));
  EXPECT_EQ(claim.begun(), 3U);
  EXPECT_TRUE(claim.begin(4));
  EXPECT_EQ(claim.take_back(), 4U);
}

TEST(CallClaimTest, AnyBytesAreAValue) {
  CallClaim claim{};
  std::memset(static_cast<void*>(&claim), 0xFF, sizeof claim);
  EXPECT_TRUE(claim.closed());
  EXPECT_EQ(claim.begun(), (std::uint64_t{1} << 63) - 1);
  EXPECT_EQ(claim.take_back(), claim.begun());
}

// Both sides on threads, with a queue as the link has it: first in, first out.
class CallClaimThreadsTest : public testing::Test {
 protected:
  struct Call {
    std::uint64_t number;
  };
  struct Resume {
    std::uint64_t number;
  };
  struct Stop {};
  using Task = std::variant<Call, Resume, Stop>;

  void push(std::initializer_list<Task> tasks) {
    const std::lock_guard lock(mutex_);
    for (const Task& task : tasks) tasks_.push(task);
  }
  Task pop() {
    for (;; std::this_thread::yield()) {
      const std::lock_guard lock(mutex_);
      if (tasks_.empty()) continue;
      const Task task = tasks_.front();
      tasks_.pop();
      return task;
    }
  }

  void run_worker() {
    for (;;) {
      const Task task = pop();
      if (std::holds_alternative<Stop>(task)) return;
      if (const auto* resume = std::get_if<Resume>(&task)) {
        claim_.resume(resume->number);
      } else if (const std::uint64_t call = std::get<Call>(task).number; claim_.begin(call)) {
        ++begun_[call];
      }
    }
  }

  // Several at once, so that some are on their way when they are taken back.
  void give(std::uint64_t calls) {
    std::mt19937_64 random(20250301);
    for (std::uint64_t call = 1; call + 2 <= calls; call += 3) {
      push({Call{call}, Call{call + 1}, Call{call + 2}});
      if (random() % 2 == 0) std::this_thread::yield();
      if (random() % 2 == 0 && !claim_.closed()) take_back(call + 2);
    }
    push({Stop{}});
  }
  void take_back(std::uint64_t last) {
    for (std::uint64_t call = claim_.take_back() + 1; call <= last; ++call) ++taken_back_[call];
    push({Resume{last}});
  }

  CallClaim claim_{};
  std::mutex mutex_;
  std::queue<Task> tasks_;
  std::vector<int> begun_;
  std::vector<int> taken_back_;
};

TEST_F(CallClaimThreadsTest, EachCallIsEitherBegunOrTakenBackAndNeverBoth) {
  const auto calls = static_cast<std::uint64_t>(test::repetitions(300'000)) * 3;
  begun_.resize(calls + 1);
  taken_back_.resize(calls + 1);
  std::thread worker([this] { run_worker(); });
  give(calls);
  worker.join();
  std::uint64_t taken_back = 0;
  for (std::uint64_t call = 1; call <= calls; ++call) {
    ASSERT_EQ(begun_[call] + taken_back_[call], 1) << call;
    taken_back += static_cast<std::uint64_t>(taken_back_[call]);
  }
  EXPECT_GT(taken_back, 0U);
}

}  // namespace
}  // namespace gristmill::ipc
