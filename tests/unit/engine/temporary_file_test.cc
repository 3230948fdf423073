#include "engine/temporary_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include <gristmill/error.h>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

using Name = TemporaryFile::Name;

class TemporaryFileTest : public testing::TestWithParam<Name> {
 protected:
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      result.push_back(entry.path().filename().string());
    }
    return result;
  }
  std::string content(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void write_new(const TemporaryFile& file) { ASSERT_EQ(write(file.fd(), "new", 3), 3); }

  test::TemporaryFolder folder_;
};

TEST_P(TemporaryFileTest, HasNoNameThatShowsUntilItIsPublished) {
  TemporaryFile file(folder_ / "out.npy", GetParam());
  if (GetParam() == Name::kHidden) {
    ASSERT_THAT(names(), SizeIs(1));
    EXPECT_THAT(names()[0], StartsWith(".out.npy.gristmill-"));
  } else if (!names().empty()) {
    GTEST_SKIP() << "this file system has no files without a name";
  }
  write_new(file);
  file.publish(true);
  EXPECT_THAT(names(), ElementsAre("out.npy"));
  EXPECT_EQ(content("out.npy"), "new");
}

TEST_P(TemporaryFileTest, IsRemovedUnlessPublished) {
  { const TemporaryFile file(folder_ / "out.npy", GetParam()); }
  EXPECT_THAT(names(), IsEmpty());
  {
    TemporaryFile file(folder_ / "out.npy", GetParam());
    file.publish(true);
  }
  EXPECT_THAT(names(), ElementsAre("out.npy"));
}

TEST_P(TemporaryFileTest, ReplacesWhatIsThereOnlyWhenPublished) {
  folder_.write("out.npy", "old");
  TemporaryFile file(folder_ / "out.npy", GetParam());
  write_new(file);
  EXPECT_EQ(content("out.npy"), "old");
  file.publish(true);
  EXPECT_EQ(content("out.npy"), "new");
}

TEST_P(TemporaryFileTest, LeavesWhatIsThereWhenItMustNotReplace) {
  {
    TemporaryFile file(folder_ / "out.npy", GetParam());
    folder_.write("out.npy", "old");
    const Error error = test::error_of([&] { file.publish(false); });
    EXPECT_EQ(error.code(), ErrorCode::kFailed);
    EXPECT_THAT(error.message(), HasSubstr("out.npy\" its name: file exists"));
  }
  EXPECT_THAT(names(), ElementsAre("out.npy"));
  EXPECT_EQ(content("out.npy"), "old");
  TemporaryFile other(folder_ / "other.npy", GetParam());
  other.publish(false);
  EXPECT_THAT(names(), SizeIs(2));
}

TEST_P(TemporaryFileTest, ReplacesALinkAndNotItsTarget) {
  folder_.write("target", "old");
  std::filesystem::create_symlink("target", folder_ / "out.npy");
  TemporaryFile file(folder_ / "out.npy", GetParam());
  write_new(file);
  file.publish(true);
  EXPECT_FALSE(std::filesystem::is_symlink(folder_ / "out.npy"));
  EXPECT_EQ(content("target"), "old");
}

TEST_P(TemporaryFileTest, FollowsItsFolderWhenThatIsRenamed) {
  std::filesystem::create_directory(folder_ / "a");
  TemporaryFile file(folder_ / "a/out.npy", GetParam());
  std::filesystem::rename(folder_ / "a", folder_ / "b");
  file.publish(true);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "b/out.npy"));
}

TEST_P(TemporaryFileTest, HasTheModeThatTheUmaskLeaves) {
  const mode_t before = umask(027);
  const TemporaryFile file(folder_ / "out.npy", GetParam());
  umask(before);
  struct stat status {};
  ASSERT_EQ(fstat(file.fd(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  EXPECT_EQ(fcntl(file.fd(), F_GETFL) & O_ACCMODE, O_RDWR);
  EXPECT_TRUE(fcntl(file.fd(), F_GETFD) & FD_CLOEXEC);
}

TEST_P(TemporaryFileTest, TakesTheLongestNameAFileCanHave) {
  const std::string name(255, 'x');
  TemporaryFile file(folder_ / name, GetParam());
  file.publish(true);
  EXPECT_THAT(names(), ElementsAre(name));
}

TEST_P(TemporaryFileTest, TakesAPathWithoutAFolder) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  TemporaryFile file("out.npy", GetParam());
  std::filesystem::current_path(before);
  file.publish(true);
  EXPECT_THAT(names(), ElementsAre("out.npy"));
}

TEST_P(TemporaryFileTest, NeedsAFolder) {
  const Error missing = test::error_of([&] { TemporaryFile(folder_ / "no/out.npy", GetParam()); });
  EXPECT_EQ(missing.code(), ErrorCode::kInvalid);
  EXPECT_THAT(missing.message(), HasSubstr("no such file or directory"));
  folder_.write("file", "");
  EXPECT_THROW(TemporaryFile(folder_ / "file/out.npy", GetParam()), Error);
}

TEST_P(TemporaryFileTest, PublishingFailsWhenADirectoryTookTheName) {
  TemporaryFile file(folder_ / "out.npy", GetParam());
  std::filesystem::create_directory(folder_ / "out.npy");
  EXPECT_EQ(test::error_of([&] { file.publish(true); }).code(), ErrorCode::kFailed);
}

INSTANTIATE_TEST_SUITE_P(Files, TemporaryFileTest, testing::Values(Name::kNone, Name::kHidden),
                         [](const auto& how) {
                           return how.param == Name::kNone ? "WithoutName" : "Hidden";
                         });

}  // namespace
}  // namespace gristmill::engine
