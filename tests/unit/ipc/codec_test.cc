#include "ipc/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "ipc/ring.h"
#include "tests/support/repetitions.h"
#include "tests/support/sanitizers.h"

namespace gristmill::ipc {
namespace {

using Bytes = std::vector<std::byte>;

template <class T>
constexpr T kMost = std::numeric_limits<T>::max();
template <class T>
constexpr T kLeast = std::numeric_limits<T>::min();

Bytes bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes repeated(std::string_view text, std::size_t times) {
  Bytes bytes;
  for (std::size_t i = 0; i < times; ++i) bytes = std::move(bytes) + bytes_of(text);
  return bytes;
}

// A few pieces of msgpack, to write messages that encode() would not.
Bytes array_of(std::initializer_list<Bytes> elements) {
  Bytes bytes{static_cast<std::byte>(0x90 | elements.size())};
  for (const Bytes& element : elements) bytes = std::move(bytes) + element;
  return bytes;
}

Bytes big_endian(unsigned char marker, std::uint64_t value, int size_bytes) {
  Bytes bytes{std::byte{marker}};
  for (int i = size_bytes - 1; i >= 0; --i) bytes.push_back(static_cast<std::byte>(value >> 8 * i));
  return bytes;
}

Bytes number(std::uint64_t value) { return big_endian(0xCF, value, 8); }
Bytes negative(std::int64_t value) {
  return big_endian(0xD3, static_cast<std::uint64_t>(value), 8);
}
Bytes text(std::string_view value) { return big_endian(0xDA, value.size(), 2) + bytes_of(value); }
const Bytes kNil = bytes_of("\xC0");
const Bytes kTrue = bytes_of("\xC3");

// One of each kind of message, so filled that each field is told from its neighbours and from its
// default. Signed numbers are negative and unsigned ones positive, except for optional ones.

KernelRequest sample_request() {
  return {.plugin = "/p/plugin.so",
          .kernel = "nearest",
          .inputs = {ArraySpec{DType::kFloat64, {-5, -2}}, std::nullopt,
                     ArraySpec{DType::kComplex128, {}}},
          .params = {true, std::int64_t{-9}, 2.5, std::string("haversine"),
                     std::vector<double>{1, -0.5, 1e300}},
          .outputs_wanted = {true, false, true}};
}

Setup sample_setup() { return {"1.2.3"}; }

OpenJob sample_open_job() {
  return {.job = 1,
          .slot = 2,
          .slots = 3,
          .chunks = 4,
          .items = -5,
          .chunk_items = -6,
          .ledger_key = 7,
          .request = sample_request(),
          .outputs = {{DType::kInt64, {-8}}, {DType::kBool, {-9, -10}}},
          .input_placements = {Placement{11, -12, -13, true}, std::nullopt},
          .output_placements = {std::nullopt, Placement{14, -15, -16, false}}};
}

Described sample_described() {
  return {.request = 1,
          .index = 2,
          .count = 3,
          .kernel = {.name = "name",
                     .summary = "summary",
                     .description = "description",
                     .plugin = "plugin",
                     .inputs = {{"input", "input help", true}, {"second", "", false}},
                     .params = {{"param", "list", "1,2", "param help"}},
                     .outputs = {{"output", "output help"}}}};
}

Planned sample_planned() {
  return {.request = 1,
          .items = -2,
          .bytes_per_item = -3,
          .nanoseconds_per_item = 4.5,
          .index_space = "rows of \"points\"",
          .instruction_set = "x86-64-v4",
          .outputs = {{DType::kFloat32, {-7, -1}}}};
}

Refused sample_refused() { return {1, ErrorCode::kResources, {"message", "Detail.", "Hint."}}; }

JobFailed sample_job_failed() {
  return {1, 2, ErrorCode::kInternal, {"message", "Detail.", "Hint."}};
}

std::vector<ChannelMessage> sample_channel_messages() {
  return {sample_setup(), sample_open_job()};
}
std::vector<Task> sample_tasks() {
  return {DescribeRequest{1, "/p/plugin.so"}, PlanRequest{2, sample_request()}, Order{3, 4, 5, 6},
          CloseJob{7}};
}
std::vector<Report> sample_reports() {
  return {Hello{"1.2.3"}, sample_described(),  sample_planned(), sample_refused(),
          Idle{100, 200}, sample_job_failed(), JobClosed{9}};
}

// The three kinds of decoding behind one face.
struct Sample {
  Bytes bytes;
  // The encoding of what is decoded; none: malformed.
  std::optional<Bytes> (*recoded)(std::span<const std::byte>);
};

template <class Message>
std::optional<Bytes> recoded(const std::optional<Message>& message) {
  return message ? std::optional(encode(*message)) : std::nullopt;
}
std::optional<Bytes> recoded_channel_message(std::span<const std::byte> bytes) {
  return recoded(decode_channel_message(bytes));
}
std::optional<Bytes> recoded_task(std::span<const std::byte> bytes) {
  return recoded(decode_task(bytes));
}
std::optional<Bytes> recoded_report(std::span<const std::byte> bytes) {
  return recoded(decode_report(bytes));
}

std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const auto& message : sample_channel_messages()) {
    all.push_back({encode(message), recoded_channel_message});
  }
  for (const auto& task : sample_tasks()) all.push_back({encode(task), recoded_task});
  for (const auto& report : sample_reports()) all.push_back({encode(report), recoded_report});
  return all;
}

