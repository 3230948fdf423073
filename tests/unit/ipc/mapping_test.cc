#include "ipc/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "ipc/regular_file.h"
#include "ipc/segment.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::ipc {
namespace {

using testing::HasSubstr;

TEST(MappingTest, ReaderSeesWhatTheWriterWrites) {
  const Segment segment = Segment::create(4096);
  const WritableMapping writer(segment.fd(), 0, 4096);
  const ReadOnlyMapping reader(segment.fd(), 0, 4096);
  writer.data()[4095] = std::byte{9};
  EXPECT_EQ(reader.data()[4095], std::byte{9});
  EXPECT_EQ(reader.bytes().size(), 4096U);
  EXPECT_EQ(reader.size_bytes(), 4096);
}

TEST(MappingTest, OffsetNeedNotBeOnAPage) {
  const Segment segment = Segment::create(20'000);
  const WritableMapping all(segment.fd(), 0, 20'000);
  std::memcpy(all.data() + 5001, "here", 4);
  const ReadOnlyMapping part(segment.fd(), 5001, 4);
  EXPECT_EQ(std::memcmp(part.data(), "here", 4), 0);
}

TEST(MappingTest, OutlivesTheDescriptor) {
  ReadOnlyMapping reader;
  {
    const Segment segment = Segment::create(4096);
    const WritableMapping writer(segment.fd(), 0, 4096);
    writer.data()[1] = std::byte{5};
    reader = ReadOnlyMapping(segment.fd(), 0, 4096);
  }
  EXPECT_EQ(reader.data()[1], std::byte{5});
}

TEST(MappingTest, NothingIsMappedForSizeZero) {
  const Segment segment = Segment::create(0);
  const ReadOnlyMapping reader(segment.fd(), 0, 0);
  const WritableMapping writer(segment.fd(), 0, 0);
  EXPECT_TRUE(reader.bytes().empty());
  EXPECT_TRUE(writer.bytes().empty());
}

TEST(MappingTest, MovesLeaveTheBytesWhereTheyAre) {
  const Segment segment = Segment::create(4096);
  WritableMapping first(segment.fd(), 0, 4096);
  const std::byte* const data = first.data();
  const WritableMapping second = std::move(first);
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(second.size_bytes(), 4096);
}

TEST(MappingTest, RefusesARangeBeyondTheEnd) {
  const Segment segment = Segment::create(4096);
  EXPECT_NO_THROW(ReadOnlyMapping(segment.fd(), 96, 4000));
  const Error error = test::error_of([&] { ReadOnlyMapping(segment.fd(), 97, 4000); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), HasSubstr("only 4096 bytes are there"));
  EXPECT_THROW(WritableMapping(segment.fd(), 0, 4097), Error);
  EXPECT_THROW(ReadOnlyMapping(segment.fd(), INT64_MAX, 1), Error);
  EXPECT_THROW(ReadOnlyMapping(segment.fd(), 1, INT64_MAX), Error);
}

TEST(MappingTest, MapsAFile) {
  const test::TemporaryFolder folder;
  const RegularFile file = open_regular_file(folder.write("data", "0123456789"));
  const ReadOnlyMapping mapping(file.fd.get(), 3, 4);
  EXPECT_EQ(std::memcmp(mapping.data(), "3456", 4), 0);
}

TEST(MappingTest, NoWritableMappingOfAReadOnlyDescriptor) {
  const Segment segment = Segment::create(4096);
  const UniqueFd reader = segment.read_only_fd();
  EXPECT_THROW(WritableMapping(reader.get(), 0, 4096), Error);
}

TEST(PrivateMappingTest, WhatIsWrittenIsSeenNowhereElse) {
  const Segment segment = Segment::create(4096);
  const WritableMapping shared(segment.fd(), 0, 4096);
  shared.data()[7] = std::byte{1};
  const PrivateMapping own(segment.fd(), 0, 4096);
  EXPECT_EQ(own.data()[7], std::byte{1});
  own.data()[7] = std::byte{2};
  EXPECT_EQ(shared.data()[7], std::byte{1});
  EXPECT_EQ(PrivateMapping(segment.fd(), 0, 4096).data()[7], std::byte{1});
}

TEST(PrivateMappingTest, TakesADescriptorForReadingOnlyOfSealedMemory) {
  Segment segment = Segment::create(4096);
  WritableMapping(segment.fd(), 0, 4096).data()[4095] = std::byte{3};
  segment.seal();
  const UniqueFd reader = segment.read_only_fd();
  const PrivateMapping own(reader.get(), 0, 4096);
  EXPECT_EQ(own.data()[4095], std::byte{3});
  own.data()[4095] = std::byte{4};
  EXPECT_EQ(ReadOnlyMapping(reader.get(), 0, 4096).data()[4095], std::byte{3});
}

TEST(PrivateMappingTest, OffsetNeedNotBeOnAPage) {
  const Segment segment = Segment::create(20'000);
  const WritableMapping all(segment.fd(), 0, 20'000);
  std::memcpy(all.data() + 5001, "here", 4);
  PrivateMapping part(segment.fd(), 5001, 4);
  EXPECT_EQ(part.size_bytes(), 4);
  EXPECT_EQ(std::memcmp(part.data(), "here", 4), 0);
  const PrivateMapping moved = std::move(part);
  std::memcpy(moved.data(), "mine", 4);
  EXPECT_EQ(std::memcmp(all.data() + 5001, "here", 4), 0);
}

TEST(PrivateMappingTest, RefusesARangeBeyondTheEnd) {
  const Segment segment = Segment::create(4096);
  const Error error = test::error_of([&] { PrivateMapping(segment.fd(), 97, 4000); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THROW(PrivateMapping(segment.fd(), INT64_MAX, 1), Error);
}

}  // namespace
}  // namespace gristmill::ipc
