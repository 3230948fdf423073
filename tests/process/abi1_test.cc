#include "tests/process/process_test.h"
#include "tests/support/error_of.h"

namespace gristmill::test {
namespace {

// A plug-in that was compiled against the header of ABI 1.0, as it is, and with larger structs than
// this version knows.
class Abi1Test : public ProcessTest, public testing::WithParamInterface<const char*> {
 protected:
  Result run(const std::string& kernel, std::map<std::string, ParamValue> params = {}) {
    JobSpec spec{.kernel = kernel, .params = std::move(params), .chunk_size = ChunkSize::items(7)};
    spec.inputs = {{"values", values_}};
    return engine_.submit(spec).wait();
  }
  static std::vector<std::int64_t> numbers(const Dataset& data) {
    const auto all = data.view().as<std::int64_t>();
    return {all.begin(), all.end()};
  }

  const std::vector<std::int64_t> numbers_ = [] {
    std::vector<std::int64_t> values;
    for (std::int64_t i = 0; i < 100; ++i) values.push_back(3 * i * i - 50);
    return values;
  }();
  const Dataset values_ =
      Dataset::copy_of(ArrayView(std::span<const std::int64_t>(numbers_), {100}));
  Engine engine_{{.workers = 2, .plugins = {test_plugin(GetParam())}}};
};

TEST_P(Abi1Test, IsDescribed) {
  const KernelInfo kernel = engine_.kernel("abi1_map");
  ASSERT_EQ(kernel.inputs.size(), 2U);
  EXPECT_EQ(kernel.inputs[1].name, "values");
  EXPECT_EQ(kernel.inputs[1].dtypes, std::vector<DType>{DType::kInt64});
  EXPECT_EQ(kernel.inputs[1].max_rank, 1U);
  ASSERT_EQ(kernel.params.size(), 3U);
  EXPECT_EQ(kernel.params[2].name, "refuse");
  ASSERT_EQ(kernel.outputs.size(), 2U);
  EXPECT_EQ(kernel.outputs[1].name, "item");
}

TEST_P(Abi1Test, MapsRowsWithScratchCountersAndLines) {
  const Result result = run("abi1_map", {{"factor", std::int64_t{5}}});
  ASSERT_TRUE(result.done()) << result.error()->message();
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(result.array("result").as<std::int64_t>()[i], 5 * numbers_[i]);
    EXPECT_EQ(result.array("item").as<std::int64_t>()[i], static_cast<std::int64_t>(i));
  }
  EXPECT_EQ(result.summary().counters, (std::map<std::string, std::int64_t>{{"items", 100}}));
  ASSERT_EQ(result.summary().log.size(), 1U);
  EXPECT_TRUE(result.summary().log[0].is_warning);
  EXPECT_EQ(result.summary().log[0].text, "item 0 was here");
}

TEST_P(Abi1Test, ReducesARange) {
  const Result result = run("abi1_reduce", {{"items", std::int64_t{1000}}});
  ASSERT_TRUE(result.done()) << result.error()->message();
  EXPECT_EQ(result.array("result").as<std::int64_t>()[0], 499'500);
  EXPECT_EQ(result.array("item").as<std::int64_t>()[0], 1000);
}

TEST_P(Abi1Test, EmitsRows) {
  const Result result = run("abi1_emit");
  ASSERT_TRUE(result.done()) << result.error()->message();
  std::vector<std::int64_t> odd;
  std::vector<std::int64_t> items;
  for (std::size_t i = 0; i < 100; ++i) {
    if (numbers_[i] % 2 == 0) continue;
    odd.push_back(numbers_[i]);
    items.push_back(static_cast<std::int64_t>(i));
  }
  EXPECT_EQ(numbers(result.concatenated("result")), odd);
  EXPECT_EQ(numbers(result.concatenated("item")), items);
}

TEST_P(Abi1Test, MapsATriangleOfTiles) {
  const Result result = run("abi1_triangle");
  ASSERT_TRUE(result.done()) << result.error()->message();
  EXPECT_EQ(result.summary().plan.items, 120) << "15 rows of tiles";
  const auto products = result.array("result").as<std::int64_t>();
  const auto tiles = result.array("item").as<std::int64_t>();
  for (std::size_t i = 0; i < 100; ++i) {
    for (std::size_t j = i; j < 100; ++j) {
      ASSERT_EQ(products[100 * i + j], numbers_[i] * numbers_[j]);
      ASSERT_EQ(products[100 * j + i], numbers_[i] * numbers_[j]);
      // The formula of docs/kernel-abi.md.
      const std::size_t row = i / 7;
      const std::size_t tile = row * 15 - row * (row - 1) / 2 + (j / 7 - row);
      ASSERT_EQ(tiles[100 * i + j], static_cast<std::int64_t>(tile) + 1);
    }
  }
}

TEST_P(Abi1Test, WhatItRefusesIsAnErrorInItsWords) {
  const Error refused = error_of([&] { run("abi1_map", {{"factor", std::int64_t{-1}}}); });
  EXPECT_EQ(refused.code(), ErrorCode::kInvalid);
  EXPECT_EQ(refused.message(), "kernel \"abi1_map\": \"factor\" is negative");
  EXPECT_EQ(refused.hint(), "Ask for something else.");
  expect_failure(run("abi1_map", {{"refuse", true}}), {"it was asked to refuse"});
}

INSTANTIATE_TEST_SUITE_P(Plugins, Abi1Test,
                         testing::Values("gristmill-test-abi1", "gristmill-test-abi1-grown"),
                         [](const auto& test) {
                           return std::string(test.param) == "gristmill-test-abi1" ? "AsItWas"
                                                                                   : "Grown";
                         });

}  // namespace
}  // namespace gristmill::test