bool is_malformed(const Bytes& bytes) {
  return !decode_channel_message(bytes) && !decode_task(bytes) && !decode_report(bytes);
}

// Round trips.

template <class Message>
Message through_channel(const Message& message) {
  const std::optional<ChannelMessage> decoded = decode_channel_message(encode(message));
  EXPECT_TRUE(decoded && std::holds_alternative<Message>(*decoded));
  return std::get<Message>(decoded.value());
}
template <class Message>
Message as_task(const Message& message) {
  const std::optional<Task> decoded = decode_task(encode(Task{message}));
  EXPECT_TRUE(decoded && std::holds_alternative<Message>(*decoded));
  return std::get<Message>(decoded.value());
}
template <class Message>
Message as_report(const Message& message) {
  const std::optional<Report> decoded = decode_report(encode(Report{message}));
  EXPECT_TRUE(decoded && std::holds_alternative<Message>(*decoded));
  return std::get<Message>(decoded.value());
}

void expect_same(const std::optional<ArraySpec>& left, const std::optional<ArraySpec>& right) {
  ASSERT_EQ(left.has_value(), right.has_value());
  if (!left) return;
  EXPECT_EQ(left->dtype, right->dtype);
  EXPECT_EQ(left->shape, right->shape);
}

void expect_same(const std::optional<Placement>& left, const std::optional<Placement>& right) {
  ASSERT_EQ(left.has_value(), right.has_value());
  if (!left) return;
  EXPECT_EQ(left->fd_index, right->fd_index);
  EXPECT_EQ(left->offset_bytes, right->offset_bytes);
  EXPECT_EQ(left->size_bytes, right->size_bytes);
  EXPECT_EQ(left->sealed, right->sealed);
}

template <class T>
void expect_each_same(const std::vector<T>& left, const std::vector<T>& right) {
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) expect_same(left[i], right[i]);
}

void expect_same(const KernelRequest& left, const KernelRequest& right) {
  EXPECT_EQ(left.plugin, right.plugin);
  EXPECT_EQ(left.kernel, right.kernel);
  expect_each_same(left.inputs, right.inputs);
  EXPECT_EQ(left.params, right.params);
  EXPECT_EQ(left.outputs_wanted, right.outputs_wanted);
}

void expect_same(const ErrorText& left, const ErrorText& right) {
  EXPECT_EQ(left.message, right.message);
  EXPECT_EQ(left.detail, right.detail);
  EXPECT_EQ(left.hint, right.hint);
}

// Messages of which one field matters.

Planned planned_items(std::int64_t items) {
  Planned planned;
  planned.items = items;
  return planned;
}
Planned planned_nanoseconds(double nanoseconds) {
  Planned planned;
  planned.nanoseconds_per_item = nanoseconds;
  return planned;
}
Planned planned_dtype(DType dtype) {
  Planned planned;
  planned.outputs = {{dtype, {}}};
  return planned;
}
PlanRequest plan_params(std::vector<ParamValue> params) {
  PlanRequest request;
  request.kernel.params = std::move(params);
  return request;
}

