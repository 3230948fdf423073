#include "engine/plugin_stamp.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

TEST(PluginStampTest, AFileThatNobodyTouchesHasNotChanged) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(PluginStamp::of(folder.write("a.so", "code").string()).has_changed());
  EXPECT_FALSE(PluginStamp::of((folder.path() / "missing.so").string()).has_changed());
}

TEST(PluginStampTest, AnotherLengthOrTimeOrFileIsAChange) {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder.write("a.so", "code");
  const PluginStamp first = PluginStamp::of(path.string());
  folder.write("a.so", "longer code");
  EXPECT_TRUE(first.has_changed());

  const PluginStamp second = PluginStamp::of(path.string());
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_TRUE(second.has_changed());

  const PluginStamp third = PluginStamp::of(path.string());
  std::filesystem::remove(path);
  EXPECT_TRUE(third.has_changed());
}

}  // namespace
}  // namespace gristmill::engine
