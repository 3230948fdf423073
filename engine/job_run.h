#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gristmill/error.h>
#include <gristmill/result.h>

#include "engine/job_control.h"
#include "engine/job_state.h"
#include "engine/order_book.h"
#include "engine/segment_pool.h"
#include "engine/worker_pool.h"
#include "ipc/control_segment.h"
#include "ipc/messages.h"

namespace gristmill::engine {

// One job on the workers of a pool, from the first order until no live worker can write its
// outputs: the coordinator's side of the claim protocol (docs/protocol.md). Nothing here blocks.
// Threads and processes: the coordinator's thread.
class JobRun {
 public:
  using Clock = std::chrono::steady_clock;

  // number: never used before in this engine. Lifetime: both pools outlive it.
  JobRun(WorkerPool& pool, SegmentPool& segments, std::shared_ptr<JobState> state,
         std::uint32_t number);

  // Opens the job on as many workers as have a chunk each, and sends them their partitions.
  void start();
  void on_event(const WorkerEvent& event);
  // After every wake-up, when all events were handed over.
  void on_turn(Clock::time_point now);

  bool ended() const { return phase_ == Phase::kEnded; }
  // When on_turn wants to be called at the latest.
  std::optional<Clock::time_point> deadline() const { return deadline_; }

 private:
  enum class Phase { kRunning, kClosing, kEnded };

  static constexpr std::size_t kMostCounters = 64;
  static constexpr std::size_t kMostLogLines = 1000;
  static constexpr const char* kUnasked = "it answered what it was not asked";

  std::uint32_t start_workers();
  void begin_round();
  bool begin_next_round();
  bool open(std::uint32_t slot);
  void order(std::uint32_t slot);
  ipc::Placement place(std::uint32_t slot, const PlacedArray& array, std::vector<int>& fds);
  void on_report(std::uint32_t slot, const ipc::Idle& report);
  void on_report(std::uint32_t slot, const ipc::JobFailed& report);
  void on_report(std::uint32_t slot, const ipc::JobClosed& report);
  void on_report(std::uint32_t slot, const ipc::LogLine& report);
  // Any other report is an answer that nobody asked for.
  template <class Unexpected>
  void on_report(std::uint32_t slot, const Unexpected&) {
    pool_.reject(slot, kUnasked);
  }
  void add_counter(const ipc::Counter& counter);
  void on_death(std::uint32_t slot, const WorkerDeath& death);
  Error death_error(std::uint32_t slot, const WorkerDeath& death, std::uint64_t stamp) const;
  std::string chunk_in_words(std::uint32_t chunk) const;
  // A merge, or the copying of a chunk's rows into files.
  bool is_follow_up(std::uint32_t chunk) const { return chunk >= job_.chunks.chunks; }

  void stop();
  void fail(Error error);
  void close();
  void end();
  std::optional<Error> check_ledger() const;
  std::optional<Error> check_inputs() const;
  void finish_rows();
  void publish_outputs();
  JobSummary summary() const;

  WorkerPool& pool_;
  SegmentPool& segments_;
  std::shared_ptr<JobState> state_;
  PlannedJob& job_;
  std::uint32_t number_;
  Phase phase_ = Phase::kRunning;
  // What can be worked on at the same time: the chunks, then each level of the merges, or the
  // copying of rows into files.
  std::vector<ipc::ChunkRange> rounds_;
  std::size_t round_ = 0;
  std::uint32_t slots_ = 0;            // workers taking part: slots 0 to slots_
  std::optional<JobControl> control_;  // none until there are workers
  OrderBook orders_;
  std::vector<bool> closing_;  // by slot: owes a JobClosed
  bool stopping_ = false;
  bool cancelled_ = false;
  std::optional<Error> failure_;
  std::optional<Clock::time_point> deadline_;
  Clock::time_point first_order_;
  Clock::time_point quiet_since_;
  std::int64_t faulted_bytes_ = 0;
  std::int64_t huge_bytes_ = 0;
  std::map<std::string, std::int64_t> counters_;
  std::vector<LogLine> log_;
};

}  // namespace gristmill::engine
