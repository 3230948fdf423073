#include <complex>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <gristmill/kernel.hpp>

#include "bench/plugin_job.h"

namespace {

using gristmill::bench::array_of;
using gristmill::bench::CallError;
using gristmill::bench::PluginJob;
using gristmill::bench::PluginRequest;
using gristmill::bench::text_param;
using gristmill::kernel::Chunk;
using gristmill::kernel::Plan;
using gristmill::kernel::Request;
using testing::ElementsAre;
using testing::HasSubstr;

namespace kit = gristmill::kernel;

using Rows =
    Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
using Column = Eigen::Map<Eigen::VectorXd>;

// The kernel of the example in kernel.hpp.
struct RowSum {
  static constexpr const char* kName = "row_sum";
  static constexpr const char* kSummary = "sum of each row";
  static constexpr gm_input_decl kInputs[] = {kit::input("rows", "N x d float64")};
  static constexpr gm_output_decl kOutputs[] = {kit::output("sum", "float64")};

  static void plan(const Request&, Plan& plan) { plan.rows_of("rows").output<double>("sum"); }
  explicit RowSum(const Request& request) : rows(request.input("rows").as<Rows>()) {}
  void run(const Chunk& chunk) {
    chunk.output<Column>("sum") = rows.middleRows(chunk.begin(), chunk.size()).rowwise().sum();
  }
  Rows rows;
};

// Every declaration there is, and a plan that uses all of it.
struct Everything {
  static constexpr const char* kName = "everything";
  static constexpr const char* kSummary = "says what it was asked";
  static constexpr const char* kDescription = "a longer text";
  static constexpr gm_input_decl kInputs[] = {kit::input("data", "int32"),
                                              kit::optional_input("extra", "any")};
  static constexpr gm_param_decl kParams[] = {
      kit::param<bool>("flag", "", "true"), kit::param<std::int64_t>("count", "", "7"),
      kit::param<double>("factor", "", "1.5"), kit::param<std::string_view>("mode", "", "slow"),
      kit::param<std::span<const double>>("weights", "", "")};
  static constexpr gm_output_decl kOutputs[] = {kit::output("numbers", "N x 2 x 3 int64"),
                                                kit::output("flags", "N uint8")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT;

  static void plan(const Request& request, Plan& plan) {
    constexpr const char* kModes[] = {"fast", "slow"};
    request.choice("mode", kModes);
    plan.rows_of("data")
        .output<std::int64_t>("numbers", {2, 3})
        .output("flags", GM_UINT8)
        .nanoseconds_per_item(12.5)
        .instruction_set("abacus");
  }
  explicit Everything(const Request& request)
      : extra(request.input("extra").given()),
        count(request.param<std::int64_t>("count")),
        factor(request.param<double>("factor")),
        flag(request.param<bool>("flag")),
        weights(request.param<std::span<const double>>("weights").size()),
        data(request.input("data").as<std::int32_t>()) {}
  void run(const Chunk& chunk) {
    const auto numbers = chunk.output<std::int64_t>("numbers");
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = 100 * data[static_cast<std::size_t>(chunk.begin()) + i / 6] +
                   static_cast<std::int64_t>(i % 6);
    }
    if (!chunk.wanted("flags")) return;
    for (std::uint8_t& element : chunk.output<std::uint8_t>("flags")) {
      element = static_cast<std::uint8_t>(count + 10 * extra + 20 * flag + 40 * (factor == 1.5) +
                                          static_cast<long>(weights));
    }
  }

  bool extra;
  std::int64_t count;
  double factor;
  bool flag;
  std::size_t weights;
  std::span<const std::int32_t> data;
};

// Throws what the parameter says, where the other says.
struct Thrower {
  static constexpr const char* kName = "thrower";
  static constexpr const char* kSummary = "throws";
  static constexpr gm_input_decl kInputs[] = {kit::input("rows", "")};
  static constexpr gm_param_decl kParams[] = {kit::param<std::string_view>("what", "", "nothing"),
                                              kit::param<std::string_view>("where", "", "plan")};
  static constexpr gm_output_decl kOutputs[] = {kit::output("out", "")};

