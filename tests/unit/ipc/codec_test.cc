#include "ipc/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "ipc/channel.h"
#include "ipc/ring.h"
#include "tests/unit/ipc/codec_samples.h"

namespace gristmill::ipc {
namespace {

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
  EXPECT_EQ(left->memory, right->memory);
  EXPECT_EQ(left->range_offset, right->range_offset);
  EXPECT_EQ(left->range_bytes, right->range_bytes);
  EXPECT_EQ(left->array_offset, right->array_offset);
  EXPECT_EQ(left->sealed, right->sealed);
}

void expect_same(const std::optional<Partials>& left, const std::optional<Partials>& right) {
  ASSERT_EQ(left.has_value(), right.has_value());
  if (!left) return;
  EXPECT_EQ(left->accumulator_bytes, right->accumulator_bytes);
  EXPECT_EQ(left->stride_bytes, right->stride_bytes);
  EXPECT_EQ(left->leaves, right->leaves);
  EXPECT_EQ(left->fan_in, right->fan_in);
  EXPECT_EQ(left->exact, right->exact);
  expect_same(std::optional(left->placement), std::optional(right->placement));
}

void expect_same(const IndexSpace& left, const IndexSpace& right) {
  EXPECT_EQ(left.kind, right.kind);
  EXPECT_EQ(left.input, right.input);
  EXPECT_EQ(left.rows, right.rows);
  EXPECT_EQ(left.columns, right.columns);
  EXPECT_EQ(left.tile_rows, right.tile_rows);
  EXPECT_EQ(left.tile_columns, right.tile_columns);
}

template <class T>
void expect_each_same(const std::vector<T>& left, const std::vector<T>& right) {
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) expect_same(left[i], right[i]);
}

void expect_same(const KernelRequest& left, const KernelRequest& right) {
  EXPECT_EQ(left.plugin, right.plugin);
  EXPECT_EQ(left.plugin_identity, right.plugin_identity);
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
  expect_same(received.partials, sent.partials);
  EXPECT_EQ(received.flags, sent.flags);
  expect_same(received.space, sent.space);
  ASSERT_TRUE(received.emit);
  EXPECT_EQ(received.emit->extent, sent.emit->extent);
  EXPECT_EQ(received.emit->extents, sent.emit->extents);
  EXPECT_EQ(received.emit->region_bytes, sent.emit->region_bytes);
  EXPECT_EQ(received.emit->capacity_rows, sent.emit->capacity_rows);
  EXPECT_EQ(received.emit->limit_bytes, sent.emit->limit_bytes);
  EXPECT_EQ(received.emit->offsets, sent.emit->offsets);
  expect_same(std::optional(received.emit->placement), std::optional(sent.emit->placement));
  expect_each_same(received.emit->files, sent.emit->files);
}

TEST(CodecTest, AJobWithoutPartialsComesBackWithout) {
  OpenJob map = sample_open_job();
  map.partials.reset();
  EXPECT_FALSE(through_channel(map).partials);
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
  EXPECT_EQ(as_task(ForgetMemory{{8, 9}}).memories, (std::vector<std::uint64_t>{8, 9}));
}

TEST(CodecTest, DescribedComesBack) {
  const Described sent = sample_described();
  const Described received = as_report(sent);
  EXPECT_EQ(received.request, sent.request);
  EXPECT_EQ(received.index, sent.index);
  EXPECT_EQ(received.count, sent.count);
  EXPECT_EQ(received.kernel.name, sent.kernel.name);
  EXPECT_EQ(received.kernel.pattern, Pattern::kReduce);
  EXPECT_EQ(received.kernel.summary, sent.kernel.summary);
  EXPECT_EQ(received.kernel.description, sent.kernel.description);
  EXPECT_EQ(received.kernel.plugin, sent.kernel.plugin);
  ASSERT_EQ(received.kernel.inputs.size(), 2U);
  EXPECT_EQ(received.kernel.inputs[0].name, "input");
  EXPECT_EQ(received.kernel.inputs[0].help, "input help");
  EXPECT_TRUE(received.kernel.inputs[0].optional);
  EXPECT_EQ(received.kernel.inputs[0].dtypes, (std::vector<DType>{DType::kBool, DType::kFloat64}));
  EXPECT_EQ(received.kernel.inputs[0].min_rank, 1U);
  EXPECT_EQ(received.kernel.inputs[0].max_rank, 2U);
  EXPECT_TRUE(received.kernel.params[0].required);
  EXPECT_EQ(received.plugin_identity, sent.plugin_identity);
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
  EXPECT_EQ(received.instruction_set, sent.instruction_set);
  expect_each_same(received.outputs, sent.outputs);
  EXPECT_EQ(received.accumulator_bytes, sent.accumulator_bytes);
  EXPECT_EQ(received.flags, sent.flags);
  expect_same(received.space, sent.space);
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
  const JobClosed closed = as_report(JobClosed{3, -4, 5, {{"hits", -6}}});
  EXPECT_EQ(closed.job, 3U);
  EXPECT_EQ(closed.faulted_bytes, -4);
  EXPECT_EQ(closed.huge_bytes, 5);
  ASSERT_EQ(closed.counters.size(), 1U);
  EXPECT_EQ(closed.counters[0].name, "hits");
  EXPECT_EQ(closed.counters[0].value, -6);
  const LogLine line = as_report(LogLine{7, 1, "a line"});
  EXPECT_EQ(line.job, 7U);
  EXPECT_EQ(line.level, 1U);
  EXPECT_EQ(line.text, "a line");
}

