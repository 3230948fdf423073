#include "ipc/system_error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace gristmill::ipc {
namespace {

TEST(SystemErrorTest, SaysWhatCouldNotBeDoneAndWhy) {
  const Error error = system_error("open \"a.npy\"", ENOENT);
  EXPECT_EQ(error.message(), "could not open \"a.npy\": no such file or directory");
  EXPECT_EQ(error.code(), ErrorCode::kInternal);
}

TEST(SystemErrorTest, LackOfResourcesIsTheCodeWhateverTheCallerSays) {
  for (const int number : {ENOMEM, ENOSPC, EDQUOT, EMFILE, ENFILE, EAGAIN, EFBIG}) {
    EXPECT_EQ(system_error("x", number, ErrorCode::kInvalid).code(), ErrorCode::kResources)
        << number;
  }
}

TEST(SystemErrorTest, OtherwiseTheCallerChoosesTheCode) {
  EXPECT_EQ(system_error("x", EACCES, ErrorCode::kInvalid).code(), ErrorCode::kInvalid);
  EXPECT_EQ(system_error("x", EACCES, ErrorCode::kFailed).code(), ErrorCode::kFailed);
}

TEST(SystemErrorTest, ReasonsBeginInLowerCaseButAbbreviationsStay) {
  EXPECT_EQ(reason_of(ENOSPC), "no space left on device");
  EXPECT_EQ(reason_of(EXDEV), "invalid cross-device link");
  EXPECT_EQ(reason_of(EDOTDOT), "RFS specific error");
}

}  // namespace
}  // namespace gristmill::ipc
