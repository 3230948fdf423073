#include "engine/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

#include <gristmill/engine.h>

#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

TEST(CpuCountTest, QuotaIsRoundedUp) {
  EXPECT_EQ(cpus_of_cpu_max("200000 100000"), 2);
  EXPECT_EQ(cpus_of_cpu_max("200001 100000"), 3);
  EXPECT_EQ(cpus_of_cpu_max("1000 100000"), 1);
  EXPECT_EQ(cpus_of_cpu_max("9223372036854775807 1"), kMaxWorkers);
}

TEST(CpuCountTest, NoQuotaIsNone) {
  for (const auto* text :
       {"max 100000", "", "max", "100000", "0 100000", "-1 100000", "100000 0", "100000 max",
        "1e5 100000", "100000 100000 1", "99999999999999999999 1"}) {
    EXPECT_FALSE(cpus_of_cpu_max(text)) << text;
  }
  EXPECT_FALSE(cpus_of_cfs_quota("-1", "100000"));
  EXPECT_EQ(cpus_of_cfs_quota("150000", "100000"), 2);
}

TEST(CpuCountTest, SmallestQuotaOfAllAncestorsCounts) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/a/b\n");
  root.write("sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
  EXPECT_EQ(cpus_of_cgroups(root.path()), 8);
  root.write("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  EXPECT_EQ(cpus_of_cgroups(root.path()), 3);
  root.write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus_of_cgroups(root.path()), 3);
}

TEST(CpuCountTest, Version1Counts) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "4:cpu,cpuacct:/a\n");
  root.write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "250000\n");
  EXPECT_FALSE(cpus_of_cgroups(root.path()));
  root.write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus_of_cgroups(root.path()), 3);
}

TEST(CpuCountTest, NoCgroupIsNoQuota) {
  const test::TemporaryFolder root;
  EXPECT_FALSE(cpus_of_cgroups(root.path()));
}

TEST(CpuCountTest, AffinityCounts) {
  int seen = 0;
  // The mask belongs to the thread: a thread of its own leaves ours alone.
  std::thread([&] {
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    seen = cpus_of_affinity();
    EXPECT_EQ(usable_cpus(), 1);
  }).join();
  EXPECT_EQ(seen, 1);
}

TEST(CpuCountTest, UsableCpusAreWithinTheLimits) {
  EXPECT_GE(usable_cpus(), 1);
  EXPECT_LE(usable_cpus(), kMaxWorkers);
  EXPECT_LE(usable_cpus(), cpus_of_affinity());
}

}  // namespace
}  // namespace gristmill::engine
