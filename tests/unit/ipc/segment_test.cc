#include "ipc/segment.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "ipc/mapping.h"
#include "tests/support/error_of.h"

namespace gristmill::ipc {
namespace {

TEST(SegmentTest, IsZeroedAndHasTheSizeAskedFor) {
  const Segment segment = Segment::create(10'000);
  EXPECT_EQ(segment.size_bytes(), 10'000);
  const ReadOnlyMapping mapping(segment.fd(), 0, 10'000);
  for (const std::byte byte : mapping.bytes()) ASSERT_EQ(byte, std::byte{0});
}

TEST(SegmentTest, SizeIsFixedFromTheStart) {
  const Segment segment = Segment::create(4096);
  EXPECT_TRUE(has_fixed_size(segment.fd()));
  EXPECT_FALSE(is_sealed(segment.fd()));
  EXPECT_EQ(ftruncate(segment.fd(), 0), -1);
  EXPECT_EQ(ftruncate(segment.fd(), 8192), -1);
}

TEST(SegmentTest, MayBeEmpty) {
  Segment segment = Segment::create(0);
  segment.seal();
  EXPECT_TRUE(is_sealed(segment.fd()));
}

TEST(SegmentTest, SealedMemoryCannotBeWrittenInAnyWay) {
  Segment segment = Segment::create(4096);
  segment.seal();
  EXPECT_TRUE(is_sealed(segment.fd()));
  EXPECT_EQ(write(segment.fd(), "x", 1), -1);
  EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment.fd(), 0), MAP_FAILED);
  EXPECT_THROW(WritableMapping(segment.fd(), 0, 4096), Error);
}

TEST(SegmentTest, SealedMemoryCannotBeReopenedForWriting) {
  Segment segment = Segment::create(4096);
  segment.seal();
  const UniqueFd reader = segment.read_only_fd();
  const std::string path = "/proc/self/fd/" + std::to_string(reader.get());
  const UniqueFd again(open(path.c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(!again || write(again.get(), "x", 1) == -1);
}

TEST(SegmentTest, CannotBeSealedWhileSomebodyCanWrite) {
  Segment segment = Segment::create(4096);
  const WritableMapping mapping(segment.fd(), 0, 4096);
  EXPECT_EQ(test::error_of([&] { segment.seal(); }).code(), ErrorCode::kInternal);
  EXPECT_FALSE(is_sealed(segment.fd()));
}

TEST(SegmentTest, ReadOnlyDescriptorIsReadOnlyAndClosedOnExec) {
  const Segment segment = Segment::create(4096);
  const UniqueFd reader = segment.read_only_fd();
  EXPECT_EQ(fcntl(reader.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_TRUE(fcntl(reader.get(), F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(fcntl(segment.fd(), F_GETFD) & FD_CLOEXEC);
  EXPECT_EQ(write(reader.get(), "x", 1), -1);
}

TEST(SegmentTest, FutureWritesAreForbiddenWhileThePresentOnesGoOn) {
  Segment segment = Segment::create(4096);
  const WritableMapping writer(segment.fd(), 0, 4096);
  segment.seal_future_writes();
  EXPECT_THROW(WritableMapping(segment.fd(), 0, 4096), Error);
  const ReadOnlyMapping reader(segment.fd(), 0, 4096);
  writer.data()[7] = std::byte{42};
  EXPECT_EQ(reader.data()[7], std::byte{42});
}

TEST(SegmentTest, NoMoreDescriptorsIsAResourceError) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const Error error = test::error_of([] { Segment::create(4096); });
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "could not create a memory segment: too many open files");
}

}  // namespace
}  // namespace gristmill::ipc
