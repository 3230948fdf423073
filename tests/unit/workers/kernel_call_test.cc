#include "workers/kernel_call.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "tests/support/error_of.h"

namespace gristmill::workers {
namespace {

gm_kernel kernel_of(std::uint32_t inputs, std::uint32_t params, std::uint32_t outputs) {
  gm_kernel kernel{};
  kernel.struct_size = sizeof(gm_kernel);
  kernel.name = "kernel";
  kernel.input_count = inputs;
  kernel.param_count = params;
  kernel.output_count = outputs;
  return kernel;
}

TEST(CArrayTest, HasDataDTypeAndShape) {
  int data = 0;
  const gm_array array = to_c(JobArray{&data, {DType::kInt32, {3, 4, 5}}});
  EXPECT_EQ(array.data, &data);
  EXPECT_EQ(array.dtype, GM_INT32);
  EXPECT_EQ(array.rank, 3U);
  EXPECT_EQ(array.shape[0], 3);
  EXPECT_EQ(array.shape[2], 5);
  EXPECT_EQ(array.shape[3], 0);
}

TEST(CArrayTest, MayHaveTheGreatestRankOrNone) {
  EXPECT_EQ(to_c(JobArray{nullptr, {DType::kBool, Shape(GM_MAX_RANK, 2)}}).rank, 8U);
  EXPECT_EQ(to_c(JobArray{nullptr, {DType::kBool, {}}}).rank, 0U);
}

TEST(CArrayTest, MoreAxesThanTheAbiHasAreRefused) {
  const JobArray array{nullptr, {DType::kBool, Shape(GM_MAX_RANK + 1, 1)}};
  EXPECT_EQ(test::error_of([&] { to_c(array); }).code(), ErrorCode::kInternal);
}

TEST(CRequestTest, EachParamComesAsItsType) {
  ipc::KernelRequest request;
  request.params = {true, std::int64_t{-7}, 2.5, std::string("text"), std::vector<double>{1, 2, 3}};
  const gm_kernel kernel = kernel_of(0, 5, 0);
  const CRequest c_request(kernel, request);
  const gm_param_value* params = c_request.get().params;
  EXPECT_EQ(params[0].type, GM_PARAM_BOOL);
  EXPECT_EQ(params[0].integer, 1);
  EXPECT_EQ(params[1].type, GM_PARAM_INT);
  EXPECT_EQ(params[1].integer, -7);
  EXPECT_EQ(params[2].type, GM_PARAM_FLOAT);
  EXPECT_EQ(params[2].real, 2.5);
  EXPECT_EQ(params[3].type, GM_PARAM_STRING);
  EXPECT_STREQ(params[3].text, "text");
  EXPECT_EQ(params[4].type, GM_PARAM_LIST);
  ASSERT_EQ(params[4].list_length, 3U);
  EXPECT_EQ(params[4].list[2], 3);
}

TEST(CRequestTest, WithoutArraysInputsHaveAShapeAndNoData) {
  ipc::KernelRequest request;
  request.inputs = {ipc::ArraySpec{DType::kFloat64, {10, 2}}, std::nullopt};
  request.outputs_wanted = {false, true};
  const gm_kernel kernel = kernel_of(2, 0, 2);
  const CRequest c_request(kernel, request);
  const gm_request& c = c_request.get();
  EXPECT_EQ(c.struct_size, sizeof(gm_request));
  EXPECT_EQ(c.input_count, 2U);
  EXPECT_EQ(c.output_count, 2U);
  EXPECT_EQ(c.inputs[0].dtype, GM_FLOAT64);
  EXPECT_EQ(c.inputs[0].shape[1], 2);
  EXPECT_EQ(c.inputs[0].data, nullptr);
  EXPECT_EQ(c.inputs[1].dtype, 0U);
  EXPECT_EQ(c.output_wanted[0], 0);
  EXPECT_EQ(c.output_wanted[1], 1);
}

TEST(CRequestTest, WithArraysInputsHaveTheirData) {
  ipc::KernelRequest request;
  request.inputs = {ipc::ArraySpec{DType::kFloat64, {1}}};
  double value = 0;
  const gm_kernel kernel = kernel_of(1, 0, 0);
  const CRequest c_request(kernel, request, {JobArray{&value, {DType::kFloat64, {1}}}});
  EXPECT_EQ(c_request.get().inputs[0].data, &value);
}

TEST(CRequestTest, OtherNumbersThanTheKernelsAreRefused) {
  for (const gm_kernel& kernel : {kernel_of(1, 0, 0), kernel_of(0, 1, 0), kernel_of(0, 0, 1)}) {
    const Error error = test::error_of([&] { const CRequest c_request(kernel, {}); });
    EXPECT_EQ(error.code(), ErrorCode::kInternal);
  }
}

TEST(CallContextTest, SuccessIsNoError) {
  CallContext context("nearest", nullptr);
  EXPECT_NO_THROW(context.require_ok(GM_OK));
}

TEST(CallContextTest, TheStatusChoosesTheCodeAndTheKernelGivesTheText) {
  for (const auto& [status, code] : {std::pair{GM_INVALID, ErrorCode::kInvalid},
                                     {GM_FAILED, ErrorCode::kFailed},
                                     {GM_NO_MEMORY, ErrorCode::kResources}}) {
    CallContext context("nearest", nullptr);
    context.host()->set_error(context.host()->context, "it was too much", "Ask for less.");
    const Error error = test::error_of([&, s = status] { context.require_ok(s); });
    EXPECT_EQ(error.code(), code);
    EXPECT_EQ(error.message(), "kernel \"nearest\": it was too much");
    EXPECT_EQ(error.hint(), "Ask for less.");
  }
}

TEST(CallContextTest, AnUnknownStatusIsAFailureAndIsNamed) {
  CallContext context("nearest", nullptr);
  const Error error = test::error_of([&] { context.require_ok(-77); });
  EXPECT_EQ(error.code(), ErrorCode::kFailed);
  EXPECT_NE(error.message().find("-77"), std::string::npos) << error.message();
}

TEST(CallContextTest, ATextMayBeMissing) {
  CallContext context("nearest", nullptr);
  context.host()->set_error(context.host()->context, nullptr, nullptr);
  const Error error = test::error_of([&] { context.require_ok(GM_FAILED); });
  EXPECT_NE(error.message().find("without a reason"), std::string::npos) << error.message();
}

TEST(CallContextTest, WantOfMemoryNeedsNoText) {
  CallContext context("nearest", nullptr);
  const Error error = test::error_of([&] { context.require_ok(GM_NO_MEMORY); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_EQ(error.message(), "kernel \"nearest\": out of memory");
}

TEST(CallContextTest, TheTextIsCopied) {
  CallContext context("nearest", nullptr);
  std::string text = "first";
  context.host()->set_error(context.host()->context, text.c_str(), nullptr);
  text = "XXXXX";
  const Error error = test::error_of([&] { context.require_ok(GM_FAILED); });
  EXPECT_EQ(error.message(), "kernel \"nearest\": first");
}

TEST(CallContextTest, TellsWhetherThisJobWasCancelled) {
  std::atomic<std::uint32_t> stop = 0;
  const CancelFlag cancel(stop, 5);
  const JobServices services{cancel, {}, nullptr};
  const CallContext context("nearest", &services);
  const gm_host* host = context.host();
  EXPECT_EQ(host->cancelled(host->context), 0);
  stop = 4;
  EXPECT_EQ(host->cancelled(host->context), 0);
  stop = 5;
  EXPECT_NE(host->cancelled(host->context), 0);
}

TEST(CallContextTest, WhilePlanningNothingIsEverCancelled) {
  const CallContext context("nearest", nullptr);
  EXPECT_EQ(context.host()->cancelled(context.host()->context), 0);
}

class ServicesTest : public testing::Test {
 protected:
  const gm_host& host() { return *context_.host(); }

  std::atomic<std::uint32_t> stop_ = 0;
  const CancelFlag cancel_{stop_, 5};
  std::vector<std::string> lines_;
  const JobServices services_{
      cancel_, [this](std::uint32_t, std::string text) { lines_.push_back(std::move(text)); },
      nullptr};
  CallContext context_{"nearest", &services_};
};

TEST_F(ServicesTest, AHundredLinesAreKeptAndTheRestIsSaidToBeLeftOut) {
  for (int i = 0; i < 500; ++i) host().log(host().context, GM_LOG_INFO, "a line");
  ASSERT_EQ(lines_.size(), 101U);
  EXPECT_EQ(lines_[99], "a line");
  EXPECT_NE(lines_[100].find("left out"), std::string::npos);
}

TEST_F(ServicesTest, LongLinesAreCutAndMissingOnesIgnored) {
  host().log(host().context, GM_LOG_WARNING, std::string(5000, 'x').c_str());
  host().log(host().context, GM_LOG_WARNING, nullptr);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0].size(), kMostLogBytes);
}

TEST_F(ServicesTest, NothingIsCutInTheMiddleOfACharacter) {
  const std::string line = std::string(kMostLogBytes - 1, 'x') + "\u00E9";
  host().log(host().context, GM_LOG_INFO, line.c_str());
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0], std::string(kMostLogBytes - 1, 'x'));
  const std::string name = std::string(kMostCounterName - 2, 'x') + "\u20AC";
  host().count(host().context, name.c_str(), 1);
  ASSERT_EQ(context_.counters().size(), 1U);
  EXPECT_EQ(context_.counters()[0].name, std::string(kMostCounterName - 2, 'x'));
}

