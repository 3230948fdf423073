#include "tests/support/spaces_job.h"

#include "tests/process/process_test.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::test {
namespace {

class SpacesTest : public ProcessTest {
 protected:
  static std::unique_ptr<Engine> spaces_engine(int workers, std::int64_t memory_bytes = 0) {
    return std::make_unique<Engine>(EngineOptions{.workers = workers,
                                                  .plugins = {test_plugin("gristmill-test-spaces")},
                                                  .memory_bytes = memory_bytes});
  }
};

TEST_F(SpacesTest, EachPatternOverEachIndexSpaceGivesWhatAPlainLoopGives) {
  for (const int workers : {1, 2, 3, 8}) {
    const auto engine = spaces_engine(workers);
    for (const char* pattern : {"map", "reduce", "emit"}) {
      for (const char* space : {"rows", "range", "tiles", "triangle"}) {
        const SpacesJob job(pattern, space, {210, 95, 8, 5});
        SCOPED_TRACE(job.spec().kernel + ", " + std::to_string(workers) + " workers");
        for (const ChunkSize& size : {ChunkSize(), ChunkSize::items(1), ChunkSize::items(13)}) {
          job.check(engine->submit(job.spec(size)).wait());
        }
      }
    }
  }
}

TEST_F(SpacesTest, AnEmitIntoAFileHasTheBytesOfTheConcatenatedParts) {
  const TemporaryFolder folder;
  const auto engine = spaces_engine(3);
  const SpacesJob job("emit", "triangle", {300, 300, 16, 16});
  const Result memory = engine->submit(job.spec(ChunkSize::items(2))).wait();
  JobSpec spec = job.spec(ChunkSize::items(2));
  spec.outputs = {{"value", folder / "value.npy"}, {"pair", folder / "pair.npy"}};
  job.check(engine->submit(spec).wait());
  for (const std::string output : {"value", "pair"}) {
    const Dataset file = Dataset::open(folder / (output + ".npy"));
    const Dataset whole = memory.concatenated(output);
    const auto in_file = file.view().as<std::int64_t>();
    const auto in_memory = whole.view().as<std::int64_t>();
    EXPECT_TRUE(std::equal(in_file.begin(), in_file.end(), in_memory.begin(), in_memory.end()));
  }
  EXPECT_THAT(entries_of(folder.path()), testing::UnorderedElementsAre("value.npy", "pair.npy"));
}

TEST_F(SpacesTest, RowsBeyondTheMemoryLimitAreRefusedAndTheEngineStaysUsable) {
  const auto engine = spaces_engine(2, std::int64_t{32} << 20);
  const SpacesJob job("emit", "range", {2000});
  JobSpec spec = job.spec(ChunkSize::items(10));
  spec.params["copies"] = std::int64_t{10'000};
  const Result result = engine->submit(spec).wait();
  expect_failure(result, {"kernel \"emit_range\"", "32.0 MiB"});
  EXPECT_EQ(result.error()->code(), ErrorCode::kResources);
  for (int i = 0; i < 5; ++i) job.check(engine->submit(job.spec(ChunkSize::items(10))).wait());
}

TEST_F(SpacesTest, AWorkerKilledInAnEmitFailsTheJobAndIsReplaced) {
  const auto engine = spaces_engine(2);
  const TemporaryFolder folder;
  const SpacesJob job("emit", "rows", {100});
  for (const bool into_file : {false, true}) {
    JobSpec spec = job.spec(ChunkSize::items(10));
    spec.params.insert({{"at", std::int64_t{35}}, {"how", "killed"}});
    if (into_file) spec.outputs = {{"value", folder / "value.npy"}};
    const Result result = engine->submit(spec).wait();
    expect_failure(result, {"chunk 3", "SIGKILL"});
    EXPECT_TRUE(entries_of(folder.path()).empty());
    job.check(engine->submit(job.spec(ChunkSize::items(1))).wait());
  }
}

// One worker and one chunk: each output is one part, and so a dataset without a copy.
class EmittedDatasetsTest : public ProcessTest {
 protected:
  EmittedDatasetsTest() {
    std::vector<std::int64_t> values;
    for (std::int64_t i = 0; i < 1000; ++i) values.push_back(i % 7);
    values_ = Dataset::copy_of({std::span<const std::int64_t>(values), {1000}});
  }
  Result select(const std::string& where) {
    return engine_
        .submit({.kernel = "select",
                 .inputs = {{"rows", values_}},
                 .params = {{"where", where}},
                 .chunk_size = ChunkSize::items(1000)})
        .wait();
  }

  Engine engine_{{.workers = 1}};
  Dataset values_{nullptr};
  const std::vector<double> places_values_ = {1, 2, 3, 4, 5, 6};
};

TEST_F(EmittedDatasetsTest, AllOutputsOfAnEmitAreInputsOfAnotherJob) {
  const Result selected = select("== 3");
  ASSERT_EQ(selected.parts("rows").size(), 1U);
  const Result stats = engine_
                           .submit({.kernel = "group_stats",
                                    .inputs = {{"rows", selected.dataset("rows")},
                                               {"keys", selected.dataset("index")}},
                                    .params = {{"groups", std::int64_t{1000}}},
                                    .outputs = {{"count", {}}, {"mean", {}}}})
                           .wait();
  ASSERT_TRUE(stats.done()) << stats.error()->message();
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(stats.array("count").as<std::int64_t>()[i], i % 7 == 3 ? 1 : 0) << i;
    if (i % 7 == 3) {
      ASSERT_EQ(stats.array("mean").as<double>()[i], 3) << i;
    }
  }
}

TEST_F(EmittedDatasetsTest, NoRowsAreAnInputToo) {
  const Dataset none = select("> 99").dataset("rows");
  EXPECT_EQ(none.shape(), Shape{0});
  const Result copied = engine_.submit({.kernel = "copy", .inputs = {{"array", none}}}).wait();
  EXPECT_TRUE(copied.done());
  const Dataset places = Dataset::copy_of(
      {std::span<const double>(places_values_), {static_cast<std::int64_t>(3), 2}});
  const Dataset no_places =
      engine_
          .submit({.kernel = "select", .inputs = {{"rows", places}}, .params = {{"where", "> 99"}}})
          .wait()
          .dataset("rows");
  const Result nearest =
      engine_.submit({.kernel = "nearest", .inputs = {{"points", places}, {"targets", no_places}}})
          .wait();
  ASSERT_TRUE(nearest.done()) << nearest.error()->message();
  EXPECT_EQ(nearest.array("index").as<std::int64_t>()[0], -1);
}

}  // namespace
}  // namespace gristmill::test