TEST(CodecTest, CallsComeBack) {
  through_channel(OpenCalls{});
  const Placement placement{1, 2, 3, 4, 5, true};
  const CallMemory memory = through_channel(CallMemory{6, {placement, {}}, {true, false}});
  EXPECT_EQ(memory.call, 6U);
  ASSERT_EQ(memory.placements.size(), 2U);
  expect_same(std::optional(memory.placements[0]), std::optional(placement));
  EXPECT_EQ(memory.writable, (std::vector<bool>{true, false}));
  const Call call = as_task(Call{7, true, bytes_of("data")});
  EXPECT_EQ(call.call, 7U);
  EXPECT_TRUE(call.has_memory);
  EXPECT_EQ(call.data, bytes_of("data"));
  EXPECT_EQ(as_task(ResumeCalls{8}).call, 8U);
  const NeedMemory need = as_report(NeedMemory{9, -10});
  EXPECT_EQ(need.call, 9U);
  EXPECT_EQ(need.size_bytes, -10);
  const Returned returned = as_report(Returned{11, true, false, -12, {13, 14}, bytes_of("answer")});
  EXPECT_EQ(returned.call, 11U);
  EXPECT_TRUE(returned.failed);
  EXPECT_FALSE(returned.uses_memory);
  EXPECT_EQ(returned.nanoseconds, -12);
  EXPECT_EQ(returned.released, (std::vector<std::uint64_t>{13, 14}));
  EXPECT_EQ(returned.data, bytes_of("answer"));
}

TEST(CodecTest, TheLargestCallsComeBackAndFit) {
  const Bytes data(kMaxCallBytes, std::byte{0xC1});
  EXPECT_EQ(as_task(Call{kMost<std::uint64_t>, true, data}).data, data);
  EXPECT_LE(encode(Task{Call{kMost<std::uint64_t>, true, data}}).size(), kMaxFrameBytes);
  const std::vector<std::uint64_t> uses(kMaxReleased, kMost<std::uint64_t>);
  const Returned largest{kMost<std::uint64_t>, true, true, kLeast<std::int64_t>, uses, data};
  EXPECT_EQ(as_report(largest).released, uses);
  EXPECT_LE(encode(Report{largest}).size(), kMaxFrameBytes);
  const Placement widest{kMost<std::uint32_t>, kMost<std::uint64_t>, kMost<std::int64_t>,
                         kMost<std::int64_t>,  kMost<std::int64_t>,  true};
  const CallMemory memory{kMost<std::uint64_t>, std::vector<Placement>(kMaxCallMemories, widest),
                          std::vector<bool>(kMaxCallMemories, true)};
  EXPECT_EQ(through_channel(memory).placements.size(), kMaxCallMemories);
  EXPECT_LE(encode(ChannelMessage{memory}).size(), kMaxChannelBytes);
  EXPECT_LE(kMaxCallMemories, kMaxChannelFds);
}

TEST(CodecTest, MessagesOfDefaultsComeBack) {
  // A dtype has no default that is one.
  EXPECT_EQ(through_channel(OpenJob{}).request.kernel, "");
  EXPECT_TRUE(as_task(PlanRequest{}).kernel.params.empty());
  EXPECT_TRUE(as_report(Planned{}).outputs.empty());
  EXPECT_FALSE(as_report(Planned{}).space.has_tiles());
  EXPECT_EQ(as_report(Described{}).kernel.pattern, Pattern::kMap);
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
  EXPECT_TRUE(std::signbit(as_report(planned_nanoseconds(-0.0)).nanoseconds_per_item));
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
