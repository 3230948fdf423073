#include "engine/process_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

TEST(OutOfMemoryKillsTest, AreCountedByVersion1) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "5:memory:/m\n0::/\n");
  root.write("sys/fs/cgroup/unified/cgroup.procs", "");
  root.write("sys/fs/cgroup/memory/m/memory.oom_control",
             "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  EXPECT_EQ(out_of_memory_kills(root.path()), 3);
}

TEST(OutOfMemoryKillsTest, AreCountedByVersion2) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/a/b\n");
  root.write("sys/fs/cgroup/a/b/memory.events", "low 0\nhigh 7\nmax 9\noom 5\noom_kill 4\n");
  root.write("sys/fs/cgroup/a/memory.events", "low 0\nhigh 7\nmax 9\noom 5\noom_kill 8\n");
  EXPECT_EQ(out_of_memory_kills(root.path()), 4);
}

TEST(OutOfMemoryKillsTest, AreCountedByTheNearestGroupThatCountsThem) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/a/b\n");
  root.write("sys/fs/cgroup/a/b/cgroup.procs", "");
  root.write("sys/fs/cgroup/a/memory.events", "oom 5\noom_kill 8\n");
  EXPECT_EQ(out_of_memory_kills(root.path()), 8);
}

TEST(OutOfMemoryKillsTest, AreNotKnownWhereNobodyCountsThem) {
  const test::TemporaryFolder root;
  EXPECT_FALSE(out_of_memory_kills(root.path()));
  root.write("proc/self/cgroup", "5:memory:/m\n");
  root.write("sys/fs/cgroup/memory/m/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
  EXPECT_FALSE(out_of_memory_kills(root.path())) << "an old kernel";
}

TEST(ProcessStateTest, AProcessThatIsHereIsInAState) {
  EXPECT_EQ(state_of_process(getpid()), ProcessState::kRunning);
  EXPECT_THAT(state_in_words(getpid()), HasSubstr("in state R (running)"));
}

TEST(ProcessStateTest, OneThatIsGoneIsInNone) {
  EXPECT_EQ(state_of_process(-1), ProcessState::kRunning);
  EXPECT_EQ(state_in_words(-1), "in an unknown state");
}

}  // namespace
}  // namespace gristmill::engine
