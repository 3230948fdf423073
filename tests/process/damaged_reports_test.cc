#include "tests/process/process_test.h"

namespace gristmill::test {
namespace {

class DamagedReportsTest : public ProcessTest, public testing::WithParamInterface<const char*> {};

TEST_P(DamagedReportsTest, EndTheirWorkerAndFailTheJob) {
  const auto engine = engine_of(3);
  const GateFolder gate;
  const Result result = engine
                            ->submit({.kernel = "damage_reports",
                                      .params = {{"items", std::int64_t{100}},
                                                 {"at", std::int64_t{35}},
                                                 {"how", GetParam()},
                                                 {"folder", gate.path()}},
                                      .chunk_size = ChunkSize::items(10)})
                            .wait();
  expect_failure(result, {"was killed because it wrote a report that cannot be read",
                          "in chunk 3, rows 30 to 39"});
  expect_good_engine(*engine);
}

INSTANTIATE_TEST_SUITE_P(Damages, DamagedReportsTest,
                         testing::Values("head", "length", "frame", "noise"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace gristmill::test
