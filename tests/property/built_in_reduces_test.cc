// The built-in reduces: their bits do not depend on the workers, and where nothing is rounded not
// on the chunks either.

#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/engine_core.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/thread_launcher.h"

namespace gristmill {
namespace {

constexpr std::int64_t kRows = 20'011;
constexpr std::int64_t kColumns = 3;
constexpr std::int64_t kGroups = 9;

// All outputs, one after the other.
std::vector<std::byte> bytes_by(int workers, JobSpec spec, ChunkSize chunk_size) {
  spec.chunk_size = chunk_size;
  EngineCore engine(std::make_unique<test::ThreadLauncher>(), workers,
                    {test::test_plugin("gristmill-kernels").string()});
  const Result result = engine.submit(spec).wait();
  if (result.error()) throw *result.error();
  std::vector<std::byte> all;
  for (const auto& output : result.summary().plan.outputs) {
    const ArrayView array = result.array(output.name);
    const auto* const bytes = static_cast<const std::byte*>(array.data());
    all.insert(all.end(), bytes, bytes + array.size_bytes());
  }
  return all;
}

template <class T>
Dataset dataset(const std::vector<T>& values, Shape shape) {
  return Dataset::copy_of(ArrayView(std::span<const T>(values), std::move(shape)));
}

// Around 0, but for the first row, which is far off.
template <class T>
Dataset numbers() {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal(0, 20);
  std::vector<T> values;
  for (std::int64_t i = 0; i < kRows * kColumns; ++i) {
    values.push_back(static_cast<T>(normal(random) + (i < kColumns ? 10'000 : 0)));
  }
  return dataset(values, {kRows, kColumns});
}

JobSpec histogram(std::vector<Input> inputs) {
  return {.kernel = "histogram",
          .inputs = std::move(inputs),
          .params = {{"bins", std::int64_t{100}}, {"low", -50.0}, {"high", 50.0}}};
}

JobSpec weighted_histogram() {
  std::mt19937_64 random(9);
  std::vector<double> weights(kRows);
  for (double& weight : weights) weight = static_cast<double>(random()) * 0x1p-64;
  return histogram({{"values", numbers<float>()}, {"weights", dataset(weights, {kRows})}});
}

JobSpec group_stats(const Dataset& rows) {
  std::mt19937_64 random(8);
  std::vector<std::uint8_t> keys(kRows);
  for (std::uint8_t& key : keys) key = static_cast<std::uint8_t>(random() % kGroups);
  return {.kernel = "group_stats",
          .inputs = {{"rows", rows}, {"keys", dataset(keys, {kRows})}},
          .params = {{"groups", kGroups}, {"value", std::int64_t{1}}}};
}

JobSpec kmeans_step(const Dataset& points) {
  const std::vector<double> centroids = {0, 0, 0, 10, -3, 5, -20, 7, 1, 500, 500, 500};
  return {.kernel = "kmeans_step",
          .inputs = {{"points", points}, {"centroids", dataset(centroids, {4, kColumns})}}};
}

TEST(BuiltInReducesTest, SumsOfFloatsHaveTheSameBitsForAnyNumberOfWorkers) {
  for (const JobSpec& spec :
       {weighted_histogram(), group_stats(numbers<double>()), kmeans_step(numbers<float>())}) {
    SCOPED_TRACE(spec.kernel);
    for (const ChunkSize& chunk_size : {ChunkSize(), ChunkSize::items(13)}) {
      const auto expected = bytes_by(1, spec, chunk_size);
      for (const int workers : {2, 3, 8}) {
        EXPECT_EQ(bytes_by(workers, spec, chunk_size), expected) << workers << " workers";
      }
    }
  }
}

TEST(BuiltInReducesTest, WhatIsNotRoundedHasTheSameBitsForAnyChunksToo) {
  for (const JobSpec& spec :
       {histogram({{"values", numbers<double>()}}), group_stats(numbers<std::int32_t>()),
        kmeans_step(numbers<std::int16_t>())}) {
    SCOPED_TRACE(spec.kernel);
    const auto expected = bytes_by(1, spec, ChunkSize::items(kRows));
    for (const int workers : {1, 2, 8}) {
      for (const ChunkSize& chunk_size :
           {ChunkSize(), ChunkSize::items(1), ChunkSize::items(700)}) {
        EXPECT_EQ(bytes_by(workers, spec, chunk_size), expected) << workers << " workers";
      }
    }
  }
}

}  // namespace
}  // namespace gristmill
