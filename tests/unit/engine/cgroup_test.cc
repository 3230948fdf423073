#include "engine/cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CgroupTest, Version2GivesTheGroupAndItsAncestors) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/user.slice/job\n");
  root.write("sys/fs/cgroup/user.slice/job/cpu.max", "");
  EXPECT_THAT(cgroup_folders("cpu", root.path()),
              ElementsAre(root / "sys/fs/cgroup/user.slice/job", root / "sys/fs/cgroup/user.slice",
                          root / "sys/fs/cgroup"));
}

TEST(CgroupTest, Version1TakesTheLineOfTheController) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "5:memory:/m\n4:cpuacct,cpu:/a\n3:cpuset:/s\n");
  root.write("sys/fs/cgroup/cpu/a/x", "");
  root.write("sys/fs/cgroup/memory/m/x", "");
  EXPECT_THAT(cgroup_folders("cpu", root.path()),
              ElementsAre(root / "sys/fs/cgroup/cpu/a", root / "sys/fs/cgroup/cpu"));
  EXPECT_THAT(cgroup_folders("memory", root.path()),
              ElementsAre(root / "sys/fs/cgroup/memory/m", root / "sys/fs/cgroup/memory"));
}

TEST(CgroupTest, HybridSystemsHaveVersion2InAFolderOfItsOwn) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "4:cpu:/\n0::/a\n");
  root.write("sys/fs/cgroup/unified/a/x", "");
  root.write("sys/fs/cgroup/cpu/x", "");
  EXPECT_THAT(cgroup_folders("cpu", root.path()),
              ElementsAre(root / "sys/fs/cgroup/cpu", root / "sys/fs/cgroup/unified/a",
                          root / "sys/fs/cgroup/unified"));
}

TEST(CgroupTest, GroupOfTheHostLeavesTheMountPoint) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/kubepods/pod1/container\n");
  root.write("sys/fs/cgroup/cpu.max", "");
  EXPECT_THAT(cgroup_folders("cpu", root.path()), ElementsAre(root / "sys/fs/cgroup"));
}

TEST(CgroupTest, NeverLeavesTheMountPoint) {
  const test::TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/../../..\n");
  root.write("sys/fs/cgroup/cpu.max", "");
  for (const auto& folder : cgroup_folders("cpu", root.path())) {
    EXPECT_EQ(folder, root / "sys/fs/cgroup");
  }
}

TEST(CgroupTest, NothingIsFoundWhereNothingIs) {
  const test::TemporaryFolder root;
  EXPECT_THAT(cgroup_folders("cpu", root.path()), IsEmpty());
  root.write("proc/self/cgroup", "nonsense\n0:\n::\n\n");
  EXPECT_THAT(cgroup_folders("cpu", root.path()), IsEmpty());
}

}  // namespace
}  // namespace gristmill::engine
