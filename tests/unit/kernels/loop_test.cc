#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/plugin_job.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/kernels/param_values.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

using bench::array_of;
using bench::CallError;
using bench::PluginJob;
using bench::PluginRequest;
using bench::text_param;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kLoops = GRISTMILL_BIN_DIR "/gristmill-test-loops.so";

PluginRequest calling(const char* symbol, std::vector<gm_array> inputs, const char* dtype,
                      std::span<const double> row = {}, const char* library = kLoops) {
  return {"loop",
          std::move(inputs),
          {{"library", text_param(library)},
           {"symbol", text_param(symbol)},
           {"dtype", text_param(dtype)},
           {"row", list_param(row)}}};
}

CallError refusal_of(const PluginRequest& request) {
  try {
    PluginJob job(*gm_plugin_query(), request);
  } catch (const CallError& error) {
    return error;
  }
  ADD_FAILURE() << "the plan was accepted";
  return CallError(GM_OK, "", "");
}

void expect_refused(const PluginRequest& request, const std::string& words) {
  const CallError error = refusal_of(request);
  EXPECT_EQ(error.status(), GM_INVALID);
  EXPECT_THAT(error.what(), HasSubstr(words));
}

TEST(LoopTest, CallsTheFunctionWithTheRowsOfEachChunk) {
  std::vector<double> a(30);
  std::iota(a.begin(), a.end(), 0);
  const std::vector<double> b = {100, 200, 300, 400, 500};
  for (const std::int64_t chunk_size : {1, 2, 1000}) {
    PluginJob job(*gm_plugin_query(),
                  calling("add_rows", {array_of(a, {5, 3, 2}), array_of(b, {5})}, "float64"));
    EXPECT_EQ(job.items(), 5);
    job.run_all(chunk_size);
    EXPECT_THAT(job.output<double>(0), ElementsAre(115, 251, 387, 523, 659));
  }
}

TEST(LoopTest, TellsRowsElementsAndStridesAndEachCallAnew) {
  const std::vector<float> rows(4 * 6);
  const double row[] = {7, 1};
  PluginJob job(
      *gm_plugin_query(),
      calling("tell_arguments", {array_of(GM_FLOAT32, rows.data(), {4, 2, 3})}, "int64", row));
  const gm_array& plan = job.plan().outputs[0];
  EXPECT_EQ(plan.dtype, gm_dtype{GM_INT64});
  EXPECT_THAT(std::vector(plan.shape, plan.shape + plan.rank), ElementsAre(4, 7, 1));
  EXPECT_EQ(job.plan().flags & GM_OVERWRITES_OUTPUT, 0U) << "rows are zeros before";
  PluginJob::Worker worker(job);
  worker.run(0, 3);
  worker.run(3, 4);
  const auto told = job.output<std::int64_t>(0);
  for (const std::size_t i : {0, 2, 3}) {
    EXPECT_EQ(told[7 * i + 0], i < 3 ? 3 : 1);
    EXPECT_EQ(told[7 * i + 1], 6);
    EXPECT_EQ(told[7 * i + 2], 7);
    EXPECT_EQ(told[7 * i + 3], 24);
    EXPECT_EQ(told[7 * i + 4], 56);
    EXPECT_EQ(told[7 * i + 5], 0) << "user";
  }
}

TEST(LoopTest, WhatTheFunctionAnswersFailsTheChunk) {
  const std::vector<std::int64_t> values = {1, -12};
  PluginJob job(*gm_plugin_query(),
                calling("refuse_negative", {array_of(GM_INT64, values.data(), {2})}, "int64"));
  PluginJob::Worker worker(job);
  worker.run(0, 1);
  try {
    worker.run(1, 2);
    FAIL() << "the chunk succeeded";
  } catch (const CallError& error) {
    EXPECT_EQ(error.status(), GM_FAILED);
    EXPECT_EQ(std::string(error.what()),
              "loop function \"refuse_negative\" of \"" + std::string(kLoops) + "\" returned -12");
  }
}