TEST(CodecTest, SetupComesBack) {
  EXPECT_EQ(through_channel(sample_setup()).version, sample_setup().version);
}

TEST(CodecTest, OpenJobComesBack) {
  const OpenJob sent = sample_open_job();
  const OpenJob received = through_channel(sent);
  EXPECT_EQ(received.job, sent.job);
  EXPECT_EQ(received.slot, sent.slot);
  EXPECT_EQ(received.slots, sent.slots);
  EXPECT_EQ(received.chunks, sent.chunks);
  EXPECT_EQ(received.items, sent.items);
  EXPECT_EQ(received.chunk_items, sent.chunk_items);
  EXPECT_EQ(received.ledger_key, sent.ledger_key);
  expect_same(received.request, sent.request);
  expect_each_same(received.outputs, sent.outputs);
  expect_each_same(received.input_placements, sent.input_placements);
  expect_each_same(received.output_placements, sent.output_placements);
}

TEST(CodecTest, TasksComeBack) {
  const DescribeRequest describe = as_task(DescribeRequest{1, "/p"});
  EXPECT_EQ(describe.request, 1U);
  EXPECT_EQ(describe.plugin, "/p");
  const PlanRequest plan = as_task(PlanRequest{2, sample_request()});
  EXPECT_EQ(plan.request, 2U);
  expect_same(plan.kernel, sample_request());
  const Order order = as_task(Order{3, 4, 5, 6});
  EXPECT_EQ(order.job, 3U);
  EXPECT_EQ(order.seq, 4U);
  EXPECT_EQ(order.begin, 5U);
  EXPECT_EQ(order.end, 6U);
  EXPECT_EQ(as_task(CloseJob{7}).job, 7U);
}

TEST(CodecTest, DescribedComesBack) {
  const Described sent = sample_described();
  const Described received = as_report(sent);
  EXPECT_EQ(received.request, sent.request);
  EXPECT_EQ(received.index, sent.index);
  EXPECT_EQ(received.count, sent.count);
  EXPECT_EQ(received.kernel.name, sent.kernel.name);
  EXPECT_EQ(received.kernel.summary, sent.kernel.summary);
  EXPECT_EQ(received.kernel.description, sent.kernel.description);
  EXPECT_EQ(received.kernel.plugin, sent.kernel.plugin);
  ASSERT_EQ(received.kernel.inputs.size(), 2U);
  EXPECT_EQ(received.kernel.inputs[0].name, "input");
  EXPECT_EQ(received.kernel.inputs[0].help, "input help");
  EXPECT_TRUE(received.kernel.inputs[0].optional);
  EXPECT_FALSE(received.kernel.inputs[1].optional);
  ASSERT_EQ(received.kernel.params.size(), 1U);
  EXPECT_EQ(received.kernel.params[0].name, "param");
  EXPECT_EQ(received.kernel.params[0].type, "list");
  EXPECT_EQ(received.kernel.params[0].default_value, "1,2");
  EXPECT_EQ(received.kernel.params[0].help, "param help");
  ASSERT_EQ(received.kernel.outputs.size(), 1U);
  EXPECT_EQ(received.kernel.outputs[0].name, "output");
  EXPECT_EQ(received.kernel.outputs[0].help, "output help");
}

TEST(CodecTest, PlannedComesBack) {
  const Planned sent = sample_planned();
  const Planned received = as_report(sent);
  EXPECT_EQ(received.request, sent.request);
  EXPECT_EQ(received.items, sent.items);
  EXPECT_EQ(received.bytes_per_item, sent.bytes_per_item);
  EXPECT_EQ(received.nanoseconds_per_item, sent.nanoseconds_per_item);
  EXPECT_EQ(received.index_space, sent.index_space);
  EXPECT_EQ(received.instruction_set, sent.instruction_set);
  expect_each_same(received.outputs, sent.outputs);
}

