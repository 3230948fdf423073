// Kernels as one expression, and what structs share with them: index spaces, emit, services.
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gristmill/kernel.hpp>

#include "bench/plugin_job.h"
#include "tests/unit/kernels/param_values.h"

namespace {

namespace gk = gristmill::kernel;
using gristmill::bench::array_of;
using gristmill::bench::CallError;
using gristmill::bench::PluginJob;
using gristmill::bench::PluginRequest;
using gristmill::test::float_param;
using gristmill::test::int_param;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kScale = gk::define("scale", "each element times a factor")
                            .description("in more words")
                            .inputs(gk::input<double>("values", "N x any shape"))
                            .params(gk::param<double>("factor", "what it is multiplied with", "2"))
                            .outputs(gk::output_like<double>("scaled", "as values", "values"),
                                     gk::output_like("same", "as values", "values"),
                                     gk::output<float>("corner", "three of it", {3}))
                            .flags(GM_OVERWRITES_OUTPUT)
                            .map([](const gk::Request& job, const gk::Chunk& chunk) {
                              const auto factor = job.param<double>("factor");
                              const auto values = chunk.rows<double>(job.input("values"));
                              const auto scaled = chunk.output<double>("scaled");
                              for (std::size_t i = 0; i < scaled.size(); ++i)
                                scaled[i] = factor * values[i];
                            });

constexpr auto kTotal =
    gk::define("total", "sum of the values")
        .inputs(gk::input<double>("values", "N"))
        .outputs(gk::output<double>("total", "their sum"))
        .reduce<double>(
            [](const gk::Request&) { return std::int64_t{1}; },
            [](const gk::Request& job, const gk::Chunk& chunk, std::span<double> sum) {
              for (const double v : chunk.rows<double>(job.input("values"))) sum[0] += v;
            },
            [](std::span<double> into, std::span<const double> from) { into[0] += from[0]; },
            [](const gk::Request&, std::span<const double> sum, const gk::Finish& finish) {
              finish.output<double>("total")[0] = sum[0];
            });

// Each item as often as it says, with a line and a count.
constexpr auto kRepeat =
    gk::define("repeat", "item i, i times")
        .params(gk::required_param<std::int64_t>("items", "how many"),
                gk::param<std::int64_t>("excess", "rows committed without room", "0"))
        .outputs(gk::output<std::int64_t>("item", "its number"))
        .range("items")
        .emit([](const gk::Request& job, const gk::Chunk& chunk) {
          for (std::int64_t item = chunk.begin(); item < chunk.end(); ++item) {
            const auto copy = chunk.scratch<std::int64_t>(item);
            std::fill(copy.begin(), copy.end(), item);
            const gk::Rows rows = chunk.emit(item);
            std::copy(copy.begin(), copy.end(), rows.output<std::int64_t>("item").begin());
            rows.commit(item + job.param<std::int64_t>("excess"));
            chunk.count("rows", item);
          }
          chunk.log("done with " + std::to_string(chunk.size()));
        });

constexpr auto kTiles =
    gk::define("tiles", "pairs")
        .inputs(gk::input<double>("a", "N"), gk::input<double>("b", "M"))
        .outputs(gk::output<std::int64_t>("pairs", "how many"))
        .tiles("a", "b")
        .reduce<std::int64_t>(
            [](const gk::Request&) { return std::int64_t{1}; },
            [](const gk::Request&, const gk::Chunk& chunk, std::span<std::int64_t> pairs) {
              pairs[0] += (chunk.row_end() - chunk.row_begin()) *
                          (chunk.column_end() - chunk.column_begin());
            },
            [](std::span<std::int64_t> into, std::span<const std::int64_t> from) {
              into[0] += from[0];
            },
            [](const gk::Request&, std::span<const std::int64_t> pairs, const gk::Finish& finish) {
              finish.output<std::int64_t>("pairs")[0] = pairs[0];
            });

constexpr auto kTriangle =
    gk::define("triangle", "i * j of each pair")
        .inputs(gk::input<double>("a", "N"))
        .outputs(gk::output<std::int64_t>("product", "N x N"))
        .triangle("a")
        .map([](const gk::Request& job, const gk::Chunk& chunk) {
          const std::int64_t n = job.input("a").rows();
          const auto whole = chunk.whole_output<std::int64_t>("product");
          for (std::int64_t i = chunk.row_begin(); i < chunk.row_end(); ++i) {
            for (std::int64_t j = chunk.column_begin(); j < chunk.column_end(); ++j) {
              whole[static_cast<std::size_t>(i * n + j)] = i * j;
              whole[static_cast<std::size_t>(j * n + i)] = i * j;
            }
          }
        });

// Asks for rows as if a tile had some.
constexpr auto kRowsOfTiles = gk::define("rows_of_tiles", "a mistake")
                                  .inputs(gk::input<double>("a", "N"))
                                  .params(gk::param<std::int64_t>("how", "", "0"))
                                  .outputs(gk::output<double>("out", "N x N"))
                                  .triangle("a")
                                  .map([](const gk::Request& job, const gk::Chunk& chunk) {
                                    const auto how = job.param<std::int64_t>("how");
                                    if (how == 0) chunk.output<double>("out");
                                    if (how == 1) chunk.output_bytes("out");
                                    if (how == 2) chunk.rows<double>(job.input("a"));
                                  });

// A plan with what a parameter says.
struct WrongPlan {
  static constexpr const char* kName = "wrong_plan";
  static constexpr const char* kSummary = "plans wrongly";
  static constexpr gm_param_decl kParams[] = {gk::param<std::int64_t>("how", "", "0")};
  static constexpr gm_output_decl kOutputs[] = {gk::output("out", "")};
  static void plan(const gk::Request& request, gk::Plan& plan) {
    const auto how = request.param<std::int64_t>("how");
    if (how != 1) plan.range(how == 2 ? -1 : 3);
    if (how == 5) return void(plan.output<double>("out", {2, -5}));
    if (how == 3) return void(plan.output<double>("out", {1, 1, 1, 1, 1, 1, 1, 1}));
    if (how == 4) return void(plan.output<double>("out", {1, 1, 1, 1, 1, 1, 1, 1, 1}));
    plan.output<double>("out");
  }
  explicit WrongPlan(const gk::Request&) {}
  void run(const gk::Chunk& chunk) { chunk.accumulator<double>(); }
};

const gm_plugin& plugin() {
  return *gk::detail::plugin<gk::Defined<kScale>, gk::Defined<kTotal>, gk::Defined<kRepeat>,
                             gk::Defined<kTiles>, gk::Defined<kTriangle>, WrongPlan,
                             gk::Defined<kRowsOfTiles>>();
}

CallError error_of(const PluginRequest& request) {
  try {
    PluginJob(plugin(), request).run_all(2);
  } catch (const CallError& error) {
    return error;
  }
  ADD_FAILURE() << "no call failed";
  return CallError(GM_OK, "", "");
}

const std::vector<double> kValues = {1, 2, 3, 4, 5, 6};

TEST(DefinitionTest, SaysWhatAStructWouldSay) {
  const gm_kernel& kernel = *plugin().kernels[0];
  EXPECT_STREQ(kernel.name, "scale");
  EXPECT_STREQ(kernel.summary, "each element times a factor");
  EXPECT_STREQ(kernel.description, "in more words");
  EXPECT_EQ(kernel.pattern, gm_pattern{GM_MAP});
  EXPECT_EQ(kernel.flags, std::uint32_t{GM_OVERWRITES_OUTPUT});
  ASSERT_EQ(kernel.input_count, 1U);
  EXPECT_EQ(kernel.inputs[0].dtypes, gm_dtype_set{1} << GM_FLOAT64);
  ASSERT_EQ(kernel.param_count, 1U);
  EXPECT_STREQ(kernel.params[0].default_value, "2");
  ASSERT_EQ(kernel.output_count, 3U);
  EXPECT_STREQ(kernel.outputs[2].name, "corner");
  EXPECT_EQ(plugin().kernels[2]->pattern, gm_pattern{GM_EMIT});
  EXPECT_EQ(plugin().kernels[2]->input_count, 0U);
  EXPECT_EQ(plugin().kernels[2]->params[0].default_value, nullptr);
  EXPECT_EQ(plugin().kernels[3]->pattern, gm_pattern{GM_REDUCE});
}

TEST(DefinitionTest, OutputsHaveTheDtypeAndRowsThatAreSaid) {
  const PluginJob job(plugin(), {"scale", {array_of(kValues, {2, 3})}});
  const gm_plan& plan = job.plan();
  EXPECT_EQ(plan.outputs[0].rank, 2U);
  EXPECT_EQ(plan.outputs[0].shape[1], 3);
  EXPECT_EQ(plan.outputs[1].dtype, gm_dtype{GM_FLOAT64});
  EXPECT_EQ(plan.outputs[2].dtype, gm_dtype{GM_FLOAT32});
  EXPECT_EQ(plan.outputs[2].shape[0], 2);
  EXPECT_EQ(plan.outputs[2].shape[1], 3);
}

TEST(DefinitionTest, AMapRunsItsLambda) {
  PluginJob job(plugin(), {"scale", {array_of(kValues, {3, 2})}, {{"factor", float_param(10)}}});
  job.run_all(2);
  EXPECT_THAT(job.output<double>(0), ElementsAre(10, 20, 30, 40, 50, 60));
}

TEST(DefinitionTest, AReduceAddsMergesAndFinishes) {
  for (const std::int64_t chunk : {1, 2, 6}) {
    PluginJob job(plugin(), {"total", {array_of(kValues, {6})}});
    job.run_all(chunk);
    EXPECT_THAT(job.output<double>(0), ElementsAre(21));
  }
}

TEST(DefinitionTest, AnEmitGivesItsRowsAndUsesTheServices) {
  PluginJob job(plugin(), {"repeat", {}, {{"items", int_param(4)}}});
  job.run_all(3);
  EXPECT_THAT(job.output<std::int64_t>(0), ElementsAre(1, 2, 2, 3, 3, 3));
  EXPECT_EQ(job.counters().at("rows"), 6);
  EXPECT_THAT(job.log(), ElementsAre("done with 3", "done with 1"));
}

TEST(DefinitionTest, ANegativeRangeIsTheRequestsMistakeAndNamesTheParameter) {
  const CallError error = error_of({"repeat", {}, {{"items", int_param(-3)}}});
  EXPECT_EQ(error.status(), GM_INVALID);
  EXPECT_STREQ(error.what(), "parameter \"items\" is negative");
}

TEST(DefinitionTest, CommittingMoreRowsThanThereIsRoomForIsTheKernelsError) {
  const CallError error =
      error_of({"repeat", {}, {{"items", int_param(4)}, {"excess", int_param(1)}}});
  EXPECT_EQ(error.status(), GM_INVALID);
  EXPECT_THAT(error.what(), HasSubstr("it committed 1 rows of 0"));
}

TEST(DefinitionTest, TilesCoverAllPairs) {
  const std::vector<double> a(300);
  const std::vector<double> b(1000);
  PluginJob job(plugin(), {"tiles", {array_of(a, {300}), array_of(b, {1000})}});
  EXPECT_EQ(job.items(), 2 * 4);
  job.run_all(3);
  EXPECT_THAT(job.output<std::int64_t>(0), ElementsAre(300'000));
}

TEST(DefinitionTest, ATriangleWithMirrorImagesWritesTheWholeSquare) {
  const std::vector<double> a(300);
  PluginJob job(plugin(), {"triangle", {array_of(a, {300})}});
  EXPECT_EQ(job.items(), 3);
  job.run_all(1);
  const auto product = job.output<std::int64_t>(0);
  for (std::size_t i = 0; i < 300; ++i) {
    for (std::size_t j = 0; j < 300; ++j) {
      ASSERT_EQ(product[i * 300 + j], static_cast<std::int64_t>(i * j));
    }
  }
}

TEST(DefinitionTest, ATileHasNoRowsOfItsOwn) {
  const auto text = [](std::int64_t how) {
    const CallError error =
        error_of({"rows_of_tiles", {array_of(kValues, {6})}, {{"how", int_param(how)}}});
    EXPECT_EQ(error.status(), GM_FAILED);
    return std::string(error.what());
  };
  EXPECT_EQ(text(0), "a tile writes whole_output");
  EXPECT_EQ(text(1), "a tile writes whole_output");
  EXPECT_EQ(text(2), "a tile reads rows_as(row_begin(), row_end()) of an input");
}

TEST(KernelKitPlanTest, WhatAPlanLeavesOutIsNamed) {
  const auto how = [](std::int64_t number) {
    return PluginRequest{"wrong_plan", {}, {{"how", int_param(number)}}};
  };
  EXPECT_THAT(error_of(how(1)).what(), HasSubstr("no index space"));
  EXPECT_STREQ(error_of(how(2)).what(), "the plan has a negative number of items");
  EXPECT_EQ(error_of(how(2)).status(), GM_FAILED);
  EXPECT_STREQ(error_of(how(5)).what(), "the plan has a negative length for output \"out\"");
  EXPECT_EQ(error_of(how(5)).status(), GM_FAILED);
  EXPECT_THAT(error_of(how(3)).what(), HasSubstr("too many axes"));
  EXPECT_THAT(error_of(how(4)).what(), HasSubstr("too many axes"));
  EXPECT_THAT(error_of(how(0)).what(), HasSubstr("only a reduce has accumulators"));
}

TEST(DispatchTest, GivesTheTypeOfEachNumber) {
  const auto size = [](gm_dtype dtype) {
    return gk::dispatch(dtype,
                        []<class T>(T) { return sizeof(T) + (std::is_signed_v<T> ? 100 : 0); });
  };
  EXPECT_EQ(size(GM_UINT16), 2U);
  EXPECT_EQ(size(GM_INT64), 108U);
  EXPECT_EQ(size(GM_FLOAT32), 104U);
  for (const gm_dtype other : {gm_dtype{GM_BOOL}, gm_dtype{GM_FLOAT16}, gm_dtype{GM_COMPLEX64}}) {
    EXPECT_THROW(size(other), gk::Invalid) << other;
  }
}

TEST(DeclarationTest, DtypesAndRanksAreSetsAndLimits) {
  constexpr gm_input_decl kTwo = gk::input<float, std::int16_t>("x", "", gk::ranks(1, 3));
  EXPECT_EQ(kTwo.dtypes, (gm_dtype_set{1} << GM_FLOAT32) | (gm_dtype_set{1} << GM_INT16));
  EXPECT_EQ(kTwo.min_rank, 1U);
  EXPECT_EQ(kTwo.max_rank, 3U);
  constexpr gm_input_decl kAny = gk::input("x", "");
  EXPECT_EQ(kAny.dtypes, 0U);
  EXPECT_EQ(kAny.max_rank, 0U);
  EXPECT_EQ(gk::optional(kTwo).flags, std::uint32_t{GM_OPTIONAL});
}

}  // namespace