  static void plan(const Request& request, Plan& plan) {
    throw_in("plan", request);
    plan.rows_of("rows");
    if (request.param<std::string_view>("what") != "no output") plan.output<double>("out");
  }
  explicit Thrower(const Request& asked) : request(asked) { throw_in("open", asked); }
  void run(const Chunk& chunk) {
    throw_in("run", request);
    if (request.param<std::string_view>("what") == "wrong type") chunk.output<float>("out");
    if (request.param<std::string_view>("what") == "wrong name") chunk.output<float>("outt");
  }

  static void throw_in(std::string_view place, const Request& asked) {
    const auto what = asked.param<std::string_view>("what");
    if (asked.param<std::string_view>("where") != place) return;
    if (what == "invalid") throw kit::Invalid("the rows are odd", "Make them even.");
    if (what == "failed") throw kit::Failed("the wheel came off");
    if (what == "memory") throw std::bad_alloc();
    if (what == "runtime") throw std::runtime_error("something else");
    if (what == "int") throw 42;
    if (what == "early data") asked.input("rows").as<double>();
    if (what == "wrong axis") asked.input("rows").shape(2);
    if (what == "wrong rows") asked.input("rows").rows_as<double>(1, 4);
    if (what == "wrong input") asked.input("row");
    if (what == "wrong param") asked.param<double>("what");
  }
  Request request;
};

}  // namespace

GRISTMILL_KERNELS(RowSum, Everything, Thrower)