TEST_F(ServicesTest, WhatAServiceThrowsCrossesNoKernelAndEndsTheCall) {
  std::function<void()> thrower = [] { throw Error(ErrorCode::kInternal, "nobody listens"); };
  const JobServices services{cancel_, [&](std::uint32_t, const std::string&) { thrower(); },
                             nullptr};
  CallContext context("nearest", &services);
  const auto log = [&] { context.host()->log(context.host()->context, GM_LOG_INFO, "a line"); };
  EXPECT_NO_THROW(log());
  thrower = [] { throw Error(ErrorCode::kFailed, "a second one"); };
  EXPECT_NO_THROW(log());
  const Error error = test::error_of([&] { context.require_ok(GM_OK); });
  EXPECT_EQ(error.code(), ErrorCode::kInternal);
  EXPECT_EQ(error.message(), "nobody listens");
  EXPECT_NO_THROW(context.require_ok(GM_OK)) << "it is told once";

  thrower = [] { throw std::bad_alloc(); };
  log();
  EXPECT_EQ(test::error_of([&] { context.require_ok(GM_FAILED); }).code(), ErrorCode::kResources);
}

TEST_F(ServicesTest, CountersAddUpSaturateAndAreLimited) {
  for (int i = 0; i < 40; ++i) {
    host().count(host().context, ("name " + std::to_string(i)).c_str(), 1);
  }
  host().count(host().context, "name 3", 5);
  host().count(host().context, "name 4", INT64_MAX);
  host().count(host().context, nullptr, 5);
  ASSERT_EQ(context_.counters().size(), kMostCounters);
  EXPECT_EQ(context_.counters()[3].value, 6);
  EXPECT_EQ(context_.counters()[4].value, INT64_MAX);
}

