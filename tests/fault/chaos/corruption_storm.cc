#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <stdexcept>

#include "tests/fault/chaos/chaos_jobs.h"
#include "tests/fault/chaos/storm.h"
#include "tests/support/watchdog.h"

namespace gristmill::chaos {
namespace {

using Bound = Figure::Bound;

// A number in a file, to which all workers add.
class SharedCounter {
 public:
  explicit SharedCounter(const std::string& path) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *counter_) != 0) throw std::runtime_error("no counter");
    void* memory = mmap(nullptr, sizeof *counter_, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED) throw std::runtime_error("no counter");
    counter_ = static_cast<const std::atomic<std::uint64_t>*>(memory);
  }
  ~SharedCounter() { munmap(const_cast<std::atomic<std::uint64_t>*>(counter_), sizeof *counter_); }
  SharedCounter(const SharedCounter&) = delete;
  SharedCounter& operator=(const SharedCounter&) = delete;

  std::int64_t value() const { return static_cast<std::int64_t>(counter_->load()); }

 private:
  const std::atomic<std::uint64_t>* counter_;
};

struct Tally {
  std::int64_t jobs = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t hangs = 0;
  std::int64_t violations = 0;
  std::int64_t deaths = 0;
  std::int64_t sound_failed = 0;
};

JobSpec corrupting_spec(std::mt19937_64& random, const std::string& counter,
                        const std::filesystem::path& file) {
  constexpr const char* kKernels[] = {"corrupt_map", "corrupt_count", "corrupt_digest",
                                      "corrupt_emit"};
  JobSpec spec = map_spec({2000, 10, 100'000});
  spec.kernel = kKernels[random() % std::size(kKernels)];
  spec.params.insert({{"seed", static_cast<std::int64_t>(random() >> 1)},
                      {"writes", static_cast<std::int64_t>(1 + random() % 200'000)},
                      {"counter", counter}});
  if (random() % 3 == 0) spec.outputs = {{spec.kernel == "corrupt_count" ? "count" : "", file}};
  if (spec.kernel == "corrupt_digest") spec.outputs.clear();
  spec.faults.on_error = random() % 2 == 0 ? OnError::kSkip : OnError::kStop;
  spec.faults.chunk_timeout = std::chrono::milliseconds(2000);
  return spec;
}

void count_faults(const FaultReport& faults, Tally& tally) {
  tally.deaths += faults.attempt_count;
  for (const FailedAttempt& attempt : faults.attempts) {
    tally.violations += attempt.cause == FaultCause::kViolation ? 1 : 0;
  }
}

void run_one(Engine& engine, const JobSpec& spec, StormReport& report, Tally& tally) {
  constexpr std::chrono::seconds kLimit{40};
  test::Watchdog::restart();
  ++tally.jobs;
  Job job = engine.submit(spec);
  if (!job.wait_for(kLimit)) {
    ++tally.hangs;
    report.note("job " + std::to_string(tally.jobs) + " of " + spec.kernel + " did not end");
    job.cancel();
  }
  const Result result = job.wait();
  ++(result.done() ? tally.done : tally.failed);
  if (result.error()) report.note(result.error()->message());
  count_faults(result.summary().faults, tally);
}

// After all that, a job of workers that do nothing wrong.
void run_sound(Engine& engine, const ChaosJob& sound, StormReport& report, Tally& tally) {
  const Result result = engine.submit(sound.spec).wait();
  if (sound.is_equal(result)) return;
  ++tally.sound_failed;
  report.note("a sound job after job " + std::to_string(tally.jobs) + ": " +
              (result.error() ? result.error()->message() : "other bytes"));
}

}  // namespace

StormReport run_corruption(const StormOptions& options) {
  StormReport report("corruption", options);
  const ChaosJobs sound({500, 10, 20'000});
  const test::TemporaryFolder folder;
  const SharedCounter counter(folder / "counter");
  std::mt19937_64 random(options.seed);
  Tally tally;
  {
    const auto engine = engine_of(3);
    while (counter.value() < options.count) {
      run_one(*engine, corrupting_spec(random, folder / "counter", folder / "output.npy"), report,
              tally);
      run_sound(*engine, sound.at(static_cast<std::size_t>(tally.jobs)), report, tally);
    }
  }
  report.expect("random writes", static_cast<double>(counter.value()), Bound::kAtLeast,
                static_cast<double>(options.count));
  report.add("jobs", static_cast<double>(tally.jobs));
  report.add("done", static_cast<double>(tally.done));
  report.add("failed", static_cast<double>(tally.failed));
  report.add("dead workers", static_cast<double>(tally.deaths));
  report.add("of these killed for a violation", static_cast<double>(tally.violations));
  report.expect("crashes of the coordinator", 0, Bound::kEqual, 0);
  report.expect("jobs that did not end", static_cast<double>(tally.hangs), Bound::kEqual, 0);
  report.expect("sound jobs afterwards that were not equal",
                static_cast<double>(tally.sound_failed), Bound::kEqual, 0);
  return report;
}

}  // namespace gristmill::chaos
