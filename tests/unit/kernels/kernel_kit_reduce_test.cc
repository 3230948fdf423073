#include <algorithm>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "bench/plugin_job.h"

namespace {

using gristmill::bench::array_of;
using gristmill::bench::CallError;
using gristmill::bench::PluginJob;
using gristmill::bench::PluginRequest;
using gristmill::bench::text_param;
using gristmill::kernel::Chunk;
using gristmill::kernel::Finish;
using gristmill::kernel::Merge;
using gristmill::kernel::Plan;
using gristmill::kernel::Request;
using testing::ElementsAre;
using testing::HasSubstr;

namespace kit = gristmill::kernel;

// The reduce of the example in kernel.hpp.
struct Totals {
  static constexpr const char* kName = "totals";
  static constexpr const char* kSummary = "total of each column";
  static constexpr gm_input_decl kInputs[] = {kit::input("rows", "N x d float64")};
  static constexpr gm_output_decl kOutputs[] = {kit::output("total", "float64 per column")};

  static void plan(const Request& request, Plan& plan) {
    const std::int64_t columns = request.input("rows").columns();
    plan.rows_of("rows").accumulator<double>(columns).output<double>("total", {columns});
  }
  explicit Totals(const Request& request)
      : rows(request.input("rows").as<double>()),
        columns(static_cast<std::size_t>(request.input("rows").columns())) {}
  void run(const Chunk& chunk) {
    const auto totals = chunk.accumulator<double>();
    for (std::int64_t row = chunk.begin(); row < chunk.end(); ++row) {
      for (std::size_t i = 0; i < columns; ++i) {
        totals[i] += rows[static_cast<std::size_t>(row) * columns + i];
      }
    }
  }
  void merge(const Merge& merge) {
    for (std::size_t i = 0; i < columns; ++i) merge.into<double>()[i] += merge.from<double>()[i];
  }
  void finish(const Finish& finish) {
    const auto totals = finish.accumulator<double>();
    std::copy(totals.begin(), totals.end(), finish.output<double>("total").begin());
  }

  std::span<const double> rows;
  std::size_t columns;
};

// Fails unless each accumulator is merged with the one that follows it.
struct InOrder {
  struct Range {
    std::int64_t begin;
    std::int64_t end;
  };
  static constexpr const char* kName = "in_order";
  static constexpr const char* kSummary = "checks the order of merges";
  static constexpr gm_input_decl kInputs[] = {kit::input("rows", "")};
  static constexpr gm_output_decl kOutputs[] = {kit::output("end", "int64")};
  static constexpr std::uint32_t kFlags = GM_EXACT_MERGE;

  static void plan(const Request&, Plan& plan) {
    plan.rows_of("rows").accumulator<Range>(1).output<std::int64_t>("end");
  }
  explicit InOrder(const Request&) {}
  void run(const Chunk& chunk) { chunk.accumulator<Range>()[0] = {chunk.begin(), chunk.end()}; }
  void merge(const Merge& merge) {
    if (merge.from<Range>()[0].begin != merge.into<Range>()[0].end) throw kit::Failed("a gap");
    merge.into<Range>()[0].end = merge.from<Range>()[0].end;
  }
  void finish(const Finish& finish) {
    finish.output<std::int64_t>("end")[0] = finish.accumulator<Range>()[0].end;
  }
};

// Does what the parameter says, where the other says.
struct Wrong {
  static constexpr const char* kName = "wrong";
  static constexpr const char* kSummary = "does something wrong";
  static constexpr gm_input_decl kInputs[] = {kit::input("rows", "")};
  static constexpr gm_param_decl kParams[] = {kit::param<std::string_view>("what", "", "nothing"),
                                              kit::param<std::string_view>("where", "", "plan")};
  static constexpr gm_output_decl kOutputs[] = {kit::output("out", ""), kit::output("other", "")};

  static void plan(const Request& request, Plan& plan) {
    const auto what = request.param<std::string_view>("what");
    plan.rows_of("rows").output<double>("out").output<double>("other");
    if (what != "no accumulator") plan.accumulator<double>(1);
    if (what == "empty accumulator") plan.accumulator<double>(0);
    if (what == "negative accumulator") plan.accumulator<double>(-1);
    if (what == "huge accumulator") plan.accumulator<double>(INT64_MAX / 4);
    if (what == "eight axes") plan.output<double>("out", {1, 2, 3, 4, 5, 6, 7, 8});
    if (what == "nine axes") plan.output<double>("out", {1, 1, 1, 1, 1, 1, 1, 1, 1});
  }
  explicit Wrong(const Request& asked) : request(asked) {}
  void run(const Chunk& chunk) {
    throw_in("run");
    const auto what = request.param<std::string_view>("what");
    if (what == "output in run") chunk.output<double>("out");
    if (what == "wanted in run") static_cast<void>(chunk.wanted("out"));
  }
  void merge(const Merge&) { throw_in("merge"); }
  void finish(const Finish& finish) {
    throw_in("finish");
    const auto what = request.param<std::string_view>("what");
    if (what == "wrong type") finish.output<float>("out");
    if (what == "wrong name") finish.output<double>("outt");
    if (what == "unwanted") finish.output<double>("other");
  }

