#include "workers/shared_object_host.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <gristmill/format.h>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace gristmill::workers {
namespace {

std::string plugin(const std::string& name) {
  return std::string(GRISTMILL_BIN_DIR "/gristmill-test-") + name + ".so";
}

ipc::KernelRequest request_of(std::int64_t items, double value, const char* kernel = "fill") {
  ipc::KernelRequest request;
  request.kernel = kernel;
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
  ASSERT_EQ(kernels.size(), 2U);
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
  EXPECT_EQ(kernels[0].pattern, Pattern::kMap);
  EXPECT_EQ(kernels[1].pattern, Pattern::kReduce);
}

TEST(SharedObjectHostTest, PlansARequest) {
  const SharedObjectHost host(plugin("plain"));
  const ipc::Planned planned = host.plan(request_of(12, 0));
  EXPECT_EQ(planned.items, 12);
  EXPECT_EQ(planned.bytes_per_item, 8);
  EXPECT_EQ(planned.space.kind, ipc::SpaceKind::kRange);
  EXPECT_EQ(planned.instruction_set, "");
  ASSERT_EQ(planned.outputs.size(), 1U);
  EXPECT_EQ(planned.outputs[0].dtype, DType::kFloat64);
  EXPECT_EQ(planned.outputs[0].shape, Shape{12});
  EXPECT_EQ(planned.accumulator_bytes, 0);
  EXPECT_EQ(planned.flags, std::uint32_t{GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT});
}

TEST(SharedObjectHostTest, PlansAReduce) {
  const SharedObjectHost host(plugin("plain"));
  const ipc::Planned planned = host.plan(request_of(12, 0, "count"));
  EXPECT_EQ(planned.items, 12);
  EXPECT_EQ(planned.accumulator_bytes, 8);
  EXPECT_EQ(planned.flags, std::uint32_t{GM_EXACT_MERGE});
  ASSERT_EQ(planned.outputs.size(), 1U);
  EXPECT_EQ(planned.outputs[0].shape, Shape{});
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
  const JobServices services{cancel, {}, nullptr};
  const auto kernel = host.open(request_of(5, 2.5), {JobArray{}},
                                {JobArray{output.data(), {DType::kFloat64, {5}}}}, 0, services);
  kernel->run({1, 3, {}}, nullptr);
  kernel->run({4, 5, {}}, nullptr);
  EXPECT_EQ(output, (std::array<double, 5>{0, 2.5, 2.5, 0, 2.5}));
  const Error error = test::error_of([&] { kernel->run({1000, 1001, {}}, nullptr); });
  EXPECT_EQ(error.code(), ErrorCode::kFailed);
  EXPECT_EQ(error.message(), "kernel \"fill\": there are only 1000 items");
}

class ReduceInASharedObjectTest : public testing::Test {
 protected:
  std::unique_ptr<OpenKernel> open(void* output) const {
    return host_.open(request_of(5, 0, "count"), {JobArray{}},
                      {JobArray{output, {DType::kInt64, {}}}}, 8, services_);
  }