TEST(CodecTest, OtherReportsComeBack) {
  EXPECT_EQ(as_report(Hello{"1.2.3"}).version, "1.2.3");
  const Refused refused = as_report(sample_refused());
  EXPECT_EQ(refused.request, 1U);
  EXPECT_EQ(refused.code, ErrorCode::kResources);
  expect_same(refused.text, sample_refused().text);
  const Idle idle = as_report(Idle{1, 2});
  EXPECT_EQ(idle.job, 1U);
  EXPECT_EQ(idle.seq, 2U);
  const JobFailed failed = as_report(sample_job_failed());
  EXPECT_EQ(failed.job, 1U);
  EXPECT_EQ(failed.chunk, 2U);
  EXPECT_EQ(failed.code, ErrorCode::kInternal);
  expect_same(failed.text, sample_job_failed().text);
  EXPECT_EQ(as_report(JobFailed{}).chunk, std::nullopt);
  EXPECT_EQ(as_report(JobClosed{3}).job, 3U);
}

TEST(CodecTest, MessagesOfDefaultsComeBack) {
  // A dtype has no default that is one.
  EXPECT_EQ(through_channel(OpenJob{}).request.kernel, "");
  EXPECT_TRUE(as_task(PlanRequest{}).kernel.params.empty());
  EXPECT_TRUE(as_report(Planned{}).outputs.empty());
  EXPECT_TRUE(as_report(Described{}).kernel.inputs.empty());
}

TEST(CodecTest, IntegersOfAllSizesComeBack) {
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    for (const std::uint64_t value : {power - 1, power, power + 1, ~power}) {
      ASSERT_EQ(as_task(Order{1, value, 2, 3}).seq, value);
      const auto as_signed = static_cast<std::int64_t>(value);
      ASSERT_EQ(as_report(planned_items(as_signed)).items, as_signed);
      const auto narrow = static_cast<std::uint32_t>(value);
      ASSERT_EQ(as_task(CloseJob{narrow}).job, narrow);
    }
  }
}

TEST(CodecTest, ExtremeIntegersComeBack) {
  const Order order =
      as_task(Order{kMost<std::uint32_t>, kMost<std::uint64_t>, 0, kMost<std::uint32_t>});
  EXPECT_EQ(order.job, kMost<std::uint32_t>);
  EXPECT_EQ(order.seq, kMost<std::uint64_t>);
  EXPECT_EQ(order.end, kMost<std::uint32_t>);
  Planned extreme = planned_items(kLeast<std::int64_t>);
  extreme.bytes_per_item = kMost<std::int64_t>;
  const Planned planned = as_report(extreme);
  EXPECT_EQ(planned.items, kLeast<std::int64_t>);
  EXPECT_EQ(planned.bytes_per_item, kMost<std::int64_t>);
}

TEST(CodecTest, DoublesComeBack) {
  using Limits = std::numeric_limits<double>;
  for (const double value :
       {0.0, 1.0, -1.0, 0.1, -2.5, 1e300, Limits::max(), Limits::lowest(), Limits::min(),
        Limits::denorm_min(), Limits::infinity(), -Limits::infinity(), 9007199254740993.0,
        9223372036854775808.0, -9223372036854775808.0, 18446744073709551616.0}) {
    EXPECT_EQ(as_report(planned_nanoseconds(value)).nanoseconds_per_item, value);
    const PlanRequest received = as_task(plan_params({value, std::vector<double>{value, -0.0}}));
    ASSERT_EQ(received.kernel.params.size(), 2U);
    ASSERT_TRUE(std::holds_alternative<double>(received.kernel.params[0])) << value;
    EXPECT_EQ(std::get<double>(received.kernel.params[0]), value);
    const auto& list = std::get<std::vector<double>>(received.kernel.params[1]);
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0], value);
    EXPECT_TRUE(std::signbit(list[1]));
  }
  const double nan = Limits::quiet_NaN();
  EXPECT_TRUE(std::isnan(as_report(planned_nanoseconds(nan)).nanoseconds_per_item));
}

TEST(CodecTest, AnyBytesInATextComeBack) {
  std::string all;
  for (int value = 0; value < 256; ++value) all.push_back(static_cast<char>(value));
  EXPECT_EQ(as_report(Hello{all}).version, all);
}

