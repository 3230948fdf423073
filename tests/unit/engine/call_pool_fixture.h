#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "engine/call_pool.h"
#include "tests/support/call_worker.h"
#include "tests/support/thread_launcher.h"

namespace gristmill::engine {

// Where workers on threads wait, by name, until a test lets them go on.
class Gates {
 public:
  void pass(const std::string& name) {
    std::unique_lock lock(mutex_);
    reached_.insert(name);
    changed_.wait(lock, [&] { return all_ || open_.count(name) != 0; });
  }
  bool is_reached(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return reached_.count(name) != 0;
  }
  void open(const std::string& name) {
    const std::lock_guard lock(mutex_);
    open_.insert(name);
    changed_.notify_all();
  }
  void open_all() {
    const std::lock_guard lock(mutex_);
    all_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> reached_;
  std::set<std::string> open_;
  bool all_ = false;
};

// A pool whose workers are threads, and this thread the one that waits.
class CallPoolFixture : public testing::Test {
 protected:
  using Body = test::ThreadLauncher::Body;
  using Ends = std::map<std::uint64_t, CallEnd>;

  void TearDown() override {
    gates_.open_all();
    pool_.reset();
  }

  void make(Body body, CallPool::Options options = {}) {
    make(std::make_unique<test::ThreadLauncher>(std::move(body)), std::move(options));
  }
  void make(std::unique_ptr<WorkerLauncher> launcher, CallPool::Options options) {
    pool_ = std::make_unique<CallPool>(std::move(launcher), std::move(options),
                                       SegmentPool::Limits{}, WorkerLines{});
  }
  // Workers that run each call so.
  static Body running(test::FakeCallHost::Run run) {
    return [run = std::move(run)](int, ipc::WorkerLink link) {
      test::run_call_worker(std::move(link), run);
    };
  }
  // Calls named "gate..." wait there; all answer with their data.
  workers::CallAnswer echo(const std::string& data) {
    if (data.rfind("gate", 0) == 0) gates_.pass(data);
    return {test::bytes_of(data), false};
  }
  Body echoing() {
    return running([this](const std::string& data, auto, const auto&) { return echo(data); });
  }

  static CallRequest request(std::uint64_t id, std::string_view data,
                             std::vector<CallArgument> memories = {}) {
    return {id, test::bytes_of(data), std::move(memories)};
  }
  static CallArgument argument(const std::shared_ptr<const PooledSegment>& segment,
                               bool writable = false) {
    return {
        {segment->name(), segment->fd(), 0, segment->size_bytes(), 0, false}, writable, segment};
  }
  void submit(CallRequest request) {
    while (!pool_->reserve()) take(pool_->wait());
    pool_->submit(std::move(request));
  }
  void submit(std::uint64_t id, std::string_view data) { submit(request(id, data)); }

  // All that have ended, as soon as there are so many.
  const Ends& wait_for(std::size_t count) {
    while (ends_.size() < count && pool_->broken().empty()) take(pool_->wait());
    EXPECT_GE(ends_.size(), count) << pool_->broken();
    return ends_;
  }
  const CallEnd& end_of(std::uint64_t id) {
    while (ends_.count(id) == 0 && pool_->broken().empty()) take(pool_->wait());
    EXPECT_EQ(ends_.count(id), 1U) << pool_->broken();
    return ends_[id];
  }
  // Goes on as far as it can without waiting.
  void step() {
    pool_->wake();
    take(pool_->wait());
  }
  template <class Condition>
  void run_until(const Condition& condition) {
    while (!condition()) {
      step();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void run_until_reached(const std::string& gate) {
    run_until([&] { return gates_.is_reached(gate); });
  }
  void wait_until_broken() {
    while (pool_->broken().empty()) take(pool_->wait());
  }
  void take(std::vector<CallEnd> ends) {
    for (CallEnd& end : ends) {
      const std::uint64_t id = end.id;
      EXPECT_TRUE(ends_.emplace(id, std::move(end)).second) << id << " has ended twice";
    }
  }
  void expect_answer(std::uint64_t id, std::string_view data) {
    const CallEnd& end = end_of(id);
    EXPECT_FALSE(end.failed) << id;
    EXPECT_FALSE(end.death) << id;
    EXPECT_EQ(test::text_of(end.data), data);
  }
  // The words for a worker that was killed in the call for what it did.
  std::string violation_in(std::uint64_t id) {
    const CallEnd& end = end_of(id);
    EXPECT_TRUE(end.failed);
    if (!end.death) return "no death";
    return end.death->death.violation;
  }

  Gates gates_;
  std::unique_ptr<CallPool> pool_;
  Ends ends_;
};

}  // namespace gristmill::engine
