#include "ipc/channel.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string_view>

#include "ipc/mapping.h"
#include "ipc/segment.h"
#include "tests/support/descriptors.h"
#include "tests/support/error_of.h"

namespace gristmill::ipc {
namespace {

using Receive = Channel::Receive;

class ChannelTest : public testing::Test {
 protected:
  static std::vector<std::byte> bytes_of(std::string_view text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
  }

  // Sends past the limits of Channel::send.
  void send_raw(std::size_t size_bytes, const std::vector<int>& fds) const {
    std::vector<std::byte> bytes(size_bytes, std::byte{7});
    iovec part{bytes.data(), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * 200)> buffer{};
    const std::size_t fd_bytes = fds.size() * sizeof(int);
    if (!fds.empty()) {
      header.msg_control = buffer.data();
      header.msg_controllen = CMSG_SPACE(fd_bytes);
      cmsghdr* control = CMSG_FIRSTHDR(&header);
      control->cmsg_level = SOL_SOCKET;
      control->cmsg_type = SCM_RIGHTS;
      control->cmsg_len = CMSG_LEN(fd_bytes);
      std::memcpy(CMSG_DATA(control), fds.data(), fd_bytes);
    }
    ASSERT_EQ(sendmsg(sender_.fd(), &header, 0), static_cast<ssize_t>(size_bytes));
  }

  // The error of a receive, whose message is gone by the end of this call.
  ErrorCode receive_error() const {
    return test::error_of([this] {
             Channel::Message message;
             receiver_.receive(message);
           })
        .code();
  }

