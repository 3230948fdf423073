#include "engine/temporary_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <fstream>
#include <vector>

#include <gristmill/error.h>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace {

// Whether files are on a file system that has none without a name.
bool refuse_nameless = false;

}  // namespace

// Of this program instead of the C library's.
extern "C" int openat(int folder, const char* path, int flags, ...) {
  const bool nameless = (flags & O_TMPFILE) == O_TMPFILE;
  std::va_list more;
  va_start(more, flags);
  const mode_t mode = nameless || (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  if (!nameless || !refuse_nameless) {
    return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  }
  errno = EOPNOTSUPP;
  return -1;
}

namespace gristmill::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

enum class FileSystem { kOfThisMachine, kWithoutNamelessFiles };

class TemporaryFileTest : public testing::TestWithParam<FileSystem> {
 protected:
  TemporaryFileTest() { refuse_nameless = GetParam() == FileSystem::kWithoutNamelessFiles; }
  ~TemporaryFileTest() override { refuse_nameless = false; }

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

TEST_P(TemporaryFileTest, HasNoNameOrAHiddenOneUntilItIsPublished) {
  TemporaryFile file(folder_ / "out.npy");
  if (refuse_nameless) {
    EXPECT_THAT(names(), ElementsAre(StartsWith(".out.npy.gristmill-")));
  } else if (!names().empty()) {
    GTEST_SKIP() << "this file system has no files without a name";
  }
  write_new(file);
  file.publish(true);
  EXPECT_THAT(names(), ElementsAre("out.npy"));
  EXPECT_EQ(content("out.npy"), "new");
}

TEST_P(TemporaryFileTest, IsRemovedUnlessPublished) {
  { const TemporaryFile file(folder_ / "out.npy"); }
  EXPECT_THAT(names(), IsEmpty());
  {
    TemporaryFile file(folder_ / "out.npy");
    file.publish(true);
  }
  EXPECT_THAT(names(), ElementsAre("out.npy"));
}

TEST_P(TemporaryFileTest, ReplacesWhatIsThereOnlyWhenPublished) {
  folder_.write("out.npy", "old");
  TemporaryFile file(folder_ / "out.npy");
  write_new(file);
  EXPECT_EQ(content("out.npy"), "old");
  file.publish(true);
  EXPECT_EQ(content("out.npy"), "new");
}

TEST_P(TemporaryFileTest, LeavesWhatIsThereWhenItMustNotReplace) {
  {
    TemporaryFile file(folder_ / "out.npy");
    folder_.write("out.npy", "old");
    const Error error = test::error_of([&] { file.publish(false); });
    EXPECT_EQ(error.code(), ErrorCode::kFailed);
    EXPECT_THAT(error.message(), HasSubstr("out.npy\" its name: file exists"));
  }
  EXPECT_THAT(names(), ElementsAre("out.npy"));
  EXPECT_EQ(content("out.npy"), "old");
  TemporaryFile other(folder_ / "other.npy");
  other.publish(false);
  EXPECT_THAT(names(), SizeIs(2));
}

TEST_P(TemporaryFileTest, ReplacesALinkAndNotItsTarget) {
  folder_.write("target", "old");
  std::filesystem::create_symlink("target", folder_ / "out.npy");
  TemporaryFile file(folder_ / "out.npy");
  write_new(file);
  file.publish(true);
  EXPECT_FALSE(std::filesystem::is_symlink(folder_ / "out.npy"));
  EXPECT_EQ(content("target"), "old");
}

TEST_P(TemporaryFileTest, FollowsItsFolderWhenThatIsRenamed) {
  std::filesystem::create_directory(folder_ / "a");
  TemporaryFile file(folder_ / "a/out.npy");
  std::filesystem::rename(folder_ / "a", folder_ / "b");
  file.publish(true);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "b/out.npy"));
}

TEST_P(TemporaryFileTest, HasTheModeThatTheUmaskLeaves) {
  const mode_t before = umask(027);
  const TemporaryFile file(folder_ / "out.npy");
  umask(before);
  struct stat status {};
  ASSERT_EQ(fstat(file.fd(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  EXPECT_EQ(fcntl(file.fd(), F_GETFL) & O_ACCMODE, O_RDWR);
  EXPECT_TRUE(fcntl(file.fd(), F_GETFD) & FD_CLOEXEC);
}

TEST_P(TemporaryFileTest, TakesTheLongestNameAFileCanHave) {
  const std::string name(255, 'x');
  TemporaryFile file(folder_ / name);
  file.publish(true);
  EXPECT_THAT(names(), ElementsAre(name));
}

TEST_P(TemporaryFileTest, TakesAPathWithoutAFolder) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  TemporaryFile file("out.npy");
  std::filesystem::current_path(before);
  file.publish(true);
  EXPECT_THAT(names(), ElementsAre("out.npy"));
}

TEST_P(TemporaryFileTest, NeedsAFolder) {
  const Error missing = test::error_of([&] { TemporaryFile(folder_ / "no/out.npy"); });
  EXPECT_EQ(missing.code(), ErrorCode::kInvalid);
  EXPECT_THAT(missing.message(), HasSubstr("no such file or directory"));
  folder_.write("file", "");
  EXPECT_THROW(TemporaryFile(folder_ / "file/out.npy"), Error);
}

TEST_P(TemporaryFileTest, PublishingFailsWhenADirectoryTookTheName) {
  {
    TemporaryFile file(folder_ / "out.npy");
    std::filesystem::create_directory(folder_ / "out.npy");
    EXPECT_EQ(test::error_of([&] { file.publish(true); }).code(), ErrorCode::kFailed);
  }
  EXPECT_THAT(names(), ElementsAre("out.npy"));
}

INSTANTIATE_TEST_SUITE_P(FileSystems, TemporaryFileTest,
                         testing::Values(FileSystem::kOfThisMachine,
                                         FileSystem::kWithoutNamelessFiles),
                         [](const auto& tested) {
                           return tested.param == FileSystem::kOfThisMachine
                                      ? "OfThisMachine"
                                      : "WithoutNamelessFiles";
                         });

}  // namespace
}  // namespace gristmill::engine
