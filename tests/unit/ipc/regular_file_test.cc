#include "ipc/regular_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::ipc {
namespace {

using testing::HasSubstr;

class RegularFileTest : public testing::Test {
 protected:
  static void expect_refused(const std::filesystem::path& path, const std::string& reason) {
    const Error error = test::error_of([&] { open_regular_file(path); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    EXPECT_THAT(error.message(), HasSubstr(path.string()));
    EXPECT_THAT(error.message(), HasSubstr(reason));
  }

  test::TemporaryFolder folder_;
};

TEST_F(RegularFileTest, OpensForReadingOnly) {
  const RegularFile file = open_regular_file(folder_.write("data", "12345"));
  EXPECT_EQ(file.size_bytes, 5);
  EXPECT_EQ(fcntl(file.fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_TRUE(fcntl(file.fd.get(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(RegularFileTest, FollowsASymbolicLink) {
  std::filesystem::create_symlink(folder_.write("data", "12345"), folder_ / "link");
  EXPECT_EQ(open_regular_file(folder_ / "link").size_bytes, 5);
}

TEST_F(RegularFileTest, RefusesWhatIsMissing) {
  expect_refused(folder_ / "missing", "no such file or directory");
}

TEST_F(RegularFileTest, RefusesADirectory) { expect_refused(folder_.path(), "it is a directory"); }

TEST_F(RegularFileTest, RefusesAFifoWithoutWaitingForAWriter) {
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  expect_refused(folder_ / "fifo", "it is a FIFO");
}

TEST_F(RegularFileTest, RefusesASocket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (folder_ / "socket").c_str(), sizeof address.sun_path - 1);
  const UniqueFd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  expect_refused(folder_ / "socket", "");
}

TEST_F(RegularFileTest, RefusesADevice) { expect_refused("/dev/zero", "it is not a regular file"); }

TEST_F(RegularFileTest, RefusesAnEmptyPath) { expect_refused("", "no such file or directory"); }

TEST_F(RegularFileTest, RefusesAPathThatIsTooLong) {
  expect_refused(folder_ / std::string(300, 'x'), "ile name too long");
}

}  // namespace
}  // namespace gristmill::ipc
