#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bench/plugin_job.h"

extern "C" const gm_plugin* gm_plugin_query(void);

namespace gristmill::test {
namespace {

using bench::array_of;
using bench::CallError;
using bench::PluginJob;

TEST(CopyTest, GivesTheSameBytesForAnyDtypeShapeAndChunkSize) {
  const std::string bytes = [] {
    std::string text(3 * 5 * 7 * 16, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * i >> 2);
    return text;
  }();
  for (gm_dtype dtype = GM_BOOL; dtype <= GM_COMPLEX128; ++dtype) {
    for (const std::vector<std::int64_t>& shape :
         {std::vector<std::int64_t>{105}, {3, 35}, {5, 3, 7}, {7, 1, 1, 1, 1, 1, 3, 5}, {1, 105}}) {
      for (const std::int64_t chunk_size : {1, 2, 1000}) {
        PluginJob job(*gm_plugin_query(), {"copy", {array_of(dtype, bytes.data(), shape)}});
        ASSERT_EQ(job.items(), shape[0]);
        const gm_array& plan = job.plan().outputs[0];
        EXPECT_EQ(plan.dtype, dtype);
        ASSERT_EQ(plan.rank, shape.size());
        EXPECT_TRUE(std::equal(shape.begin(), shape.end(), plan.shape));
        job.run_all(chunk_size);
        const auto copy = job.output_bytes(0);
        EXPECT_EQ(std::memcmp(copy.data(), bytes.data(), copy.size()), 0);
      }
    }
  }
}

TEST(CopyTest, NothingIsCopiedOfNothing) {
  PluginJob no_items(*gm_plugin_query(), {"copy", {array_of(GM_INT8, nullptr, {0, 3})}});
  EXPECT_EQ(no_items.items(), 0);
  no_items.run_all(1);
  const std::int8_t value = 1;
  PluginJob empty_rows(*gm_plugin_query(), {"copy", {array_of(GM_INT8, &value, {3, 0})}});
  empty_rows.run_all(2);
  EXPECT_TRUE(empty_rows.output_bytes(0).empty());
}

TEST(CopyTest, AScalarIsRefused) {
  const double value = 1;
  try {
    PluginJob job(*gm_plugin_query(), {"copy", {array_of(GM_FLOAT64, &value, {})}});
    FAIL() << "the plan was accepted";
  } catch (const CallError& error) {
    EXPECT_EQ(error.status(), GM_INVALID);
    EXPECT_STREQ(error.what(), "input \"array\" has no axes");
  }
}

}  // namespace
}  // namespace gristmill::test
