#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <numeric>

#include "tests/fault/signal_storm.h"
#include "tests/process/process_test.h"
#include "tests/support/error_of.h"
#include "tests/support/forked_child.h"
#include "tests/support/spaces_job.h"
#include "tests/support/temporary_folder.h"

namespace {

// Whether files are on a file system that cannot reserve.
bool refuse_fallocate = false;

}  // namespace

// Of this program instead of the C library's.
extern "C" int fallocate(int fd, int mode, off_t begin, off_t size) {
  if (!refuse_fallocate) return static_cast<int>(syscall(SYS_fallocate, fd, mode, begin, size));
  errno = EOPNOTSUPP;
  return -1;
}

// What the system refuses, or interrupts.
namespace gristmill::test {
namespace {

constexpr int kSkipped = 77;

// A limit of this process and of what it starts, for a while.
class ResourceLimit {
 public:
  ResourceLimit(__rlimit_resource resource, rlim_t limit) : resource_(resource) {
    getrlimit(resource_, &before_);
    const rlimit low{limit, before_.rlim_max};
    EXPECT_EQ(setrlimit(resource_, &low), 0);
  }
  ~ResourceLimit() { setrlimit(resource_, &before_); }
  ResourceLimit(const ResourceLimit&) = delete;
  ResourceLimit& operator=(const ResourceLimit&) = delete;

 private:
  __rlimit_resource resource_;
  rlimit before_{};
};

class ResourcesTest : public ProcessTest {
 protected:
  // In a process of its own, whose failures are this test's.
  template <class Call>
  static void in_child(const Call& call) {
    ForkedChild child([&] {
      const int code = call();
      return HasFailure() ? 1 : code;
    });
    const int code = child.exit_code();
    if (code == kSkipped) GTEST_SKIP() << "this user may not: see above";
    EXPECT_EQ(code, 0);
  }

  static void expect_exact_job(Engine& engine) {
    const RowHashJob job(2000, 2, 77);
    job.check(engine.submit(job.spec(ChunkSize::items(7))).wait());
  }

