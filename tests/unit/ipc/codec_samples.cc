#include "tests/unit/ipc/codec_samples.h"

#include <string>
#include <utility>

#include "ipc/codec.h"

namespace gristmill::ipc {
namespace {

template <class Message>
std::optional<Bytes> recoded(const std::optional<Message>& message) {
  return message ? std::optional(encode(*message)) : std::nullopt;
}
std::optional<Bytes> recoded_channel_message(std::span<const std::byte> bytes) {
  return recoded(decode_channel_message(bytes));
}
std::optional<Bytes> recoded_report(std::span<const std::byte> bytes) {
  return recoded(decode_report(bytes));
}

}  // namespace

KernelRequest sample_request() {
  return {.plugin = "/p/plugin.so",
          .plugin_identity = 12345678901234567,
          .kernel = "nearest",
          .inputs = {ArraySpec{DType::kFloat64, {-5, -2}}, std::nullopt,
                     ArraySpec{DType::kComplex128, {}}},
          .params = {true, std::int64_t{-9}, 2.5, std::string("haversine"),
                     std::vector<double>{1, -0.5, 1e300}},
          .outputs_wanted = {true, false, true}};
}

Setup sample_setup() { return {"1.2.3", -4}; }

OpenJob sample_open_job() {
  return {.job = 1,
          .slot = 2,
          .slots = 3,
          .chunks = 4,
          .items = -5,
          .chunk_items = -6,
          .space = {SpaceKind::kTriangle, 1, -2, -3, -4, -5},
          .flags = 6,
          .ledger_key = 7,
          .control = {17, 18, -19, -20, -21, false},
          .request = sample_request(),
          .outputs = {{DType::kInt64, {-8}}, {DType::kBool, {-9, -10}}},
          .input_placements = {Placement{11, 12, -13, -14, -15, true}, std::nullopt},
          .output_placements = {std::nullopt, Placement{16, 17, -18, -19, -20, false}},
          .partials = Partials{-21, -22, 23, 24, true, Placement{25, 26, -27, -28, -29, false}},
          .emit = Emit{Placement{30, 31, -32, -33, -34, false},
                       35,
                       36,
                       -37,
                       -38,
                       -39,
                       {-40, -41},
                       {std::nullopt, Placement{42, 43, -44, -45, -46, false}},
                       -47},
          .life = 48,
          .skips_failed = true,
          .fill = 0.5};
}

Described sample_described() {
  return {
      .request = 1,
      .index = 2,
      .count = 3,
      .plugin_identity = 4,
      .kernel = {.name = "name",
                 .pattern = Pattern::kReduce,
                 .summary = "summary",
                 .description = "description",
                 .plugin = "plugin",
                 .inputs = {{"input", "input help", true, {DType::kBool, DType::kFloat64}, 1, 2},
                            {"second", "", false, {}, 0, 0}},
                 .params = {{"param", "list", "1,2", "param help", true}},
                 .outputs = {{"output", "output help"}}}};
}

Planned sample_planned() {
  return {.request = 1,
          .flags = 7,
          .space = {SpaceKind::kTiles, 1, -2, -3, -4, -5},
          .items = -2,
          .bytes_per_item = -3,
          .nanoseconds_per_item = 4.5,
          .instruction_set = "x86-64-v4",
          .outputs = {{DType::kFloat32, {-7, -1}}},
          .accumulator_bytes = -8};
}

Refused sample_refused() { return {1, ErrorCode::kResources, {"message", "Detail.", "Hint."}}; }

JobFailed sample_job_failed() {
  return {1, 2, ErrorCode::kInternal, {"message", "Detail.", "Hint."}};
}

std::vector<ChannelMessage> sample_channel_messages() {
  return {sample_setup(), sample_open_job(), OpenCalls{},
          CallMemory{4, {{0, 5, -6, -7, -8, true}}, {true}}};
}
std::vector<Task> sample_tasks() {
  return {DescribeRequest{1, "/p/plugin.so"},
          PlanRequest{2, sample_request()},
          Order{3, 4, 5, 6, OrderKind::kProbe, -7, -8},
          CloseJob{7},
          ForgetMemory{{8, 9}},
          Call{10, true, {std::byte{11}}},
          ResumeCalls{12}};
}
std::vector<Report> sample_reports() {
  return {Hello{"1.2.3"},
          sample_described(),
          sample_planned(),
          sample_refused(),
          Idle{100, 200},
          sample_job_failed(),
          JobClosed{9, -10, -11, {{"hits", -12}}},
          LogLine{13, 1, "a line"},
          NeedMemory{14, -15},
          Returned{16, true, false, -17, {18}, {std::byte{19}}}};
}

PlanRequest plan_params(std::vector<ParamValue> params) {
  PlanRequest request;
  request.kernel.params = std::move(params);
  return request;
}

std::optional<Bytes> recoded_task(std::span<const std::byte> bytes) {
  return recoded(decode_task(bytes));
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

}  // namespace gristmill::ipc