TEST(CodecTest, AllDTypesAndErrorCodesComeBack) {
  for (std::uint32_t dtype = 1; dtype <= static_cast<std::uint32_t>(kLastDType); ++dtype) {
    const Planned planned = as_report(planned_dtype(static_cast<DType>(dtype)));
    EXPECT_EQ(planned.outputs.at(0).dtype, static_cast<DType>(dtype));
  }
  for (const ErrorCode code :
       {ErrorCode::kInvalid, ErrorCode::kFailed, ErrorCode::kResources, ErrorCode::kInternal}) {
    EXPECT_EQ(as_report(Refused{1, code, {}}).code, code);
  }
}

TEST(CodecTest, TheLargestFieldsComeBack) {
  const std::string longest(kMaxTextBytes, 'x');
  EXPECT_EQ(as_report(Hello{longest}).version, longest);
  const std::vector<double> list(48 * 1024 / sizeof(double), 0.25);
  KernelRequest request;
  request.params.assign(64, false);
  request.params[63] = list;
  request.outputs_wanted.assign(64, true);
  request.inputs.assign(64, ArraySpec{DType::kInt8, Shape(8, kMost<std::int64_t>)});
  const PlanRequest received = as_task(PlanRequest{kMost<std::uint32_t>, request});
  expect_same(received.kernel, request);
}

TEST(CodecTest, EncodingIsStable) {
  for (const Sample& sample : samples()) EXPECT_EQ(sample.recoded(sample.bytes), sample.bytes);
}

// Rejection.

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
  for (const Bytes& kind : {number(7), number(64), number(std::uint64_t{1} << 32),
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

// Where the value at offset ends. Only for what encode() writes.
std::size_t value_end(const Bytes& bytes, std::size_t offset) {
  const auto marker = static_cast<unsigned>(bytes.at(offset));
  const auto length = [&](std::size_t size_bytes) {
    std::size_t value = 0;
    for (std::size_t i = 1; i <= size_bytes; ++i) {
      value = value << 8 | static_cast<std::size_t>(bytes.at(offset + i));
    }
    return value;
  };
  if (marker >= 0x90 && marker <= 0x9F) {
    std::size_t end = offset + 1;
    for (unsigned i = 0; i < (marker & 0xFU); ++i) end = value_end(bytes, end);
    return end;
  }
  if (marker >= 0xA0 && marker <= 0xBF) return offset + 1 + (marker & 0x1FU);
  switch (marker) {
    case 0xC4:
    case 0xD9:
      return offset + 2 + length(1);
    case 0xC5:
    case 0xDA:
      return offset + 3 + length(2);
    case 0xCC:
    case 0xD0:
      return offset + 2;
    case 0xCD:
    case 0xD1:
      return offset + 3;
    case 0xCE:
    case 0xD2:
      return offset + 5;
    case 0xCB:
    case 0xCF:
    case 0xD3:
      return offset + 9;
    default:
      return offset + 1;
  }
}

enum class Kind { kUnsigned, kSigned, kReal, kBool, kText, kBinary, kArray, kNone };

Kind kind_of(std::byte first) {
  const auto marker = static_cast<unsigned>(first);
  if (marker <= 0x7F || (marker >= 0xCC && marker <= 0xCF)) return Kind::kUnsigned;
  if (marker >= 0xE0 || (marker >= 0xD0 && marker <= 0xD3)) return Kind::kSigned;
  if (marker >= 0x90 && marker <= 0x9F) return Kind::kArray;
  if ((marker >= 0xA0 && marker <= 0xBF) || marker == 0xD9 || marker == 0xDA) return Kind::kText;
  if (marker == 0xC2 || marker == 0xC3) return Kind::kBool;
  if (marker == 0xC4 || marker == 0xC5) return Kind::kBinary;
  return marker == 0xCB ? Kind::kReal : Kind::kNone;
}

// Values of other types than the field's.
std::vector<Bytes> strangers(Kind kind) {
  std::vector<Bytes> all = {
      bytes_of(std::string_view("\x81\x01\x01", 3)),          // map
      bytes_of(std::string_view("\xD4\x05\x00", 3)),          // fixext 1
      bytes_of(std::string_view("\xC7\x01\x05\x00", 4)),      // ext 8
      bytes_of("\xC1"),                                       // never used
      bytes_of(std::string_view("\xCA\x3F\x80\x00\x00", 5)),  // float 32
  };
  const auto unless = [&](std::initializer_list<Kind> kinds, const Bytes& bytes) {
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) all.push_back(bytes);
  };
  unless({Kind::kUnsigned, Kind::kSigned, Kind::kReal}, number(1));
  unless({Kind::kSigned, Kind::kReal}, negative(-1));
  unless({Kind::kReal}, bytes_of(std::string_view("\xCB\x3F\xF8\0\0\0\0\0\0", 9)));  // 1.5
  unless({Kind::kBool}, kTrue);
  unless({Kind::kText}, text("abc"));
  unless({Kind::kBinary}, bytes_of(std::string_view("\xC4\x08\0\0\0\0\0\0\0\0", 10)));
  unless({}, array_of({kTrue, kNil, kTrue}));
  unless({Kind::kNone}, kNil);
  return all;
}

// Calls with each value in the message, its containers included, and with the one around it.
template <class Call>
void for_each_value(const Bytes& bytes, std::size_t offset, const Call& call) {
  call(offset, value_end(bytes, offset));
  if (kind_of(bytes[offset]) != Kind::kArray) return;
  std::size_t next = offset + 1;
  for (unsigned i = 0; i < (static_cast<unsigned>(bytes[offset]) & 0xFU); ++i) {
    for_each_value(bytes, next, call);
    next = value_end(bytes, next);
  }
}

Bytes with(const Bytes& bytes, std::size_t begin, std::size_t end, const Bytes& replacement) {
  const auto at = [&](std::size_t offset) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(offset);
  };
  return Bytes(bytes.begin(), at(begin)) + replacement + Bytes(at(end), bytes.end());
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
  // Two inputs in each of two requests, two placements, the chunk of a failure.
  EXPECT_EQ(left_out, 7);
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
      const int count = static_cast<int>(sample.bytes[begin]) & 0xF;
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
  const auto planned = [](const Bytes& outputs) {
    return array_of({number(2), array_of({number(1), number(2), number(3), number(4), text(""),
                                          text(""), outputs})});
  };
  EXPECT_TRUE(decode_report(planned(array_of({array_of({number(1), array_of({})})}))));
  EXPECT_FALSE(decode_report(planned(array_of({array_of({number(1)})}))));
  EXPECT_FALSE(decode_report(planned(array_of({array_of({number(1), array_of({}), kNil})}))));
  EXPECT_FALSE(decode_report(planned(array_of({array_of({})}))));
}