  TemporaryFolder folder_;
};

// Dataset and output are refused before anything is written, where a write would be a signal.
TEST_F(ResourcesTest, Fault31_WhatDoesNotFitIsRefusedBeforeTheStart) {
  const auto engine = engine_of(2);
  const RowHashJob job(500'000, 1, 3);
  {
    const ResourceLimit limit(RLIMIT_FSIZE, 3 << 20);
    std::vector<std::int64_t> values(500'000);
    const Error error = error_of(
        [&] { Dataset::copy_of(ArrayView(std::span<const std::int64_t>(values), {500'000})); });
    EXPECT_EQ(error.code(), ErrorCode::kResources);
    JobSpec spec = job.spec();
    spec.outputs = {{"hash", folder_ / "hash.npy"}, {"value", {}}};
    EXPECT_EQ(error_of([&] { engine->submit(spec); }).code(), ErrorCode::kResources);
    EXPECT_EQ(error_of([&] { engine->submit(job.spec()); }).code(), ErrorCode::kResources);
    EXPECT_TRUE(entries_of(folder_.path()).empty());
  }
  job.check(engine->submit(job.spec()).wait());
}

TEST_F(ResourcesTest, Fault34_WithFewDescriptorsTheEngineHasFewerWorkers) {
  std::unique_ptr<Engine> engine;
  {
    const ResourceLimit limit(RLIMIT_NOFILE, 64);
    engine = engine_of(32);
    const std::size_t children = child_processes().size();
    EXPECT_GE(children, 3U);
    EXPECT_LT(children, 33U);
    const RowHashJob job(2000, 2, 4);
    JobSpec spec = job.spec(ChunkSize::items(9));
    spec.outputs = {{"hash", folder_ / "hash.npy"}, {"value", {}}};
    for (int i = 0; i < 3; ++i) {
      expect_exact_job(*engine);
      job.check(engine->submit(spec).wait());
    }
  }
  expect_good_engine(*engine);
}

TEST_F(ResourcesTest, Fault34_WithoutDescriptorsThereIsNoEngine) {
  const ResourceLimit limit(RLIMIT_NOFILE, 20);
  EXPECT_EQ(error_of([] { engine_of(2); }).code(), ErrorCode::kResources);
}

// The system drops descriptors that are sent to it, without an error.
TEST_F(ResourcesTest, Fault34_WorkersWithoutDescriptorsAreReplaced) {
  const auto engine = engine_of(2);
  expect_exact_job(*engine);
  for (const pid_t child : child_processes()) {
    const rlimit none{6, 6};
    ASSERT_EQ(prlimit(child, RLIMIT_NOFILE, &none, nullptr), 0);
  }
  const RowHashJob job(2000, 2, 4);
  const Result result = engine->submit(job.spec(ChunkSize::items(9))).wait();
  job.check_hashes(result.array("hash"));
  EXPECT_GE(result.summary().faults.restarts, 1);
  expect_good_engine(*engine);
}

// The limit does not hold for root, so the child is somebody else.
int run_with_few_processes(rlim_t most, const std::function<void()>& run) {
  constexpr uid_t kNobodyElse = 61'234;
  if (setgroups(0, nullptr) != 0 || setresuid(kNobodyElse, kNobodyElse, kNobodyElse) != 0) {
    std::cerr << "not run: only root can become a user without other processes\n";
    return kSkipped;
  }
  // Files in /proc are root's without.
  prctl(PR_SET_DUMPABLE, 1);
  if (access(test_plugin("gristmill-test-kernels").c_str(), R_OK) != 0) {
    std::cerr << "not run: other users cannot read the build folder\n";
    return kSkipped;
  }
  const ResourceLimit limit(RLIMIT_NPROC, most);
  run();
  return 0;
}

TEST_F(ResourcesTest, Fault35_WithFewProcessesTheEngineHasFewerWorkers) {
  in_child([] {
    // This one, the coordinator's thread, two workers and the one that plans.
    return run_with_few_processes(5, [] {
      const auto engine = engine_of(8);
      EXPECT_EQ(child_processes().size(), 3U);
      for (int i = 0; i < 3; ++i) expect_exact_job(*engine);
    });
  });
}

TEST_F(ResourcesTest, Fault35_WithoutProcessesThereIsNoEngine) {
  for (const rlim_t most : {1, 2, 3}) {
    in_child([&] {
      return run_with_few_processes(
          most, [] { EXPECT_EQ(error_of([] { engine_of(2); }).code(), ErrorCode::kResources); });
    });
    EXPECT_TRUE(child_processes().empty());
  }
}

class SignalStorm {
 public:
  SignalStorm() { start_signal_storm(); }
  ~SignalStorm() { end_signal_storm(); }
  SignalStorm(const SignalStorm&) = delete;
  SignalStorm& operator=(const SignalStorm&) = delete;
};

TEST_F(ResourcesTest, Fault37_SignalsThatInterruptEverythingHaveNoEffect) {
  const auto before = std::signal(SIGALRM, SIG_DFL);
  const auto pipe_before = std::signal(SIGPIPE, SIG_IGN);
  {
    const EnvironmentVariable preload(
        "LD_PRELOAD",
        (std::filesystem::path(GRISTMILL_BIN_DIR) / "gristmill-test-signal-storm.so").string());
    const SignalStorm storm;
    const std::vector<std::int64_t> values(200'000, 7);
    std::ofstream(folder_ / "rows", std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()), 200'000 * 8);
    for (int i = 0; i < 5; ++i) {
      EngineOptions options = options_of(2);
      options.plugins.push_back(test_plugin("gristmill-test-spaces"));
      Engine engine(std::move(options));
      const RowHashJob job(300'000, 2, i);
      job.check(engine.submit(job.spec(ChunkSize::items(900))).wait());
      const SpacesJob emit("emit", "triangle", {100, 100, 16, 16});
      JobSpec spec = emit.spec(ChunkSize::items(2));
      spec.outputs = {{"value", folder_ / "value.npy"}, {"pair", {}}};
      emit.check(engine.submit(spec).wait());
      const Dataset rows = Dataset::open_raw(folder_ / "rows", DType::kInt64, {200'000});
      const auto placed = engine.in_memory(rows).view().as<std::int64_t>();
      EXPECT_TRUE(std::equal(placed.begin(), placed.end(), values.begin(), values.end()));
      expect_good_engine(engine);
    }
  }
  std::signal(SIGPIPE, pipe_before);
  std::signal(SIGALRM, before);
}

// A disk of a megabyte at that folder, which nobody else sees; it goes with this process.
bool mount_small_disk(const std::filesystem::path& folder) {
  const bool mounted = (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
                       mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount("small", folder.c_str(), "tmpfs", 0, "size=1m") == 0;
  if (!mounted) std::cerr << "not run: no file system can be mounted here\n";
  return mounted;
}

void fill_disk(const std::filesystem::path& folder) {
  const int fd = open((folder / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::vector<char> bytes(4096, 'f');
  while (write(fd, bytes.data(), bytes.size()) > 0) {
  }
  close(fd);
}

TEST_F(ResourcesTest, Fault38_AnOutputThatIsLargerThanTheDiskIsRefused) {
  in_child([&] {
    if (!mount_small_disk(folder_.path())) return kSkipped;
    const auto engine = engine_of(2);
    const RowHashJob job(300'000, 1, 3);
    JobSpec spec = job.spec();
    spec.outputs = {{"hash", folder_ / "hash.npy"}, {"value", {}}};
    const Error error = error_of([&] { engine->submit(spec); });
    EXPECT_EQ(error.code(), ErrorCode::kResources);
    EXPECT_THAT(error.message(), testing::HasSubstr("o space left on device"));
    EXPECT_TRUE(entries_of(folder_.path()).empty());
    expect_exact_job(*engine);
    return 0;
  });
}

// What was reserved at the start stays there when others fill the disk.
TEST_F(ResourcesTest, Fault38_ADiskThatIsFilledWhileAMapRunsDoesNotDisturbIt) {
  in_child([&] {
    if (!mount_small_disk(folder_.path())) return kSkipped;
    const auto engine = engine_of(2);
    const RowHashJob job(100'000, 1, 3);
    JobSpec spec = job.spec(ChunkSize::items(5));
    spec.outputs = {{"hash", folder_ / "hash.npy"}, {"value", {}}};
    Job running = engine->submit(spec);
    fill_disk(folder_.path());
    job.check(running.wait());
    return 0;
  });
}

// Either output fits, both do not, and nothing was reserved.
TEST_F(ResourcesTest, Fault38_ADiskThatIsFullWhileAMapRunsFailsIt) {
  in_child([&] {
    if (!mount_small_disk(folder_.path())) return kSkipped;
    const auto engine = engine_of(2);
    const RowHashJob job(55'000, 1, 3);
    JobSpec spec = job.spec(ChunkSize::items(500));
    spec.outputs = {{"hash", folder_ / "hash.npy"}, {"value", folder_ / "value.npy"}};
    refuse_fallocate = true;
    const Result result = engine->submit(spec).wait();
    refuse_fallocate = false;
    expect_failure(result, {"o space left on device"});
    EXPECT_TRUE(entries_of(folder_.path()).empty());
    expect_exact_job(*engine);
    return 0;
  });
}

// How many rows an emit has is known in the middle of it.
TEST_F(ResourcesTest, Fault38_ADiskThatIsFullInTheMiddleOfAnEmitFailsIt) {
  in_child([&] {
    if (!mount_small_disk(folder_.path())) return kSkipped;
    EngineOptions options = options_of(2);
    options.plugins.push_back(test_plugin("gristmill-test-spaces"));
    Engine engine(std::move(options));
    const SpacesJob emit("emit", "range", {20'000});
    JobSpec spec = emit.spec(ChunkSize::items(10));
    spec.outputs = {{"value", folder_ / "value.npy"}, {"pair", folder_ / "pair.npy"}};
    fill_disk(folder_.path());
    const Result result = engine.submit(spec).wait();
    expect_failure(result, {"o space left on device"});
    EXPECT_EQ(result.error()->code(), ErrorCode::kResources);
    EXPECT_THAT(entries_of(folder_.path()), testing::ElementsAre("filler"));
    std::filesystem::remove(folder_ / "filler");
    emit.check(engine.submit(spec).wait());
    return 0;
  });
}

}  // namespace
}  // namespace gristmill::test