  const SharedObjectHost host_{plugin("plain")};
  const std::atomic<std::uint32_t> stop_ = 0;
  const CancelFlag cancel_{stop_, 1};
  const JobServices services_{cancel_, {}, nullptr};
};

TEST_F(ReduceInASharedObjectTest, RunsMergesAndFinishes) {
  std::int64_t output = -1;
  const auto kernel = open(&output);
  std::array<std::int64_t, 2> accumulators{};
  kernel->run({1, 3, {}}, &accumulators[0]);
  kernel->run({3, 4, {}}, &accumulators[0]);
  kernel->run({4, 5, {}}, &accumulators[1]);
  EXPECT_EQ(accumulators, (std::array<std::int64_t, 2>{3, 1}));
  kernel->merge(&accumulators[0], &accumulators[1]);
  EXPECT_EQ(accumulators, (std::array<std::int64_t, 2>{4, 1}));
  EXPECT_EQ(output, -1);
  kernel->finish(&accumulators[0]);
  EXPECT_EQ(output, 4);
}

TEST_F(ReduceInASharedObjectTest, WhatAnyCallRefusesIsAnErrorInItsWords) {
  std::int64_t sum = 900;
  const std::int64_t more = 101;
  const auto kernel = open(nullptr);
  EXPECT_EQ(test::error_of([&] {
              kernel->run({1000, 1001, {}}, &sum);
            }).message(),
            "kernel \"count\": there are only 1000 items");
  EXPECT_EQ(test::error_of([&] { kernel->merge(&sum, &more); }).message(),
            "kernel \"count\": too many were merged");
  sum = 1000;
  EXPECT_EQ(test::error_of([&] { kernel->finish(&sum); }).message(),
            "kernel \"count\": there are too many to finish");
}

TEST_F(ReduceInASharedObjectTest, AnOutputThatNobodyWantsIsNotWritten) {
  const std::int64_t sum = 4;
  EXPECT_NO_THROW(open(nullptr)->finish(&sum));
}

TEST(SharedObjectHostTest, AnUnknownKernelIsRefusedByName) {
  const SharedObjectHost host(plugin("plain"));
  ipc::KernelRequest request = request_of(1, 0);
  request.kernel = "full";
  const Error error = test::error_of([&] { host.plan(request); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_NE(error.message().find("\"full\""), std::string::npos) << error.message();
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

TEST(SharedObjectHostTest, StructuresSmallerThanTheFirstVersionHasThemAreRefused) {
  expect_refused(plugin("refused-struct-size"), "smaller than ABI 1.0");
  expect_refused(plugin("refused-kernel-struct-size"), "less than ABI 1.0");
  expect_refused(plugin("refused-output-decl-size"), "too small");
}

TEST(SharedObjectHostTest, APluginWithoutKernelsIsRefused) {
  expect_refused(plugin("refused-kernel-count"), "no kernels");
}

TEST(SharedObjectHostTest, AnIncompleteKernelIsRefused) {
  expect_refused(plugin("refused-kernel"), "number 0 is incomplete");
  expect_refused(plugin("refused-run"), "\"fill\" is incomplete");
  expect_refused(plugin("refused-output-count"), "too many");
}

TEST(SharedObjectHostTest, DeclarationsThatMakeNoSenseAreRefused) {
  expect_refused(plugin("refused-dtypes"), "dtypes and ranks for input \"weights\"");
  expect_refused(plugin("refused-ranks"), "dtypes and ranks for input \"weights\"");
  expect_refused(plugin("refused-param-type"), "\"items\" of a type that is none");
  expect_refused(plugin("refused-param-name"), "without a name, or twice");
  expect_refused(plugin("refused-param-twice"), "without a name, or twice");
}

TEST(SharedObjectHostTest, APatternThatDoesNotFitItsFunctionsIsRefused) {
  expect_refused(plugin("refused-pattern"), "pattern 3, which is none");
  expect_refused(plugin("refused-unknown-with-both"), "pattern 7, which is none");
  for (const char* wrong : {"map-with-merge", "map-with-finish"}) {
    expect_refused(plugin(std::string("refused-") + wrong), "which only a reduce has");
  }
  for (const char* wrong : {"reduce-without-merge", "reduce-without-finish"}) {
    expect_refused(plugin(std::string("refused-") + wrong), "a reduce has merge and finish");
  }
}

TEST(SharedObjectHostTest, AFileThatIsNoElfFileIsToldFromOneThatIsNotThere) {
  const test::TemporaryFolder folder;
  expect_refused(folder.write("text.so", "this is no ELF file"), "no ELF file");
  expect_refused(folder.write("empty.so", ""), "no ELF file");
  expect_refused(folder.path() / "missing.so", "no such file");
  expect_refused(folder.path(), "is a directory");
  expect_refused(folder.write("half.so", std::string("\x7F"
                                                     "ELF\x02\x01\x01",
                                                     7)),
                 "cut off");
}

// The bytes of a working plug-in with some of them changed.
std::string changed_plugin(std::size_t offset, const std::string& bytes) {
  std::ifstream file(plugin("plain"), std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  return content.replace(offset, bytes.size(), bytes);
}

TEST(SharedObjectHostTest, AnotherArchitectureIsRefusedAndBothAreNamed) {
  const test::TemporaryFolder folder;
  const std::string arm = folder.write("arm.so", changed_plugin(18, std::string("\xB7\0", 2)));
  expect_refused(arm, "built for 64-bit ARM and this is ");
  const std::string strange = folder.write("x.so", changed_plugin(18, std::string("\x34\x12", 2)));
  expect_refused(strange, "built for machine number 4660");
}

TEST(SharedObjectHostTest, AnElfFileThatIsNoSharedObjectIsRefused) {
  const test::TemporaryFolder folder;
  expect_refused(folder.write("object.o", changed_plugin(16, std::string("\x01\0", 2))),
                 "no shared object");
  expect_refused("/proc/self/exe", "it is an ELF file, but no shared object");
}

TEST(SharedObjectHostTest, AFileThatIsCutOffIsRefusedWithBothLengths) {
  const test::TemporaryFolder folder;
  const std::string whole = changed_plugin(0, "");
  for (const std::size_t size : {std::size_t{64}, std::size_t{3000}, whole.size() - 1}) {
    expect_refused(folder.write("cut.so", whole.substr(0, size)),
                   "it is cut off: " + format_count(static_cast<std::int64_t>(size)) + " of ");
  }
  // A program header that leads nowhere.
  const std::string wrong = folder.write("wrong.so", changed_plugin(32, std::string(7, '\x7F')));
  expect_refused(wrong, "it is cut off");
}

TEST(SharedObjectHostTest, AFifoIsRefusedWithoutWaitingForItsWriter) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "fifo.so";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  expect_refused(path, "no regular file");
}

TEST(SharedObjectHostTest, ALibraryThatIsMissingIsNamed) {
  expect_refused(plugin("missing-library"), "needs the library \"libgristmill-not-there.so\"");
}

TEST(SharedObjectHostTest, ASymbolThatNothingDefinesIsNamed) {
  expect_refused(plugin("missing-symbol"), "uses \"gristmill_nobody_defines_this\"");
}

TEST(SharedObjectHostTest, TheIdentityIsThatOfTheContent) {
  const test::TemporaryFolder folder;
  const std::string copy = folder.write("copy.so", changed_plugin(0, ""));
  EXPECT_EQ(SharedObjectHost(copy).identity(), SharedObjectHost(plugin("plain")).identity());
  EXPECT_NE(SharedObjectHost(copy).identity(),
            SharedObjectHost(GRISTMILL_BIN_DIR "/gristmill-kernels.so").identity());
}

}  // namespace
}  // namespace gristmill::workers
