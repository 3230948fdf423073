#include "engine/output_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

class OutputTargetTest : public testing::Test {
 protected:
  OutputTargetTest() {
    struct stat status {};
    if (stat(input_.c_str(), &status) == 0) inputs_.emplace_back(status);
  }

  void check(const std::vector<std::filesystem::path>& paths, bool replace_existing = true) const {
    std::vector<Output> outputs;
    for (const auto& path : paths) outputs.push_back({"", path});
    check_output_targets(outputs, replace_existing, inputs_);
  }
  void expect_refused(const std::vector<std::filesystem::path>& paths, const std::string& reason,
                      bool replace_existing = true) const {
    const Error error = test::error_of([&] { check(paths, replace_existing); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    EXPECT_THAT(error.message(), HasSubstr("cannot write \"" + paths.back().string() + "\": "));
    EXPECT_THAT(error.message(), HasSubstr(reason));
  }

  test::TemporaryFolder folder_;
  std::filesystem::path input_ = folder_.write("input.npy", "data");
  std::vector<FileId> inputs_;
};

TEST_F(OutputTargetTest, NewAndExistingFilesWillDo) {
  folder_.write("old.npy", "x");
  EXPECT_NO_THROW(check({folder_ / "new.npy", folder_ / "old.npy", folder_ / "any.suffix"}));
  EXPECT_NO_THROW(check({folder_ / "new.npy"}, false));
}

TEST_F(OutputTargetTest, MemoryHasNoPath) { EXPECT_NO_THROW(check({"", ""})); }

TEST_F(OutputTargetTest, RefusesAFolderThatIsMissing) {
  expect_refused({folder_ / "no/out.npy"},
                 "there is no folder \"" + (folder_ / "no").string() + "\"");
}

TEST_F(OutputTargetTest, RefusesAFileInPlaceOfTheFolder) {
  expect_refused({input_ / "out.npy"}, "is not a folder");
  expect_refused({input_ / "deep/out.npy"}, "ot a directory");
}

TEST_F(OutputTargetTest, RefusesAFolderThatCannotBeWritten) {
  std::filesystem::create_directory(folder_ / "locked");
  ASSERT_EQ(chmod((folder_ / "locked").c_str(), 0555), 0);
  // Root may write anywhere.
  const uid_t user = geteuid();
  if (user == 0) {
    ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
    ASSERT_EQ(seteuid(65'534), 0);
  }
  expect_refused({folder_ / "locked/out.npy"}, "permission denied");
  if (user == 0) {
    ASSERT_EQ(seteuid(0), 0);
  }
  ASSERT_EQ(chmod((folder_ / "locked").c_str(), 0755), 0);
}

TEST_F(OutputTargetTest, RefusesAFolderAsTheFile) {
  expect_refused({folder_.path()}, "it is a folder");
  expect_refused({folder_.path().string() + "/"}, "it names a folder, not a file");
  expect_refused({folder_ / ".."}, "it names a folder, not a file");
}

TEST_F(OutputTargetTest, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  expect_refused({folder_ / "fifo"}, "not a regular file");
  expect_refused({"/dev/null"}, "not a regular file");
}

TEST_F(OutputTargetTest, RefusesAnExistingFileWhenAsked) {
  folder_.write("old.npy", "x");
  expect_refused({folder_ / "old.npy"}, "it exists", false);
  std::filesystem::create_symlink("nowhere", folder_ / "dangling");
  expect_refused({folder_ / "dangling"}, "it exists", false);
  EXPECT_NO_THROW(check({folder_ / "dangling"}, true));
}

TEST_F(OutputTargetTest, RefusesAnInputUnderAnyName) {
  expect_refused({input_}, "it is an input of the same job");
  expect_refused({folder_ / "./input.npy"}, "it is an input of the same job");
  std::filesystem::create_symlink("input.npy", folder_ / "link.npy");
  expect_refused({folder_ / "link.npy"}, "it is an input of the same job");
  std::filesystem::create_hard_link(input_, folder_ / "hard.npy");
  expect_refused({folder_ / "hard.npy"}, "it is an input of the same job");
}

TEST_F(OutputTargetTest, RefusesOnePathForTwoOutputs) {
  expect_refused({folder_ / "a.npy", folder_ / "a.npy"}, "two outputs have this path");
  std::filesystem::create_directory(folder_ / "sub");
  expect_refused({folder_ / "a.npy", folder_ / "sub/../a.npy"}, "two outputs have this path");
  EXPECT_NO_THROW(check({folder_ / "a.npy", folder_ / "sub/a.npy"}));
}

TEST_F(OutputTargetTest, RefusesNamesThatAreTooLong) {
  expect_refused({folder_ / std::string(300, 'x')}, "ile name too long");
}

}  // namespace
}  // namespace gristmill::engine