TEST_F(ServicesTest, CountersSaturateBelowZero) {
  host().count(host().context, "name", INT64_MIN);
  host().count(host().context, "name", -1);
  EXPECT_EQ(context_.counters()[0].value, INT64_MIN);
}

TEST_F(ServicesTest, ALongNameIsOneCounterHoweverOftenItIsCounted) {
  const std::string name(100, 'x');
  for (int i = 0; i < 3; ++i) host().count(host().context, name.c_str(), 1);
  ASSERT_EQ(context_.counters().size(), 1U);
  EXPECT_EQ(context_.counters()[0].name, name.substr(0, kMostCounterName));
  EXPECT_EQ(context_.counters()[0].value, 3);
}

TEST_F(ServicesTest, ATextOfACallThatWentWellIsNotTheReasonOfALaterOne) {
  host().set_error(host().context, "the first way does not work", "Hint.");
  context_.require_ok(GM_OK);
  const Error error = test::error_of([&] { context_.require_ok(GM_FAILED); });
  EXPECT_NE(error.message().find("without a reason"), std::string::npos) << error.message();
  EXPECT_EQ(error.hint(), "");
}

TEST_F(ServicesTest, ScratchIsTakenBackAfterACallThatFails) {
  void* memory = host().scratch(host().context, 1000);
  EXPECT_THROW(context_.require_ok(GM_FAILED), Error);
  EXPECT_EQ(host().scratch(host().context, 1000), memory);
}

TEST_F(ServicesTest, ScratchIsTakenBackAtTheEndOfACall) {
  void* memory = host().scratch(host().context, 1000);
  EXPECT_NE(memory, nullptr);
  context_.require_ok(GM_OK);
  EXPECT_EQ(host().scratch(host().context, 1000), memory);
  EXPECT_EQ(host().scratch(host().context, INT64_MAX), nullptr);
}

TEST_F(ServicesTest, RowsAreForAnEmitAlone) {
  EXPECT_EQ(host().rows(host().context, 1), nullptr);
  EXPECT_EQ(host().commit(host().context, 1), GM_INVALID);
}

}  // namespace
}  // namespace gristmill::workers