Bytes order_of(const Bytes& job, const Bytes& seq, const Bytes& begin, const Bytes& end) {
  return array_of({number(2), array_of({job, seq, begin, end})});
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
  const auto planned = [](const Bytes& items) {
    return decode_report(array_of({number(2), array_of({number(1), items, number(3), number(4),
                                                        text(""), text(""), array_of({})})}));
  };
  EXPECT_TRUE(planned(number(kMost<std::int64_t>)));
  EXPECT_FALSE(planned(number(std::uint64_t{1} << 63)));
  EXPECT_FALSE(planned(number(kMost<std::uint64_t>)));
  EXPECT_TRUE(planned(negative(kLeast<std::int64_t>)));
}

TEST(CodecRejectionTest, UnknownDTypesErrorCodesAndBoolsAreMalformed) {
  const auto planned = [](const Bytes& dtype) {
    const Bytes outputs = array_of({array_of({dtype, array_of({})})});
    return decode_report(array_of({number(2), array_of({number(1), number(2), number(3), number(4),
                                                        text(""), text(""), outputs})}));
  };
  EXPECT_TRUE(planned(number(1)));
  for (const std::uint64_t dtype :
       {std::uint64_t{0}, std::uint64_t{15}, std::uint64_t{255}, (std::uint64_t{1} << 32) + 1}) {
    EXPECT_FALSE(planned(number(dtype))) << dtype;
  }
  EXPECT_FALSE(planned(negative(-1)));

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
        array_of({text("p"), text("k"), array_of({}), array_of({}), array_of({wanted})});
    return decode_task(array_of({number(1), array_of({number(1), request})}));
  };
  EXPECT_TRUE(plan(kTrue));
  EXPECT_FALSE(plan(number(0)));
  EXPECT_FALSE(plan(number(1)));
  EXPECT_FALSE(plan(number(2)));
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
    const Bytes request = array_of({text("p"), text("k"), array_of({}),
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

// Bombs: few bytes that ask for much.

std::vector<Bytes> bombs() {
  std::vector<Bytes> all = {
      bytes_of("\xDD\xFF\xFF\xFF\xFF"),          // array of 4 billion
      bytes_of("\xDF\xFF\xFF\xFF\xFF"),          // map of 4 billion
      bytes_of("\xDB\xFF\xFF\xFF\xFF"),          // text of 4 GiB
      bytes_of("\xC6\xFF\xFF\xFF\xFF"),          // binary of 4 GiB
      bytes_of("\xC9\xFF\xFF\xFF\xFF\x01"),      // extension of 4 GiB
      bytes_of("\xDC\xFF\xFF"),                  // array of 65,535
      bytes_of("\xDE\xFF\xFF"),                  // map of 65,535
      bytes_of("\xC1"),                          // never used
      repeated("\xDD\xFF\xFF\xFF\xFF", 12'000),  // each in the other
      repeated("\xDC\xFF\xFF", 2'000),
      repeated(std::string_view("\xDC\x00\x40", 3), 20'000),
      repeated(std::string_view("\xDE\x00\x40", 3), 20'000),
      repeated("\x91", 60'000),
      repeated("\x81", 60'000),
      repeated("\x91", 60'000) + kNil,
      bytes_of("\x92\x02\xDD\xFF\xFF\xFF\xFF"),
      bytes_of("\x92\x02\x94\x01\x01\x01\xDB\xFF\xFF\xFF\xFF"),
  };
  // As wide as allowed at the outer levels, filled to the last element: the most that can be had.
  const Bytes row = bytes_of(std::string_view("\xDC\x00\x40", 3)) + repeated("\xC0", 64);
  Bytes wide = bytes_of(std::string_view("\xDC\x00\x40", 3));
  for (int i = 0; i < 15; ++i) {
    wide = std::move(wide) + bytes_of(std::string_view("\xDC\x00\x40", 3));
    for (int k = 0; k < 64; ++k) wide = std::move(wide) + row;
  }
  wide.resize(kMaxFrameBytes);
  all.push_back(wide);
  // Depth at and beyond the limit.
  for (std::size_t depth = 1; depth < 20; ++depth) {
    all.push_back(repeated("\x91", depth) + kNil);
    all.push_back(repeated("\x92\x02", depth) + kNil);
  }
  return all;
}

TEST(CodecRejectionTest, BombsAreMalformed) {
  for (const Bytes& bomb : bombs()) EXPECT_TRUE(is_malformed(bomb)) << bomb.size() << " bytes";
}

TEST(CodecRejectionTest, BombsInAFieldAreMalformed) {
  const Sample sample{encode(Task{Order{1, 2, 3, 4}}), recoded_task};
  for_each_value(sample.bytes, 0, [&](std::size_t begin, std::size_t end) {
    for (const Bytes& bomb : bombs()) {
      EXPECT_FALSE(sample.recoded(with(sample.bytes, begin, end, bomb)));
    }
  });
}

// The largest size that this process ever had.
long peak_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "VmPeak:")
      status >> word;
    else
      continue;
    return std::stol(word);
  }
  return -1;
}

TEST(CodecRejectionTest, BombsCostLittleMemory) {
  if (test::kSanitized) GTEST_SKIP() << "the sanitizer's own memory is in the figure";
  const std::vector<Bytes> all = bombs();
  const long before = peak_kib();
  ASSERT_GT(before, 0);
  for (const Bytes& bomb : all) EXPECT_TRUE(is_malformed(bomb));
  EXPECT_LT(peak_kib() - before, 8 * 1024);
}

// Chance. What is accepted must be a message: its encoding is decoded to the same.
void expect_message_or_malformed(const Sample& sample, const Bytes& bytes) {
  const std::optional<Bytes> once = sample.recoded(bytes);
  if (!once) return;
  const std::optional<Bytes> twice = sample.recoded(*once);
  ASSERT_TRUE(twice);
  ASSERT_EQ(*twice, *once);
}

TEST(CodecChanceTest, RandomBytesNeverCrash) {
  std::mt19937_64 random(20240614);
  const std::vector<Sample> all = samples();
  // Bytes that mean something at the start of a value, so that the storm gets further in.
  constexpr std::string_view kMarkers =
      "\x90\x91\x92\x93\x94\x97\xA0\xA1\xC0\xC2\xC3\xC4\xC5\xC6\xC7\xCA\xCB\xCC\xCD\xCE\xCF"
      "\xD0\xD3\xD4\xD9\xDA\xDB\xDC\xDD\xDE\xDF\xFF\x01\x02\x03";
  for (long round = 0; round < test::repetitions(1'000'000); ++round) {
    Bytes bytes(random() % 64);
    for (std::byte& byte : bytes) {
      byte = random() % 3 == 0 ? static_cast<std::byte>(random())
                               : static_cast<std::byte>(kMarkers[random() % kMarkers.size()]);
    }
    // Half of them begin as a message does.
    if (bytes.size() > 2 && random() % 2 == 0) {
      bytes[0] = std::byte{0x92};
      bytes[1] = static_cast<std::byte>(random() % 8);
    }
    expect_message_or_malformed(all[random() % all.size()], bytes);
  }
}

TEST(CodecChanceTest, RandomChangesOfMessagesNeverCrash) {
  std::mt19937_64 random(20240615);
  const std::vector<Sample> all = samples();
  long accepted = 0;
  for (long round = 0; round < test::repetitions(1'000'000); ++round) {
    const Sample& sample = all[random() % all.size()];
    Bytes bytes = sample.bytes;
    for (std::uint64_t changes = random() % 4 + 1; changes > 0 && !bytes.empty(); --changes) {
      const std::size_t at = random() % bytes.size();
      const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      switch (random() % 4) {
        case 0:
          bytes[at] ^= static_cast<std::byte>(1U << random() % 8);
          break;
        case 1:
          bytes[at] = static_cast<std::byte>(random());
          break;
        case 2:
          bytes.insert(place, static_cast<std::byte>(random()));
          break;
        default:
          bytes.erase(place);
          break;
      }
    }
    if (sample.recoded(bytes)) ++accepted;
    expect_message_or_malformed(sample, bytes);
  }
  EXPECT_GT(accepted, 0);
}

// Texts that fit.

TEST(FittingTest, ATextThatFitsStaysAsItIs) {
  EXPECT_EQ(fitting(""), "");
  EXPECT_EQ(fitting("abc"), "abc");
  EXPECT_EQ(fitting(std::string(kMaxTextBytes, 'x')), std::string(kMaxTextBytes, 'x'));
}

TEST(FittingTest, ALongerTextIsCutToWhatAMessageMayCarry) {
  const std::string cut = fitting(std::string(1'000'000, 'x'));
  EXPECT_EQ(cut, std::string(kMaxTextBytes, 'x'));
  EXPECT_EQ(as_report(Hello{cut}).version, cut);
}

TEST(FittingTest, NoCharacterIsCutInTwo) {
  // U+20AC has three bytes: the cut moves with the text before them.
  for (std::size_t before = 0; before < 3; ++before) {
    std::string text(before, 'x');
    while (text.size() <= kMaxTextBytes + 9) text += "\xE2\x82\xAC";
    const std::string cut = fitting(text);
    EXPECT_LE(cut.size(), kMaxTextBytes);
    EXPECT_GT(cut.size(), kMaxTextBytes - 3);
    EXPECT_EQ((cut.size() - before) % 3, 0U);
    EXPECT_EQ(cut, text.substr(0, cut.size()));
  }
}

TEST(FittingTest, BytesThatAreNoTextAreCutAnywhere) {
  EXPECT_LE(fitting(std::string(kMaxTextBytes + 1, '\x80')).size(), kMaxTextBytes);
}

}  // namespace
}  // namespace gristmill::ipc
