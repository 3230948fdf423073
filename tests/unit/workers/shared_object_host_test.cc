#include "workers/shared_object_host.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::workers {
namespace {

std::string plugin(const std::string& name) {
  return std::string(GRISTMILL_BIN_DIR "/gristmill-test-") + name + ".so";
}

ipc::KernelRequest request_of(std::int64_t items, double value) {
  ipc::KernelRequest request;
  request.kernel = "fill";
  request.inputs = {std::nullopt};
  request.params = {items, value};
  request.outputs_wanted = {true};
  return request;
}

// Refused, and the file is named.
void expect_refused(const std::string& path, const std::string& reason) {
  const Error error = test::error_of([&] { const SharedObjectHost host(path); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid) << path;
  EXPECT_NE(error.message().find('"' + path + '"'), std::string::npos) << error.message();
  EXPECT_NE(error.message().find(reason), std::string::npos) << error.message();
}

TEST(SharedObjectHostTest, DescribesTheKernelsOfAPluginInPlainC) {
  const SharedObjectHost host(plugin("plain"));
  const std::vector<KernelInfo> kernels = host.describe();
  ASSERT_EQ(kernels.size(), 1U);
  EXPECT_EQ(kernels[0].name, "fill");
  EXPECT_EQ(kernels[0].summary, "fills its output with a value");
  EXPECT_EQ(kernels[0].description, "");
  EXPECT_EQ(kernels[0].plugin, plugin("plain"));
  ASSERT_EQ(kernels[0].inputs.size(), 1U);
  EXPECT_EQ(kernels[0].inputs[0].name, "weights");
  EXPECT_TRUE(kernels[0].inputs[0].optional);
  ASSERT_EQ(kernels[0].params.size(), 2U);
  EXPECT_EQ(kernels[0].params[0].type, "int");
  EXPECT_EQ(kernels[0].params[1].type, "float");
  EXPECT_EQ(kernels[0].params[1].default_value, "0.5");
  ASSERT_EQ(kernels[0].outputs.size(), 1U);
  EXPECT_EQ(kernels[0].outputs[0].name, "filled");
}

TEST(SharedObjectHostTest, PlansARequest) {
  const SharedObjectHost host(plugin("plain"));
  const ipc::Planned planned = host.plan(request_of(12, 0));
  EXPECT_EQ(planned.items, 12);
  EXPECT_EQ(planned.bytes_per_item, 8);
  EXPECT_EQ(planned.index_space, "range");
  EXPECT_EQ(planned.instruction_set, "");
  ASSERT_EQ(planned.outputs.size(), 1U);
  EXPECT_EQ(planned.outputs[0].dtype, DType::kFloat64);
  EXPECT_EQ(planned.outputs[0].shape, Shape{12});
}

TEST(SharedObjectHostTest, WhatTheKernelRefusesIsAnErrorInItsWords) {
  const SharedObjectHost host(plugin("plain"));
  const Error error = test::error_of([&] { host.plan(request_of(-1, 0)); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_EQ(error.message(), "kernel \"fill\": \"items\" is negative");
  EXPECT_EQ(error.hint(), "Ask for 0 or more.");
}

TEST(SharedObjectHostTest, RunsChunksOfAnOpenKernel) {
  const SharedObjectHost host(plugin("plain"));
  std::array<double, 5> output{};
  const std::atomic<std::uint32_t> stop = 0;
  const CancelFlag cancel(stop, 1);
  const auto kernel = host.open(request_of(5, 2.5), {JobArray{}},
                                {JobArray{output.data(), {DType::kFloat64, {5}}}}, 0, cancel);
  EXPECT_TRUE(kernel->overwrites_output());
  kernel->run(1, 3, nullptr);
  kernel->run(4, 5, nullptr);
  EXPECT_EQ(output, (std::array<double, 5>{0, 2.5, 2.5, 0, 2.5}));
  const Error error = test::error_of([&] { kernel->run(1000, 1001, nullptr); });
  EXPECT_EQ(error.code(), ErrorCode::kFailed);
  EXPECT_EQ(error.message(), "kernel \"fill\": there are only 1000 items");
}

TEST(SharedObjectHostTest, AnUnknownKernelIsRefusedByName) {
  const SharedObjectHost host(plugin("plain"));
  ipc::KernelRequest request = request_of(1, 0);
  request.kernel = "full";
  const Error error = test::error_of([&] { host.plan(request); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_NE(error.message().find("\"full\""), std::string::npos) << error.message();
}

TEST(SharedObjectHostTest, AFileThatIsNoSharedObjectIsRefused) {
  const test::TemporaryFolder folder;
  expect_refused(folder.write("text.so", "this is no ELF file"), "");
  expect_refused(folder.write("empty.so", ""), "");
  expect_refused(folder.path() / "missing.so", "");
  expect_refused(folder.path(), "");
  expect_refused(folder.write("half.so", std::string("\x7F"
                                                     "ELF\x02\x01\x01",
                                                     7)),
                 "");
}

TEST(SharedObjectHostTest, ASharedObjectWithoutTheSymbolIsRefusedWithAHint) {
  expect_refused(plugin("refused-query"), "gm_plugin_query");
  const Error error = test::error_of([] { const SharedObjectHost host(plugin("refused-query")); });
  EXPECT_NE(error.hint(), "");
}

TEST(SharedObjectHostTest, ASharedObjectThatIsNoPluginOfOursIsRefused) {
  expect_refused(plugin("refused-answer"), "does not identify itself");
  expect_refused(plugin("refused-magic"), "does not identify itself");
}

TEST(SharedObjectHostTest, AnotherAbiIsRefusedAndBothAreNamed) {
  const std::string ours = std::to_string(GM_ABI_MAJOR) + "." + std::to_string(GM_ABI_MINOR);
  expect_refused(plugin("refused-major"), "7." + std::to_string(GM_ABI_MINOR));
  expect_refused(plugin("refused-major"), ours);
  expect_refused(plugin("refused-minor"), std::to_string(GM_ABI_MAJOR) + ".9");
  expect_refused(plugin("refused-minor"), ours);
}

TEST(SharedObjectHostTest, OtherSizesOfTheStructuresAreRefused) {
  expect_refused(plugin("refused-struct-size"), "ABI");
  expect_refused(plugin("refused-kernel-struct-size"), "ABI");
}

TEST(SharedObjectHostTest, APluginWithoutKernelsIsRefused) {
  expect_refused(plugin("refused-kernel-count"), "no kernels");
}

TEST(SharedObjectHostTest, AnIncompleteKernelIsRefused) {
  expect_refused(plugin("refused-kernel"), "incomplete");
  expect_refused(plugin("refused-run"), "incomplete");
  expect_refused(plugin("refused-output-count"), "incomplete");
}

}  // namespace
}  // namespace gristmill::workers