TEST(LoopTest, NothingIsCalledForNothing) {
  PluginJob job(*gm_plugin_query(),
                calling("tell_arguments", {array_of(GM_INT8, nullptr, {0, 3})}, "bool"));
  EXPECT_EQ(job.items(), 0);
  job.run_all(1);
}

TEST(LoopTest, WhatCannotBeCalledIsRefused) {
  const std::vector<double> a = {1, 2};
  const std::vector<gm_array> one = {array_of(a, {2})};
  const auto in = [&](const char* library) {
    return calling("add_rows", one, "float64", {}, library);
  };
  expect_refused(in("loops.so"), "cannot load library \"loops.so\": the path is not absolute");
  expect_refused(in("/no/loops.so"), "\"/no/loops.so\": No such file or directory");
  expect_refused(in("/"), "it is no regular file");
  expect_refused(in("/proc/self/maps"), "invalid ELF header");
  expect_refused(in(GRISTMILL_BIN_DIR "/gristmill-test-missing-symbol.so"),
                 "undefined symbol: gristmill_nobody_defines_this");
  expect_refused(calling("add_row", one, "float64"),
                 std::string("library \"") + kLoops + "\" does not export \"add_row\"");
  expect_refused(calling("", one, "float64"), "parameter \"symbol\" is empty");
}

TEST(LoopTest, WhatIsNoArrayIsRefused) {
  const std::vector<double> a = {1, 2, 3};
  const std::vector<gm_array> one = {array_of(a, {3})};
  expect_refused(calling("add_rows", {array_of(a, {3}), array_of(a, {2})}, "float64"),
                 "input \"b\" has 2 rows, input \"a\" has 3");
  const CallError error = refusal_of(calling("add_rows", one, "float"));
  EXPECT_STREQ(error.what(), "unknown dtype \"float\"");
  EXPECT_THAT(error.hint(), HasSubstr("int8, int16"));
  for (const double length : {-1.0, 0.5, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    expect_refused(calling("add_rows", one, "float64", {&length, 1}), "which is the length of no");
  }
  const std::vector<double> eight(8, 1);
  expect_refused(calling("add_rows", one, "float64", eight), "has 8 lengths: 7 are possible");
}

class ChangedLibraryTest : public testing::Test {
 protected:
  // Another file takes the name.
  void replace_by(const char* other) const {
    const std::filesystem::path again = folder_ / "again.so";
    std::filesystem::copy_file(other, again);
    std::filesystem::rename(again, library_);
  }

  const TemporaryFolder folder_;
  const std::string library_ = [this] {
    std::filesystem::copy_file(kLoops, folder_ / "loops.so");
    return (folder_ / "loops.so").string();
  }();
  const std::vector<std::int64_t> values_ = {5};
  PluginJob job_{*gm_plugin_query(),
                 calling("refuse_negative", {array_of(GM_INT64, values_.data(), {1})}, "int64", {},
                         library_.c_str())};
};

TEST_F(ChangedLibraryTest, AnotherBuildIsNotTakenForTheFirst) {
  replace_by(GRISTMILL_BIN_DIR "/gristmill-test-missing-symbol.so");
  try {
    const PluginJob::Worker worker(job_);
    FAIL() << "the job was opened";
  } catch (const CallError& error) {
    EXPECT_EQ(error.status(), GM_INVALID);
    EXPECT_THAT(error.what(), HasSubstr("it was changed after this worker had loaded it"));
  }
}

TEST_F(ChangedLibraryTest, TheSameContentIsTheSameBuild) {
  replace_by(kLoops);
  PluginJob::Worker worker(job_);
  worker.run(0, 1);
  EXPECT_EQ(job_.output<std::int64_t>(0)[0], 5);
}

}  // namespace
}  // namespace gristmill::test
