#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gristmill/array.h>
#include <gristmill/dataset.h>
#include <gristmill/faults.h>
#include <gristmill/kernel_info.h>

namespace gristmill {

class Result;
class JobState;  // engine/job_state.h

// A kernel parameter's value. A string is read as the kernel's declared type ("3", "true",
// "1,2,5").
using ParamValue = std::variant<bool, std::int64_t, double, std::string, std::vector<double>>;

// How large a chunk is. Chunk boundaries depend on the job alone.
class ChunkSize {
 public:
  enum class Unit { kAuto, kItems, kBytes };

  ChunkSize() = default;  // automatic
  static ChunkSize items(std::int64_t count) { return ChunkSize(Unit::kItems, count); }
  // As many items as fit, at least one; bytes per item as the kernel's plan has them.
  static ChunkSize bytes(std::int64_t count) { return ChunkSize(Unit::kBytes, count); }
  // "auto", a count of items ("500"), or a size ("64KiB", "1MiB").
  // Errors: kInvalid for anything else, zero and negative numbers included.
  static ChunkSize parse(std::string_view text);

  Unit unit() const { return unit_; }
  std::int64_t count() const { return count_; }

 private:
  ChunkSize(Unit unit, std::int64_t count) : unit_(unit), count_(count) {}

  Unit unit_ = Unit::kAuto;
  std::int64_t count_ = 0;
};

struct Input {
  std::string name;  // empty: the kernel's only required input
  Dataset data;
};

struct Output {
  std::string name;  // empty: the kernel's only output
  std::filesystem::path
      path;  // a .npy file, written in place and renamed at the end; empty: memory
};

// What to run. Without outputs, every output of the kernel is computed and kept in memory.
struct JobSpec {
  std::string kernel;
  std::vector<Input> inputs = {};
  std::map<std::string, ParamValue> params = {};
  std::vector<Output> outputs = {};
  ChunkSize chunk_size = {};
  bool replace_existing = true;  // false: an existing output file is refused
  FaultPolicy faults = {};
};

// What a job would do, and why. No data was read for it.
struct JobPlan {
  struct OutputPlan {
    std::string name;
    DType dtype;
    Shape shape;
    std::int64_t size_bytes;
    std::filesystem::path path;  // empty: memory
  };

  std::string kernel;
  Pattern pattern = Pattern::kMap;
  std::string plugin;           // the file that the kernel comes from
  std::string instruction_set;  // the kernel's code path on this machine, e.g. "x86-64-v4"
  std::string index_space;      // "rows of \"points\"", "range"
  std::int64_t items = 0;
  std::int64_t bytes_per_item = 0;
  std::int64_t chunk_items = 0;
  std::int64_t chunks = 0;
  std::string chunk_rule;           // the rule that chose chunk_items, in words
  int workers = 0;                  // that would take part
  std::int64_t mapped_bytes = 0;    // inputs
  std::int64_t reserved_bytes = 0;  // outputs
  // Of a reduce: results of chunks, which are merged in a fixed tree, up to merged_at_once into
  // one.
  std::int64_t partials = 0;  // one per chunk; in an exact merge one per worker
  std::int64_t accumulator_bytes = 0;
  std::int64_t merged_at_once = 0;
  std::int64_t partial_bytes = 0;  // of all of them and their merges
  std::vector<OutputPlan> outputs;
};

struct Progress {
  std::int64_t items_done = 0;
  std::int64_t items_total = 0;  // 0 until the job is planned
  std::chrono::duration<double> elapsed{};
  int workers_running = 0;
  int workers_stopped =
      0;  // of these: stopped, or in an uninterruptible sleep, for a second or more
  bool finished = false;
};

// A submitted job.
// Owns: a share of the job; the job goes on when every Job is dropped, and ends with its Engine.
// Threads and processes: safe to use from any thread.
class Job {
 public:
  explicit Job(std::shared_ptr<JobState> state) : state_(std::move(state)) {}

  // Blocks until the job has ended and no worker can write its outputs any more.
  Result wait();
  // The same with a limit; true if the job has ended.
  bool wait_for(std::chrono::milliseconds limit);
  Progress progress() const;
  // Asks the job to end. Workers stop at the next chunk; after one second those still in a chunk
  // are killed. Returns at once; wait() tells when it is over.
  void cancel();

 private:
  std::shared_ptr<JobState> state_;
};

}  // namespace gristmill
