#include "tests/process/process_test.h"
#include "tests/support/digest_job.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::test {
namespace {

class ReduceProcessTest : public ProcessTest {
 protected:
  const DigestJob job_{1000};
};

TEST_F(ReduceProcessTest, RealWorkersGiveTheBitsOfThePlainTree) {
  for (const int workers : {1, 3}) {
    const auto engine = engine_of(workers);
    for (int i = 1; i < 20; ++i) job_.check(engine->submit(job_.spec(ChunkSize::items(i))).wait());
  }
}

TEST_F(ReduceProcessTest, AResultCanBeAFile) {
  const TemporaryFolder folder;
  const auto engine = engine_of(2);
  JobSpec spec = job_.spec();
  spec.outputs = {{"digest", folder / "digest.npy"}, {"sum", folder / "sum.npy"}};
  job_.check(engine->submit(spec).wait());
  EXPECT_EQ(Dataset::open(folder / "digest.npy").shape(), Shape{});
  EXPECT_EQ(Dataset::open(folder / "sum.npy").shape(), (Shape{2, 1}));
}

TEST_F(ReduceProcessTest, AKernelThatFailsWhileItMergesFailsTheJobAndSaysWhere) {
  const auto engine = engine_of(2);
  expect_failure(engine->submit(job_.spec("run", "fail")).wait(), {"as asked"});
  const Result merge = engine->submit(job_.spec("merge", "fail")).wait();
  expect_failure(merge, {"kernel \"digest\": as asked"});
  EXPECT_EQ(merge.error()->detail(),
            "It failed in merge 0 of the partial results (the last, which finishes them).");
  expect_failure(engine->submit(job_.spec("finish", "fail")).wait(), {"as asked"});
  expect_good_engine(*engine);
}

TEST_F(ReduceProcessTest, AWorkerThatDiesWhileItMergesFailsTheJobAndSaysWhere) {
  const auto engine = engine_of(2);
  for (const char* at : {"merge", "finish"}) {
    expect_failure(engine->submit(job_.spec(at, "die")).wait(),
                   {"was killed by SIGSEGV in merge 0 of the partial results"});
  }
  expect_good_engine(*engine);
}

TEST_F(ReduceProcessTest, AMergeCanBeCancelled) {
  const auto engine = engine_of(2);
  const GateFolder gate;
  Job job = engine->submit(job_.spec("merge", "wait", gate.path()));
  wait_until([&] { return gate.announcements() > 0; });
  job.cancel();
  EXPECT_EQ(job.wait().outcome(), Outcome::kCancelled) << "by a kill after the grace period";
  expect_good_engine(*engine);
}

TEST_F(ReduceProcessTest, PartialsThatDoNotFitIntoMemoryAreRefusedWithTheNumbers) {
  const auto engine = engine_of(2);
  JobSpec spec = DigestJob(1000, std::int64_t{1} << 33).spec(ChunkSize::items(1));
  try {
    engine->submit(spec);
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResources);
    EXPECT_THAT(error.message(), testing::HasSubstr("1,000 partial results of 128.0 GiB"));
  }
  job_.check(engine->submit(job_.spec()).wait());
}

}  // namespace
}  // namespace gristmill::test
