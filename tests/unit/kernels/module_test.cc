// The built-in kernels as the shared object that workers load.

#include <dlfcn.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bench/plugin_job.h"

namespace gristmill::bench {
namespace {

class KernelsModuleTest : public testing::Test {
 protected:
  void SetUp() override {
    module_ = dlopen(GRISTMILL_BIN_DIR "/gristmill-kernels.so", RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(module_, nullptr) << dlerror();
    const auto query = reinterpret_cast<gm_plugin_query_function>(dlsym(module_, GM_QUERY_SYMBOL));
    ASSERT_NE(query, nullptr);
    plugin_ = query();
  }
  void TearDown() override {
    if (module_ != nullptr) dlclose(module_);
  }
  void* module_ = nullptr;
  const gm_plugin* plugin_ = nullptr;
};

TEST_F(KernelsModuleTest, HasTheBuiltInKernels) {
  ASSERT_EQ(plugin_->magic, GM_PLUGIN_MAGIC);
  ASSERT_GE(plugin_->kernel_count, 4u);
  for (const auto& [index, name] : {std::pair{0, "mean_distance"}, {1, "nearest"}, {3, "copy"}}) {
    const auto i = static_cast<std::size_t>(index);
    EXPECT_STREQ(plugin_->kernels[i]->name, name);
    EXPECT_EQ(plugin_->kernels[i]->pattern, gm_pattern{GM_MAP});
    EXPECT_EQ(plugin_->kernels[i]->flags, GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT);
  }
  EXPECT_STREQ(plugin_->kernels[2]->name, "describe");
  EXPECT_EQ(plugin_->kernels[2]->pattern, gm_pattern{GM_REDUCE});
  EXPECT_EQ(plugin_->kernels[2]->flags, std::uint32_t{GM_OVERWRITES_OUTPUT});
}

TEST_F(KernelsModuleTest, RunsAJob) {
  const std::vector<double> places = {48.1, 11.6, 52.5, 13.4, 53.6, 10.0};
  PluginJob job(*plugin_, {"nearest", {array_of(places, {3, 2})}});
  job.run_all(1);
  EXPECT_EQ(job.output<std::int64_t>(0)[0], 1);
  EXPECT_EQ(job.output<std::int64_t>(0)[2], 1);
  EXPECT_NEAR(job.output<double>(1)[1], 257.0, 5.0);
}

TEST_F(KernelsModuleTest, RunsAReduce) {
  const std::vector<double> rows = {1, 10, 3, 30, 2, 20};
  PluginJob job(*plugin_, {"describe", {array_of(rows, {3, 2})}});
  job.run_all(1);
  EXPECT_EQ(job.output<std::int64_t>(0)[1], 3);
  EXPECT_EQ(job.output<double>(1)[0], 2.0);
  EXPECT_EQ(job.output<double>(1)[1], 20.0);
}

TEST_F(KernelsModuleTest, ExportsNothingElseOfItsOwn) {
  EXPECT_EQ(dlsym(module_, "_ZN9gristmill7kernels15chosen_pairwiseEv"), nullptr);
}

}  // namespace
}  // namespace gristmill::bench
