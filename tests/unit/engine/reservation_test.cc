#include "engine/reservation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <gristmill/error.h>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kMiB = 1024 * 1024;

class ReservationTest : public testing::Test {
 protected:
  static constexpr std::int64_t kMachineBytes = 1000 * kMiB;

  void set_machine(std::int64_t available) const {
    root_.write("proc/meminfo", "MemTotal:  " + std::to_string(kMachineBytes / 1024) +
                                    " kB\nMemFree: 5 kB\nMemAvailable:   " +
                                    std::to_string(available / 1024) + " kB\nBuffers: 7 kB\n");
  }
  void set_group(const std::string& folder, const std::string& limit, std::int64_t use,
                 std::int64_t file_cache = 0) const {
    root_.write("sys/fs/cgroup" + folder + "/memory.max", limit + "\n");
    root_.write("sys/fs/cgroup" + folder + "/memory.current", std::to_string(use) + "\n");
    root_.write("sys/fs/cgroup" + folder + "/memory.stat",
                "anon 5\nfile 999999999\ninactive_file " + std::to_string(file_cache) +
                    "\nactive_file 0\n");
  }
  std::optional<std::int64_t> available() const { return available_memory_bytes(root_.path()); }

  test::TemporaryFolder root_;
};

TEST_F(ReservationTest, MachineWithoutLimitsHasWhatItSays) {
  set_machine(800 * kMiB);
  EXPECT_EQ(available(), 800 * kMiB);
}

TEST_F(ReservationTest, UnknownIsNoneAndRefusesNothing) {
  EXPECT_FALSE(available());
  root_.write("proc/meminfo", "MemFree: 5 kB\n");
  EXPECT_FALSE(available());
  EXPECT_FALSE(is_memory_short(root_.path()));
  EXPECT_NO_THROW(require_memory(INT64_MAX, "it", available()));
}

TEST_F(ReservationTest, LimitOfAnyAncestorCounts) {
  set_machine(800 * kMiB);
  root_.write("proc/self/cgroup", "0::/a/b\n");
  set_group("/a/b", "max", 50 * kMiB);
  EXPECT_EQ(available(), 800 * kMiB);
  set_group("/a", std::to_string(300 * kMiB), 100 * kMiB);
  EXPECT_EQ(available(), 200 * kMiB);
  set_group("/a/b", std::to_string(120 * kMiB), 50 * kMiB);
  EXPECT_EQ(available(), 70 * kMiB);
}

TEST_F(ReservationTest, PageCacheOfTheGroupIsNotUsed) {
  set_machine(800 * kMiB);
  root_.write("proc/self/cgroup", "0::/a\n");
  set_group("/a", std::to_string(300 * kMiB), 300 * kMiB, 250 * kMiB);
  EXPECT_EQ(available(), 250 * kMiB);
}

TEST_F(ReservationTest, GroupBeyondItsLimitHasNothing) {
  set_machine(800 * kMiB);
  root_.write("proc/self/cgroup", "0::/a\n");
  set_group("/a", std::to_string(300 * kMiB), 301 * kMiB);
  EXPECT_EQ(available(), 0);
}

TEST_F(ReservationTest, Version1Counts) {
  set_machine(800 * kMiB);
  root_.write("proc/self/cgroup", "7:memory:/a\n");
  root_.write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", std::to_string(300 * kMiB) + "\n");
  root_.write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", std::to_string(200 * kMiB) + "\n");
  root_.write("sys/fs/cgroup/memory/a/memory.stat",
              "inactive_file 1\ntotal_inactive_file " + std::to_string(50 * kMiB) +
                  "\ntotal_active_file " + std::to_string(25 * kMiB) + "\n");
  root_.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root_.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "0\n");
  EXPECT_EQ(available(), 175 * kMiB);
}

TEST_F(ReservationTest, TooMuchIsRefusedWithBothNumbers) {
  set_machine(2 * kMiB);
  EXPECT_NO_THROW(require_memory(2 * kMiB, "output \"distance\"", available()));
  const Error error =
      test::error_of([&] { require_memory(8 * kMiB, "output \"distance\"", available()); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not reserve output \"distance\": not enough memory");
  EXPECT_EQ(error.detail(), "8.0 MiB were asked for and 2.0 MiB are available.");
  EXPECT_NE(error.hint(), "");
}

TEST_F(ReservationTest, MemoryOfTheMachineIsShortBelowATenth) {
  set_machine(100 * kMiB);
  EXPECT_FALSE(is_memory_short(root_.path()));
  set_machine(99 * kMiB);
  EXPECT_TRUE(is_memory_short(root_.path()));
}

TEST_F(ReservationTest, MemoryOfAGroupIsShortBelowATenthOfItsLimit) {
  set_machine(800 * kMiB);
  root_.write("proc/self/cgroup", "0::/a\n");
  set_group("/a", std::to_string(50 * kMiB), 44 * kMiB);
  EXPECT_FALSE(is_memory_short(root_.path()));
  set_group("/a", std::to_string(50 * kMiB), 46 * kMiB);
  EXPECT_TRUE(is_memory_short(root_.path()));
  set_group("/a", std::to_string(50 * kMiB), 46 * kMiB, 40 * kMiB);
  EXPECT_FALSE(is_memory_short(root_.path())) << "page cache makes room";
  set_group("/a", "max", 46 * kMiB);
  EXPECT_FALSE(is_memory_short(root_.path()));
}

TEST_F(ReservationTest, ThisMachineTells) { EXPECT_GT(available_memory_bytes("/").value_or(0), 0); }

TEST_F(ReservationTest, FileSizeLimitIsAnErrorAndNotASignal) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit low = before;
  low.rlim_cur = kMiB;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  EXPECT_NO_THROW(require_below_file_limit(kMiB, "it"));
  const Error error = test::error_of([] { require_below_file_limit(kMiB + 1, "it"); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_THAT(error.detail(), HasSubstr("the limit is 1.0 MiB"));
}

}  // namespace
}  // namespace gristmill::engine
