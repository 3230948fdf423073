#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <gristmill/engine.h>

#include "tests/support/process_table.h"
#include "tests/support/row_hash_job.h"
#include "tests/support/spaces_job.h"
#include "tests/support/temporary_folder.h"

// failing_calls.c; not there unless it is preloaded.
extern "C" __attribute__((weak)) void failing_calls_arm(int armed);

namespace gristmill::test {
namespace {

void arm(bool armed) {
  if (failing_calls_arm != nullptr) failing_calls_arm(armed ? 1 : 0);
}

using Bytes = std::vector<std::byte>;

void append(Bytes& bytes, const ArrayView& array) {
  const auto* data = static_cast<const std::byte*>(array.data());
  bytes.insert(bytes.end(), data, data + array.size_bytes());
}

// A bit of everything that makes system calls. Each step gives the bytes of all its results, or
// throws the error that it met.
class Steps {
 public:
  static constexpr int kCount = 8;

  explicit Steps(const std::filesystem::path& folder) : folder_(folder) {
    const std::string rows(60'000 * sizeof(std::int64_t), 'r');
    file_ = folder_ / "rows.bin";
    std::ofstream(file_, std::ios::binary) << rows;
  }

  Bytes run(int step, Engine& engine) const {
    switch (step) {
      case 0:
        return map_into_memory(engine);
      case 1:
        return lose_worker(engine);
      case 2:
        return map_into_file(engine);
      case 3:
        return reduce(engine);
      case 4:
        return emit_into_file(engine);
      case 5:
        return place_file(engine);
      case 6:
        return skip_failures(engine);
      default:
        return describe(engine);
    }
  }

 private:
  // More than a huge page of input and output.
  static Bytes map_into_memory(Engine& engine) {
    const RowHashJob job(300'000, 1, 5);
    const Result result = engine.submit(job.spec()).wait();
    Bytes bytes;
    append(bytes, result.array("hash"));
    return bytes;
  }

  Bytes map_into_file(Engine& engine) const {
    const RowHashJob job(700, 3, 6);
    JobSpec spec = job.spec(ChunkSize::items(37));
    spec.outputs = {{"hash", folder_ / "hash.npy"}};
    spec.replace_existing = !std::filesystem::exists(folder_ / "hash.npy");
    std::filesystem::remove(folder_ / "hash.npy");
    const Result result = engine.submit(spec).wait();
    Bytes bytes;
    append(bytes, result.array("hash"));
    append(bytes, Dataset::open(folder_ / "hash.npy").view());
    return bytes;
  }

  static Bytes reduce(Engine& engine) {
    const SpacesJob job("reduce", "range", {900});
    const Result result = engine.submit(job.spec(ChunkSize::items(20))).wait();
    Bytes bytes;
    append(bytes, result.array("value"));
    return bytes;
  }

  Bytes emit_into_file(Engine& engine) const {
    const SpacesJob job("emit", "triangle", {100, 100, 16, 16});
    JobSpec spec = job.spec(ChunkSize::items(2));
    spec.outputs = {{"value", folder_ / "value.npy"}, {"pair", {}}};
    const Result result = engine.submit(spec).wait();
    Bytes bytes;
    append(bytes, result.array("value"));
    append(bytes, result.concatenated("pair").view());
    return bytes;
  }

  Bytes place_file(Engine& engine) const {
    const Dataset rows = Dataset::open_raw(file_, DType::kInt64, {20'000, 3});
    const Dataset placed = engine.in_memory(rows);
    Bytes bytes;
    append(bytes, placed.view());
    return bytes;
  }

  static Bytes skip_failures(Engine& engine) {
    const Result result = engine
                              .submit({.kernel = "misbehave",
                                       .params = {{"items", std::int64_t{100}},
                                                  {"at", std::int64_t{35}},
                                                  {"how", "failed"}},
                                       .chunk_size = ChunkSize::items(10),
                                       .faults = {.on_error = OnError::kSkip}})
                              .wait();
    Bytes bytes;
    append(bytes, result.array("hash"));
    return bytes;
  }

  // The oldest child is a worker; it may be missed in a later step only. An engine in this process
  // has none.
  static Bytes lose_worker(Engine& engine) {
    const std::vector<pid_t> children = child_processes();
    if (!children.empty()) signal_child(children.front(), SIGKILL);
    const RowHashJob job(500, 1, 8);
    const Result result = engine.submit(job.spec(ChunkSize::items(5))).wait();
    Bytes bytes;
    append(bytes, result.array("hash"));
    return bytes;
  }

  static Bytes describe(Engine& engine) {
    Bytes bytes;
    for (const KernelInfo& kernel : engine.kernels()) {
      const auto* name = reinterpret_cast<const std::byte*>(kernel.name.data());
      bytes.insert(bytes.end(), name, name + kernel.name.size());
    }
    return bytes;
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
};

// The scenario of failing_calls.py: whatever call fails, a step ends in an Error or in exact
// results, and the engine is as good as new afterwards.
class FailingCalls : public testing::Test {
 protected:
  FailingCalls() : steps_(folder_.path()) {
    Engine engine(options(/*in_process=*/true));
    for (int step = 0; step < Steps::kCount; ++step) expected_.push_back(steps_.run(step, engine));
  }

  static EngineOptions options(bool in_process = false) {
    return {.workers = 2,
            .plugins = {test_plugin("gristmill-test-kernels"),
                        test_plugin("gristmill-test-misbehaving"),
                        test_plugin("gristmill-test-spaces")},
            .in_process = in_process};
  }

  // Whether it gave results; the test fails for wrong ones.
  bool run(int step, Engine& engine) {
    return ends_cleanly([&] {
      const Bytes bytes = steps_.run(step, engine);
      EXPECT_TRUE(bytes == expected_[static_cast<std::size_t>(step)])
          << "wrong bytes, step " << step;
    });
  }

  template <class Call>
  static bool ends_cleanly(const Call& call) {
    try {
      call();
      return true;
    } catch (const Error& error) {
      std::cout << "error: " << error.message() << " " << error.detail() << "\n";
    } catch (const std::exception& error) {
      ADD_FAILURE() << "not an Error: " << error.what();
    }
    return false;
  }

  TemporaryFolder folder_;
  Steps steps_;
  std::vector<Bytes> expected_;
};

TEST_F(FailingCalls, EndInAnErrorOrInExactResults) {
  std::unique_ptr<Engine> engine;
  arm(true);
  ends_cleanly([&] { engine = std::make_unique<Engine>(options()); });
  for (int step = 0; engine && step < Steps::kCount; ++step) run(step, *engine);
  arm(false);
  if (!engine) engine = std::make_unique<Engine>(options());
  for (int step = 0; step < Steps::kCount; ++step) {
    EXPECT_TRUE(run(step, *engine)) << "step " << step << " when no call fails any more";
  }
  EXPECT_EQ(child_processes().size(), 3U) << "two workers and the planner";
  arm(true);
  engine.reset();
  arm(false);
  for (const std::string& name : entries_of(folder_.path())) {
    EXPECT_EQ(name.find(".gristmill-"), std::string::npos) << "left behind: file " << name;
  }
}

}  // namespace
}  // namespace gristmill::test