  void throw_in(std::string_view place) const {
    const auto what = request.param<std::string_view>("what");
    if (request.param<std::string_view>("where") != place) return;
    if (what == "invalid") throw kit::Invalid("the rows are odd", "Make them even.");
    if (what == "failed") throw kit::Failed("the wheel came off");
    if (what == "memory") throw std::bad_alloc();
    if (what == "runtime") throw std::runtime_error("something else");
    if (what == "int") throw 42;
  }
  Request request;
};

// A map that asks for an accumulator.
struct Mapping {
  static constexpr const char* kName = "mapping";
  static constexpr const char* kSummary = "is no reduce";
  static constexpr gm_input_decl kInputs[] = {kit::input("rows", "")};
  static constexpr gm_output_decl kOutputs[] = {kit::output("out", "")};

  static void plan(const Request&, Plan& plan) { plan.rows_of("rows").output<double>("out"); }
  explicit Mapping(const Request&) {}
  void run(const Chunk& chunk) { chunk.accumulator<double>(); }
};

const gm_plugin& plugin() { return *kit::detail::plugin<Totals, InOrder, Wrong, Mapping>(); }

const std::vector<double> kRows = {1, 2, 3, 4, 5, 6};

PluginRequest wrong(const char* what, const char* where = "nowhere") {
  return {"wrong",
          {array_of(kRows, {3, 2})},
          {{"what", text_param(what)}, {"where", text_param(where)}},
          {1, 0}};
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

TEST(KernelKitReduceTest, AKernelWithMergeAndFinishIsAReduce) {
  const gm_kernel& reduce = *plugin().kernels[0];
  EXPECT_EQ(reduce.pattern, gm_pattern{GM_REDUCE});
  EXPECT_NE(reduce.merge, nullptr);
  EXPECT_NE(reduce.finish, nullptr);
  EXPECT_EQ(plugin().kernels[1]->flags, GM_EXACT_MERGE);
}

TEST(KernelKitReduceTest, AKernelWithoutThemIsAMap) {
  const gm_kernel& map = *plugin().kernels[3];
  EXPECT_EQ(map.pattern, gm_pattern{GM_MAP});
  EXPECT_EQ(map.merge, nullptr);
  EXPECT_EQ(map.finish, nullptr);
}

TEST(KernelKitReduceTest, ThePlanHasTheAccumulatorAndTheBytesOfItemsAlone) {
  const PluginJob job(plugin(), {"totals", {array_of(kRows, {3, 2})}});
  EXPECT_EQ(job.plan().items, 3);
  EXPECT_EQ(job.plan().accumulator_bytes, 16);
  ASSERT_EQ(job.plan().outputs[0].rank, 1u);
  EXPECT_EQ(job.plan().outputs[0].shape[0], 2);
}

TEST(KernelKitReduceTest, TheAccumulatorOfAMapHasNoBytes) {
  const PluginJob job(plugin(), {"mapping", {array_of(kRows, {3, 2})}});
  EXPECT_EQ(job.plan().accumulator_bytes, 0);
}

TEST(KernelKitReduceTest, OutputsMayHaveAnyShape) {
  EXPECT_EQ(PluginJob(plugin(), wrong("nothing")).plan().outputs[0].rank, 0u);
  const PluginJob job(plugin(), wrong("eight axes"));
  ASSERT_EQ(job.plan().outputs[0].rank, 8u);
  EXPECT_EQ(job.plan().outputs[0].shape[0], 1);
  EXPECT_EQ(job.plan().outputs[0].shape[7], 8);
  EXPECT_THAT(error_of(wrong("nine axes")).what(), HasSubstr("too many axes"));
}

TEST(KernelKitReduceTest, APlanWithoutAnAccumulatorIsAnError) {
  const CallError none = error_of(wrong("no accumulator"));
  EXPECT_EQ(none.status(), GM_FAILED);
  EXPECT_STREQ(none.what(), "the plan says no accumulator");
  const CallError negative = error_of(wrong("negative accumulator"));
  EXPECT_EQ(negative.status(), GM_FAILED);
  EXPECT_STREQ(negative.what(), "the plan has an accumulator of a negative length");
}

TEST(KernelKitReduceTest, AnEmptyAccumulatorHasAByteForTheHost) {
  EXPECT_EQ(PluginJob(plugin(), wrong("empty accumulator")).plan().accumulator_bytes, 1);
}

TEST(KernelKitReduceTest, AHugeAccumulatorSaturates) {
  EXPECT_EQ(PluginJob(plugin(), wrong("huge accumulator")).plan().accumulator_bytes, INT64_MAX);
}

TEST(KernelKitReduceTest, RunsMergesAndFinishesWithAnyChunks) {
  for (const std::int64_t chunk_size : {1, 2, 3, 100}) {
    PluginJob job(plugin(), {"totals", {array_of(kRows, {3, 2})}});
    job.run_all(chunk_size);
    EXPECT_THAT(job.output<double>(0), ElementsAre(9, 12)) << chunk_size;
  }
}

TEST(KernelKitReduceTest, NoItemsAreFinishedFromZeros) {
  PluginJob job(plugin(), {"totals", {array_of(GM_FLOAT64, nullptr, {0, 2})}});
  job.run_all(1);
  EXPECT_THAT(job.output<double>(0), ElementsAre(0, 0));
}

TEST(KernelKitReduceTest, NeighboursAreMergedInOrder) {
  for (const std::int64_t rows : {1, 2, 5, 16, 17, 100}) {
    for (const std::size_t merged_at_once : {2u, 3u, 4u, 4096u}) {
      PluginJob job(plugin(), {"in_order", {array_of(GM_FLOAT64, nullptr, {rows})}});
      job.run_all(1, merged_at_once);
      EXPECT_THAT(job.output<std::int64_t>(0), ElementsAre(rows));
    }
  }
}

TEST(KernelKitReduceTest, OutputsAreNotThereBeforeFinish) {
  for (const char* what : {"output in run", "wanted in run"}) {
    const CallError error = error_of(wrong(what));
    EXPECT_EQ(error.status(), GM_FAILED);
    EXPECT_STREQ(error.what(),
                 "a chunk has outputs in a map only: a reduce has them in finish; in an emit ask "
                 "the rows that "
                 "emit() returned");
  }
}

TEST(KernelKitReduceTest, AMapHasNoAccumulator) {
  const CallError error = error_of({"mapping", {array_of(kRows, {3, 2})}});
  EXPECT_EQ(error.status(), GM_FAILED);
  EXPECT_STREQ(error.what(), "only a reduce has accumulators");
}

TEST(KernelKitReduceTest, MistakesInFinishAreFailuresThatSayWhat) {
  const auto text = [](const char* what) {
    const CallError error = error_of(wrong(what));
    EXPECT_EQ(error.status(), GM_FAILED);
    return std::string(error.what());
  };
  EXPECT_THAT(text("wrong type"), HasSubstr("\"out\" is of another dtype"));
  EXPECT_THAT(text("wrong name"), HasSubstr("no output \"outt\""));
  EXPECT_THAT(text("unwanted"), HasSubstr("\"other\" is not wanted"));
}

TEST(KernelKitReduceTest, ExceptionsOfEveryCallBecomeStatusAndText) {
  for (const char* where : {"run", "merge", "finish"}) {
    SCOPED_TRACE(where);
    const CallError invalid = error_of(wrong("invalid", where));
    EXPECT_EQ(invalid.status(), GM_INVALID);
    EXPECT_STREQ(invalid.what(), "the rows are odd");
    EXPECT_EQ(invalid.hint(), "Make them even.");
    const CallError failed = error_of(wrong("failed", where));
    EXPECT_EQ(failed.status(), GM_FAILED);
    EXPECT_STREQ(failed.what(), "the wheel came off");
    EXPECT_EQ(error_of(wrong("memory", where)).status(), GM_NO_MEMORY);
    EXPECT_STREQ(error_of(wrong("runtime", where)).what(), "something else");
    EXPECT_EQ(error_of(wrong("int", where)).status(), GM_FAILED);
  }
}

TEST(KernelKitReduceTest, AHostOfAnOlderVersionIsRefused) {
  std::string message;
  gm_host host{};
  host.struct_size = sizeof(gm_host);
  host.context = &message;
  host.set_error = [](void* context, const char* text, const char*) {
    *static_cast<std::string*>(context) = text;
  };
  const gm_kernel& kernel = *plugin().kernels[0];
  gm_merge merge{};
  merge.struct_size = sizeof(gm_merge) - 8;
  EXPECT_EQ(kernel.merge(&host, nullptr, &merge), GM_FAILED);
  EXPECT_EQ(message, "the host is older than the plug-in");
  message.clear();
  gm_finish finish{};
  finish.struct_size = sizeof(gm_finish) - 8;
  EXPECT_EQ(kernel.finish(&host, nullptr, &finish), GM_FAILED);
  EXPECT_EQ(message, "the host is older than the plug-in");
}

}  // namespace
