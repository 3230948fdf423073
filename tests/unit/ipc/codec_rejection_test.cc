#include <gtest/gtest.h>

#include <string>

#include "ipc/codec.h"
#include "tests/unit/ipc/codec_samples.h"

namespace gristmill::ipc {
namespace {

const Bytes kRangeSpace =
    array_of({number(1), number(0), number(0), number(0), number(0), number(0)});

const Bytes kFour = big_endian(0xCB, 0x4010000000000000, 8);

std::optional<Report> planned(const Bytes& items, const Bytes& outputs,
                              const Bytes& nanoseconds = kFour) {
  return decode_report(
      array_of({number(2), array_of({number(1), number(2), kRangeSpace, items, number(3),
                                     nanoseconds, text(""), outputs, number(5)})}));
}

TEST(CodecRejectionTest, NothingAtAllIsMalformed) { EXPECT_TRUE(is_malformed({})); }

TEST(CodecRejectionTest, AMessageCutOffAtAnyByteIsMalformed) {
  for (const Sample& sample : samples()) {
    for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
      ASSERT_FALSE(sample.recoded(std::span(sample.bytes).first(size))) << size;
    }
  }
}

TEST(CodecRejectionTest, BytesAfterTheMessageAreMalformed) {
  for (const Sample& sample : samples()) {
    for (const Bytes& tail : {bytes_of(std::string_view("\0", 1)), kNil, bytes_of("\xC1"),
                              bytes_of("\x91"), sample.bytes}) {
      EXPECT_FALSE(sample.recoded(sample.bytes + tail));
    }
  }
}

TEST(CodecRejectionTest, AMessageOfAnotherQueueIsMalformed) {
  // Number and fields fit none of the kinds of the other queue.
  EXPECT_FALSE(decode_task(encode(Report{Idle{1, 2}})));
  EXPECT_FALSE(decode_report(encode(Task{Order{1, 2, 3, 4}})));
  EXPECT_FALSE(decode_channel_message(encode(Task{CloseJob{1}})));
}

TEST(CodecRejectionTest, AnUnknownKindIsMalformed) {
  for (const Bytes& kind : {number(10), number(64), number(std::uint64_t{1} << 32),
                            number((std::uint64_t{1} << 32) + 3), number(kMost<std::uint64_t>),
                            negative(-1), negative(kLeast<std::int64_t>), kNil, kTrue, text("3")}) {
    for (const Bytes& body : {array_of({}), array_of({number(1)}), array_of({text("1.2.3")}),
                              array_of({number(1), number(2), number(3), number(4)})}) {
      EXPECT_TRUE(is_malformed(array_of({kind, body})));
    }
  }
  EXPECT_FALSE(decode_channel_message(array_of({number(2), array_of({text("1.2.3")})})));
  EXPECT_FALSE(decode_task(array_of({number(4), array_of({number(1)})})));
}

TEST(CodecRejectionTest, AVariantThatIsNoPairIsMalformed) {
  EXPECT_FALSE(decode_task(array_of({number(3)})));
  EXPECT_FALSE(decode_task(array_of({number(3), array_of({number(1)}), kNil})));
  EXPECT_FALSE(decode_task(number(3)));
  EXPECT_FALSE(decode_task(array_of({})));
  EXPECT_TRUE(decode_task(array_of({number(3), array_of({number(1)})})));
}

TEST(CodecRejectionTest, AnotherTypeInAnyFieldIsMalformed) {
  int tried = 0;
  for (const Sample& sample : samples()) {
    for_each_value(sample.bytes, 0, [&](std::size_t begin, std::size_t end) {
      const Kind kind = kind_of(sample.bytes[begin]);
      for (const Bytes& stranger : strangers(kind)) {
        const Bytes mutant = with(sample.bytes, begin, end, stranger);
        const auto accepted = sample.recoded(mutant);
        // What is optional may be left out. The reverse, nil for an array of the right elements, is
        // not among the strangers.
        if (accepted && stranger == kNil) continue;
        EXPECT_FALSE(accepted) << "byte " << begin << " of " << sample.bytes.size() << ", marker "
                               << std::hex << static_cast<int>(stranger[0]);
        ++tried;
      }
    });
  }
  EXPECT_GT(tried, 1000);
}

TEST(CodecRejectionTest, OnlyOptionalFieldsMayBeLeftOut) {
  int left_out = 0;
  for (const Sample& sample : samples()) {
    for_each_value(sample.bytes, 0, [&](std::size_t begin, std::size_t end) {
      if (kind_of(sample.bytes[begin]) == Kind::kNone) return;
      if (sample.recoded(with(sample.bytes, begin, end, kNil))) ++left_out;
    });
  }
  // Two inputs in each of two requests, two placements, the partials, the rows and their file, the
  // fill value, the chunk of a failure.
  EXPECT_EQ(left_out, 11);
}

TEST(CodecRejectionTest, OneElementMoreOrLessInAStructureIsMalformed) {
  // Structures only: a list may have any length.
  const auto changed = [](const Bytes& bytes, std::size_t begin, std::size_t end, int by) {
    Bytes array(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                bytes.begin() + static_cast<std::ptrdiff_t>(end));
    const int count = static_cast<int>(array[0]) & 0xF;
    if (by > 0) {
      array.push_back(kNil[0]);
    } else {
      std::size_t last = 1;
      for (int i = 1; i < count; ++i) last = value_end(array, last);
      array.resize(last);
    }
    array[0] = static_cast<std::byte>(0x90 | (count + by));
    return with(bytes, begin, end, array);
  };
  for (const Sample& sample : samples()) {
    for_each_value(sample.bytes, 0, [&](std::size_t begin, std::size_t end) {
      if (kind_of(sample.bytes[begin]) != Kind::kArray) return;
      const unsigned count = array_head(sample.bytes, begin).count;
      if (count > 15) return;
      const bool changed_length_is_seen = begin == 0 || begin == 2;  // the variant, the message
      if (!changed_length_is_seen) return;
      if (count < 15) {
        EXPECT_FALSE(sample.recoded(changed(sample.bytes, begin, end, 1)));
      }
      if (count > 0) {
        EXPECT_FALSE(sample.recoded(changed(sample.bytes, begin, end, -1)));
      }
    });
  }
  // The structures further in.
  const auto with_output = [](const Bytes& output) {
    return planned(number(2), array_of({output}));
  };
  EXPECT_TRUE(with_output(array_of({number(1), array_of({})})));
  EXPECT_FALSE(with_output(array_of({number(1)})));
  EXPECT_FALSE(with_output(array_of({number(1), array_of({}), kNil})));
  EXPECT_FALSE(with_output(array_of({})));
}

Bytes order_of(const Bytes& job, const Bytes& seq, const Bytes& begin, const Bytes& end) {
  return array_of({number(2), array_of({job, seq, begin, end, number(0), number(0), number(0)})});
}

TEST(CodecRejectionTest, NumbersOutOfRangeAreMalformed) {
  const Bytes one = number(1);
  ASSERT_TRUE(decode_task(order_of(one, one, one, one)));
  const Bytes too_large = number(std::uint64_t{1} << 32);
  EXPECT_FALSE(decode_task(order_of(too_large, one, one, one)));
  EXPECT_FALSE(decode_task(order_of(one, one, too_large, one)));
  EXPECT_FALSE(decode_task(order_of(one, one, one, too_large)));
  EXPECT_FALSE(decode_task(order_of(one, one, one, number(kMost<std::uint64_t>))));
  EXPECT_TRUE(decode_task(order_of(one, number(kMost<std::uint64_t>), one, one)));
  for (const Bytes& below :
       {negative(-1), negative(kLeast<std::int64_t>), bytes_of("\xFF"), bytes_of("\xD0\xFF")}) {
    EXPECT_FALSE(decode_task(order_of(below, one, one, one)));
    EXPECT_FALSE(decode_task(order_of(one, below, one, one)));
  }
  // A signed field: items.
  EXPECT_TRUE(planned(number(kMost<std::int64_t>), array_of({})));
  EXPECT_FALSE(planned(number(std::uint64_t{1} << 63), array_of({})));
  EXPECT_FALSE(planned(number(kMost<std::uint64_t>), array_of({})));
  EXPECT_TRUE(planned(negative(kLeast<std::int64_t>), array_of({})));
}

TEST(CodecRejectionTest, AnIntegerWhereADoubleIsExpectedIsMalformed) {
  EXPECT_TRUE(planned(number(2), array_of({}), kFour));
  for (const Bytes& integer : {number(4), negative(-4), bytes_of("\x04")}) {
    EXPECT_FALSE(planned(number(2), array_of({}), integer));
  }
}

TEST(CodecRejectionTest, UnknownDTypesErrorCodesAndBoolsAreMalformed) {
  const auto with_dtype = [](const Bytes& dtype) {
    return planned(number(2), array_of({array_of({dtype, array_of({})})}));
  };
  EXPECT_TRUE(with_dtype(number(1)));
  for (const std::uint64_t dtype :
       {std::uint64_t{0}, std::uint64_t{15}, std::uint64_t{255}, (std::uint64_t{1} << 32) + 1}) {
    EXPECT_FALSE(with_dtype(number(dtype))) << dtype;
  }
  EXPECT_FALSE(with_dtype(negative(-1)));

  const auto refused = [](const Bytes& code) {
    const Bytes message = array_of({text("a"), text(""), text("")});
    return decode_report(array_of({number(3), array_of({number(1), code, message})}));
  };
  EXPECT_TRUE(refused(number(3)));
  EXPECT_FALSE(refused(number(4)));
  EXPECT_FALSE(refused(number(std::uint64_t{1} << 32)));
  EXPECT_FALSE(refused(negative(-1)));

  const auto plan = [](const Bytes& wanted) {
    const Bytes request =
        array_of({text("p"), number(1), text("k"), array_of({}), array_of({}), array_of({wanted})});
    return decode_task(array_of({number(1), array_of({number(1), request})}));
  };
  EXPECT_TRUE(plan(kTrue));
  EXPECT_FALSE(plan(number(0)));
  EXPECT_FALSE(plan(number(1)));
  EXPECT_FALSE(plan(number(2)));
}

TEST(CodecRejectionTest, AnUnknownPatternIsMalformed) {
  const auto described = [](const Bytes& pattern) {
    const Bytes none = array_of({});
    const Bytes kernel =
        array_of({text("k"), pattern, text(""), text(""), text("p"), none, none, none});
    return decode_report(
        array_of({number(1), array_of({number(1), number(0), number(1), number(9), kernel})}));
  };
  EXPECT_TRUE(described(number(0)));
  EXPECT_TRUE(described(number(1)));
  EXPECT_TRUE(described(number(2)));
  EXPECT_FALSE(described(number(3)));
  EXPECT_FALSE(described(number(std::uint64_t{1} << 32)));
  EXPECT_FALSE(described(negative(-1)));
  EXPECT_FALSE(described(kTrue));
  EXPECT_FALSE(described(text("reduce")));
}

TEST(CodecRejectionTest, ATextThatIsTooLongIsMalformed) {
  EXPECT_TRUE(decode_report(encode(Report{Hello{std::string(kMaxTextBytes, 'x')}})));
  EXPECT_FALSE(decode_report(encode(Report{Hello{std::string(kMaxTextBytes + 1, 'x')}})));
}

TEST(CodecRejectionTest, AnArrayThatIsTooLongIsMalformed) {
  EXPECT_TRUE(decode_task(encode(Task{plan_params(std::vector<ParamValue>(64, true))})));
  EXPECT_FALSE(decode_task(encode(Task{plan_params(std::vector<ParamValue>(65, true))})));
}

TEST(CodecRejectionTest, AListThatIsTooLongOrNotOfDoublesIsMalformed) {
  const auto plan = [](const Bytes& binary) {
    const Bytes request = array_of({text("p"), number(1), text("k"), array_of({}),
                                    array_of({array_of({number(4), binary})}), array_of({})});
    return decode_task(array_of({number(1), array_of({number(1), request})}));
  };
  const auto binary = [](std::size_t size_bytes) {
    return big_endian(0xC6, size_bytes, 4) + Bytes(size_bytes);
  };
  EXPECT_TRUE(plan(binary(0)));
  EXPECT_TRUE(plan(binary(16)));
  EXPECT_TRUE(plan(binary(48 * 1024)));
  EXPECT_FALSE(plan(binary(48 * 1024 + 8)));
  for (const std::size_t odd : {1, 7, 9, 15}) EXPECT_FALSE(plan(binary(odd))) << odd;
}

// Bytes of a call or an answer.

Bytes binary(std::size_t size_bytes) {
  return big_endian(0xC6, size_bytes, 4) + Bytes(size_bytes, std::byte{1});
}
Bytes call_with(const Bytes& data) {
  return array_of({number(5), array_of({number(1), kTrue, data})});
}
Bytes returned_with(const Bytes& released, const Bytes& data) {
  return array_of({number(9), array_of({number(1), kTrue, kTrue, number(2), released, data})});
}
Bytes numbers(std::uint16_t count) {
  Bytes bytes = big_endian(0xDC, count, 2);
  for (int i = 0; i < count; ++i) bytes = std::move(bytes) + number(1);
  return bytes;
}

TEST(CodecRejectionTest, TheDataOfACallAreBytesWithALimit) {
  constexpr std::size_t kMostBytes = 48 * 1024;
  ASSERT_TRUE(decode_task(call_with(binary(kMostBytes))));
  EXPECT_FALSE(decode_task(call_with(binary(kMostBytes + 1))));
  EXPECT_FALSE(decode_task(call_with(text("data"))));
  EXPECT_FALSE(decode_task(call_with(array_of({number(1)}))));
  EXPECT_FALSE(decode_task(call_with(number(1))));
  EXPECT_FALSE(decode_task(call_with(kNil)));
}

TEST(CodecRejectionTest, AnAnswerReleasesALimitedNumberOfUses) {
  ASSERT_TRUE(decode_report(returned_with(numbers(kMaxReleased), binary(0))));
  EXPECT_FALSE(decode_report(returned_with(numbers(kMaxReleased + 1), binary(0))));
  EXPECT_FALSE(decode_report(returned_with(binary(8), binary(0))));
  EXPECT_FALSE(decode_report(returned_with(array_of({negative(-1)}), binary(0))));
  EXPECT_FALSE(decode_report(returned_with(numbers(0), text("data"))));
}

}  // namespace
}  // namespace gristmill::ipc