  std::pair<Channel, Channel> pair_ = Channel::create_pair();
  Channel& sender_ = pair_.first;
  Channel& receiver_ = pair_.second;
  Channel::Message message_;
};

TEST_F(ChannelTest, MessagesArriveWholeAndInOrder) {
  ASSERT_TRUE(sender_.send(bytes_of("first"), {}));
  ASSERT_TRUE(sender_.send(bytes_of("second one"), {}));
  ASSERT_EQ(receiver_.receive(message_), Receive::kMessage);
  EXPECT_EQ(message_.bytes, bytes_of("first"));
  EXPECT_TRUE(message_.fds.empty());
  ASSERT_EQ(receiver_.receive(message_), Receive::kMessage);
  EXPECT_EQ(message_.bytes, bytes_of("second one"));
}

TEST_F(ChannelTest, BothEndsSendAndReceive) {
  ASSERT_TRUE(receiver_.send(bytes_of("back"), {}));
  ASSERT_EQ(sender_.receive(message_), Receive::kMessage);
  EXPECT_EQ(message_.bytes, bytes_of("back"));
}

TEST_F(ChannelTest, AMessageOfTheGreatestLengthTravels) {
  const std::vector<std::byte> longest(kMaxChannelBytes, std::byte{9});
  ASSERT_TRUE(sender_.send(longest, {}));
  ASSERT_EQ(receiver_.receive(message_), Receive::kMessage);
  EXPECT_TRUE(message_.bytes == longest);
}

TEST_F(ChannelTest, DescriptorsTravelInOrderAndWork) {
  const UniqueFd counter(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  {
    const Segment segment = Segment::create(100);
    WritableMapping(segment.fd(), 0, 100).data()[3] = std::byte{42};
    ASSERT_TRUE(sender_.send(bytes_of("two"), std::array{segment.fd(), counter.get()}));
  }
  ASSERT_EQ(receiver_.receive(message_), Receive::kMessage);
  ASSERT_EQ(message_.fds.size(), 2U);
  EXPECT_EQ(ReadOnlyMapping(message_.fds[0].get(), 0, 100).data()[3], std::byte{42});
  ASSERT_EQ(eventfd_write(message_.fds[1].get(), 5), 0);
  eventfd_t count = 0;
  ASSERT_EQ(eventfd_read(counter.get(), &count), 0);
  EXPECT_EQ(count, 5U);
}

TEST_F(ChannelTest, AllDescriptorsAreClosedOnExec) {
  ASSERT_TRUE(sender_.send(bytes_of("x"), std::array{STDERR_FILENO}));
  ASSERT_EQ(receiver_.receive(message_), Receive::kMessage);
  EXPECT_TRUE(test::is_closed_on_exec(message_.fds.at(0).get()));
  EXPECT_TRUE(test::is_closed_on_exec(sender_.fd()));
  EXPECT_TRUE(test::is_closed_on_exec(receiver_.fd()));
}

TEST_F(ChannelTest, AsManyDescriptorsAsAllowedTravel) {
  const std::vector<int> fds(kMaxChannelFds, STDERR_FILENO);
  const long before = test::open_descriptors();
  ASSERT_TRUE(sender_.send(bytes_of("x"), fds));
  ASSERT_EQ(receiver_.receive(message_), Receive::kMessage);
  EXPECT_EQ(message_.fds.size(), kMaxChannelFds);
  message_ = {};
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST_F(ChannelTest, MessagesOfAPeerThatIsGoneStillArrive) {
  ASSERT_TRUE(sender_.send(bytes_of("last words"), {}));
  sender_.close();
  EXPECT_EQ(receiver_.receive(message_), Receive::kMessage);
  EXPECT_EQ(message_.bytes, bytes_of("last words"));
  EXPECT_EQ(receiver_.receive(message_), Receive::kPeerGone);
  EXPECT_EQ(receiver_.receive(message_), Receive::kPeerGone);
}

TEST_F(ChannelTest, PeerThatLeftMessagesUnreadIsGone) {
  ASSERT_TRUE(receiver_.send(bytes_of("never read"), {}));
  sender_.close();
  EXPECT_EQ(receiver_.receive(message_), Receive::kPeerGone);
}

TEST_F(ChannelTest, SendToAPeerThatIsGoneIsRefusedWithoutASignal) {
  receiver_.close();
  EXPECT_FALSE(sender_.send(bytes_of("x"), {}));
}

TEST_F(ChannelTest, SendIsRefusedWhileThePeerDoesNotReadAndGoesOnAfterwards) {
  const std::vector<std::byte> longest(kMaxChannelBytes);
  int sent = 0;
  while (sent < 10'000 && sender_.send(longest, {})) ++sent;
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, 10'000);
  for (int i = 0; i < sent; ++i) ASSERT_EQ(receiver_.receive(message_), Receive::kMessage);
  EXPECT_TRUE(sender_.send(longest, {}));
}

TEST_F(ChannelTest, ARefusedSendKeepsNoDescriptors) {
  const UniqueFd counter(eventfd(0, EFD_CLOEXEC));
  const std::vector<std::byte> longest(kMaxChannelBytes);
  while (sender_.send(longest, {})) {
  }
  const long before = test::open_descriptors();
  EXPECT_FALSE(sender_.send(longest, std::array{counter.get()}));
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST_F(ChannelTest, AMessageThatWasCutOffIsAnErrorAndLeavesNoDescriptor) {
  const long before = test::open_descriptors();
  send_raw(kMaxChannelBytes + 1, {STDERR_FILENO, STDERR_FILENO});
  EXPECT_EQ(receive_error(), ErrorCode::kInternal);
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST_F(ChannelTest, MoreDescriptorsThanAllowedAreAnErrorAndNoneIsLeft) {
  const long before = test::open_descriptors();
  send_raw(1, std::vector<int>(kMaxChannelFds + 1, STDERR_FILENO));
  const Error error = test::error_of([this] {
    Channel::Message message;
    receiver_.receive(message);
  });
  EXPECT_NE(error.message().find("descriptors"), std::string::npos) << error.message();
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST_F(ChannelTest, DescriptorsThatFindNoRoomAreAResourceErrorAndNoneIsLeft) {
  const long before = test::open_descriptors();
  ASSERT_TRUE(sender_.send(bytes_of("x"), std::vector<int>(5, STDERR_FILENO)));
  {
    const test::DescriptorLimit limit(2);
    EXPECT_EQ(receive_error(), ErrorCode::kResources);
  }
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST_F(ChannelTest, TheChannelGoesOnAfterAnError) {
  send_raw(kMaxChannelBytes + 1, {});
  ASSERT_TRUE(sender_.send(bytes_of("next"), {}));
  EXPECT_EQ(receive_error(), ErrorCode::kInternal);
  ASSERT_EQ(receiver_.receive(message_), Receive::kMessage);
  EXPECT_EQ(message_.bytes, bytes_of("next"));
}

TEST(ChannelPairTest, NoDescriptorLeftIsAResourceError) {
  const test::DescriptorLimit limit(1);
  EXPECT_EQ(test::error_of([] { Channel::create_pair(); }).code(), ErrorCode::kResources);
}

TEST(ChannelPairTest, ClosesItsDescriptors) {
  const long before = test::open_descriptors();
  Channel::create_pair();
  EXPECT_EQ(test::open_descriptors(), before);
}

}  // namespace
}  // namespace gristmill::ipc