namespace {

const gm_plugin& plugin() { return *gm_plugin_query(); }

const std::vector<double> kRows = {1, 2, 3, 4, 5, 6};

PluginRequest throwing(const char* what, const char* where) {
  return {"thrower",
          {array_of(kRows, {3, 2})},
          {{"what", text_param(what)}, {"where", text_param(where)}}};
}

CallError error_of(const PluginRequest& request) {
  try {
    PluginJob job(plugin(), request);
    job.run_all(2);
  } catch (const CallError& error) {
    return error;
  }
  ADD_FAILURE() << "no call failed";
  return CallError(GM_OK, "", "");
}

TEST(KernelKitTest, PluginSaysItsVersionAndSizes) {
  EXPECT_EQ(plugin().magic, GM_PLUGIN_MAGIC);
  EXPECT_EQ(plugin().abi_major, GM_ABI_MAJOR);
  EXPECT_EQ(plugin().struct_size, sizeof(gm_plugin));
  ASSERT_EQ(plugin().kernel_count, 3u);
  EXPECT_EQ(plugin().kernels[1]->struct_size, sizeof(gm_kernel));
}

TEST(KernelKitTest, DeclarationsArriveInTheAbi) {
  const gm_kernel& kernel = *plugin().kernels[1];
  EXPECT_STREQ(kernel.name, "everything");
  EXPECT_STREQ(kernel.summary, "says what it was asked");
  EXPECT_STREQ(kernel.description, "a longer text");
  EXPECT_EQ(kernel.flags, GM_OVERWRITES_OUTPUT);
  ASSERT_EQ(kernel.input_count, 2u);
  EXPECT_EQ(kernel.inputs[0].flags, 0u);
  EXPECT_EQ(kernel.inputs[1].flags, GM_OPTIONAL);
  ASSERT_EQ(kernel.param_count, 5u);
  EXPECT_EQ(kernel.params[0].type, GM_PARAM_BOOL);
  EXPECT_EQ(kernel.params[1].type, GM_PARAM_INT);
  EXPECT_EQ(kernel.params[2].type, GM_PARAM_FLOAT);
  EXPECT_EQ(kernel.params[3].type, GM_PARAM_STRING);
  EXPECT_EQ(kernel.params[4].type, GM_PARAM_LIST);
  EXPECT_STREQ(kernel.params[2].default_value, "1.5");
  ASSERT_EQ(kernel.output_count, 2u);
}

TEST(KernelKitTest, WhatIsNotDeclaredHasDefaults) {
  const gm_kernel& kernel = *plugin().kernels[0];
  EXPECT_STREQ(kernel.description, kernel.summary);
  EXPECT_EQ(kernel.flags, 0u);
  EXPECT_EQ(kernel.param_count, 0u);
}

TEST(KernelKitTest, PlanHasShapesAndBytesPerItem) {
  const std::vector<std::int32_t> data(20);
  const PluginJob job(plugin(), {"everything", {array_of(GM_INT32, data.data(), {5, 4})}});
  const gm_plan& plan = job.plan();
  EXPECT_EQ(plan.items, 5);
  EXPECT_EQ(plan.index_space, gm_index_space{GM_ROWS});
  EXPECT_EQ(plan.nanoseconds_per_item, 12.5);
  EXPECT_STREQ(plan.instruction_set, "abacus");
  EXPECT_EQ(plan.outputs[0].dtype, gm_dtype{GM_INT64});
  ASSERT_EQ(plan.outputs[0].rank, 3u);
  EXPECT_EQ(plan.outputs[0].shape[0], 5);
  EXPECT_EQ(plan.outputs[0].shape[1], 2);
  EXPECT_EQ(plan.outputs[0].shape[2], 3);
  EXPECT_EQ(plan.outputs[1].rank, 1u);
}

TEST(KernelKitTest, ChunkSeesItsOwnRowsAsSpan) {
  const std::vector<std::int32_t> data = {1, 2, 3};
  PluginJob job(plugin(), {"everything", {array_of(GM_INT32, data.data(), {3})}});
  job.run_all(2);
  EXPECT_THAT(job.output<std::int64_t>(0),
              ElementsAre(100, 101, 102, 103, 104, 105, 200, 201, 202, 203, 204, 205, 300, 301, 302,
                          303, 304, 305));
}

TEST(KernelKitTest, ParametersAndOptionalInputsArrive) {
  const std::vector<std::int32_t> data = {1};
  const gm_array input = array_of(GM_INT32, data.data(), {1});
  PluginJob defaults(plugin(), {"everything", {input}});
  defaults.run_all(1);
  EXPECT_THAT(defaults.output<std::uint8_t>(1), ElementsAre(7 + 20 + 40));

  gm_param_value count{GM_PARAM_INT, 0, 1, 0, nullptr, nullptr};
  gm_param_value flag{GM_PARAM_BOOL, 0, 0, 0, nullptr, nullptr};
  const double two[] = {0.5, 0.25};
  gm_param_value weights{GM_PARAM_LIST, 2, 0, 0, nullptr, two};
  PluginJob job(
      plugin(),
      {"everything", {input, input}, {{"count", count}, {"flag", flag}, {"weights", weights}}});
  job.run_all(1);
  EXPECT_THAT(job.output<std::uint8_t>(1), ElementsAre(1 + 10 + 40 + 2));
}

TEST(KernelKitTest, UnwantedOutputIsNotThere) {
  const std::vector<std::int32_t> data = {1};
  PluginJob job(plugin(), {"everything", {array_of(GM_INT32, data.data(), {1})}, {}, {1, 0}});
  job.run_all(1);
  EXPECT_THAT(job.output<std::uint8_t>(1), ElementsAre());
}

TEST(KernelKitTest, EigenMapsAreViewsOfInputAndOutput) {
  PluginJob job(plugin(), {"row_sum", {array_of(kRows, {3, 2})}});
  job.run_all(2);
  EXPECT_THAT(job.output<double>(0), ElementsAre(3, 7, 11));
}

TEST(KernelKitTest, NoItemsAreValid) {
  PluginJob job(plugin(), {"row_sum", {array_of(GM_FLOAT64, nullptr, {0, 2})}});
  job.run_all(2);
  EXPECT_EQ(job.items(), 0);
}

TEST(KernelKitTest, WrongDtypeNamesInputAndDtypes) {
  const std::vector<float> data(4);
  const CallError error = error_of({"row_sum", {array_of(GM_FLOAT32, data.data(), {2, 2})}});
  EXPECT_EQ(error.status(), GM_INVALID);
  EXPECT_STREQ(error.what(), "input \"rows\" is float32, not float64");
}

TEST(KernelKitTest, UnknownChoiceNamesTheKnownOnes) {
  const std::vector<std::int32_t> data = {1};
  const CallError error = error_of(
      {"everything", {array_of(GM_INT32, data.data(), {1})}, {{"mode", text_param("medium")}}});
  EXPECT_EQ(error.status(), GM_INVALID);
  EXPECT_STREQ(error.what(), "unknown mode \"medium\"");
  EXPECT_EQ(error.hint(), "Known are \"fast\", \"slow\".");
}

TEST(KernelKitTest, ExceptionsOfEveryCallBecomeStatusAndText) {
  for (const char* where : {"plan", "open", "run"}) {
    SCOPED_TRACE(where);
    const CallError invalid = error_of(throwing("invalid", where));
    EXPECT_EQ(invalid.status(), GM_INVALID);
    EXPECT_STREQ(invalid.what(), "the rows are odd");
    EXPECT_EQ(invalid.hint(), "Make them even.");

    const CallError failed = error_of(throwing("failed", where));
    EXPECT_EQ(failed.status(), GM_FAILED);
    EXPECT_STREQ(failed.what(), "the wheel came off");
    EXPECT_EQ(failed.hint(), "");

    EXPECT_EQ(error_of(throwing("memory", where)).status(), GM_NO_MEMORY);

    const CallError runtime = error_of(throwing("runtime", where));
    EXPECT_EQ(runtime.status(), GM_FAILED);
    EXPECT_STREQ(runtime.what(), "something else");

    EXPECT_EQ(error_of(throwing("int", where)).status(), GM_FAILED);
  }
}

TEST(KernelKitTest, MistakesOfTheKernelAreFailuresThatSayWhat) {
  const auto text = [](const char* what, const char* where) {
    const CallError error = error_of(throwing(what, where));
    EXPECT_EQ(error.status(), GM_FAILED);
    return std::string(error.what());
  };
  EXPECT_THAT(text("early data", "plan"), HasSubstr("\"rows\""));
  EXPECT_THAT(text("wrong input", "plan"), HasSubstr("no input \"row\""));
  EXPECT_EQ(text("wrong axis", "plan"), "input \"rows\" has no axis 2: it has 2");
  EXPECT_EQ(text("wrong rows", "open"), "rows 1 to 4 of input \"rows\": it has 3");
  EXPECT_THAT(text("wrong param", "open"), HasSubstr("\"what\""));
  EXPECT_THAT(text("no output", "open"), HasSubstr("nothing of output \"out\""));
  EXPECT_THAT(text("wrong type", "open"), HasSubstr("\"out\" is of another dtype"));
  EXPECT_THAT(text("wrong name", "open"), HasSubstr("no output \"outt\""));
}

TEST(KernelKitTest, HostOfAnOlderVersionIsRefused) {
  std::string message;
  gm_host host{};
  host.struct_size = sizeof(gm_host);
  host.context = &message;
  host.set_error = [](void* context, const char* text, const char*) {
    *static_cast<std::string*>(context) = text;
  };
  gm_request request{};
  request.struct_size = sizeof(gm_request) - 8;
  gm_plan plan{};
  plan.struct_size = sizeof(gm_plan);
  EXPECT_EQ(plugin().kernels[0]->plan(&host, &request, &plan), GM_FAILED);
  EXPECT_EQ(message, "the host is older than the plug-in");
}

TEST(KernelKitTest, DtypesOfCppTypes) {
  static_assert(kit::dtype_of<bool>() == GM_BOOL);
  static_assert(kit::dtype_of<std::int8_t>() == GM_INT8);
  static_assert(kit::dtype_of<std::uint16_t>() == GM_UINT16);
  static_assert(kit::dtype_of<const std::uint64_t>() == GM_UINT64);
  static_assert(kit::dtype_of<long long>() == GM_INT64);
  static_assert(kit::dtype_of<float>() == GM_FLOAT32);
  static_assert(kit::dtype_of<std::complex<double>>() == GM_COMPLEX128);
  EXPECT_STREQ(kit::dtype_name(GM_COMPLEX128), "complex128");
  EXPECT_STREQ(kit::dtype_name(GM_FLOAT16), "float16");
  EXPECT_EQ(kit::dtype_bytes(GM_FLOAT16), 2);
  EXPECT_STREQ(kit::dtype_name(99), "an unknown dtype");
}

}  // namespace
