#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gristmill/error.h>
#include <gristmill/result.h>

#include "engine/bisection.h"
#include "engine/chunk_faults.h"
#include "engine/hang_watch.h"
#include "engine/job_control.h"
#include "engine/job_costs.h"
#include "engine/job_state.h"
#include "engine/order_book.h"
#include "engine/plugin_stamp.h"
#include "engine/restart_limiter.h"
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
  std::optional<Clock::time_point> deadline() const;

 private:
  enum class Phase { kRunning, kClosing, kEnded };

  // Why this job had a worker killed; the chunk is blamed if its stamp was still this one.
  struct Kill {
    FaultCause cause;
    std::uint64_t target = 0;  // 0: nobody is blamed
  };

  struct Slot {
    bool open = false;     // its worker has the job open, and may be given orders
    bool closing = false;  // owes a JobClosed
    std::uint32_t life = 0;
    std::uint32_t abandoned = 0;   // accumulators of an exact merge, in this life
    std::int64_t done_before = 0;  // as counted when its worker was started
    bool failed = false;           // a chunk in it, which its worker survived
    ipc::Order order;              // the last one
    std::optional<Kill> kill;
    bool leaves = false;                          // killed in order to be replaced
    std::optional<Clock::time_point> restart_at;  // vacant until then
  };

  // A worker that was killed and did not end, and the chunk that it may still write.
  struct Lost {
    std::uint32_t slot;
    pid_t pid;
    Slot place;  // as it was
    std::uint64_t stamp;
    std::uint32_t chunk;
    std::optional<WorkerDeath> death = {};  // when it has ended after all
  };

  static constexpr const char* kUnasked = "it answered what it was not asked";

  // job_run.cc: rounds, reports, the end.
  void begin_round();
  bool begin_next_round();
  void give_orders();
  void open(std::uint32_t slot);
  void order(std::uint32_t slot, ipc::Order order = {});
  std::vector<std::uint32_t> ready_slots() const;
  void on_report(std::uint32_t slot, const ipc::Idle& report);
  void on_report(std::uint32_t slot, const ipc::JobFailed& report);
  void on_report(std::uint32_t slot, const ipc::JobClosed& report);
  void on_report(std::uint32_t slot, const ipc::LogLine& report);
  // Any other report is an answer that nobody asked for.
  template <class Unexpected>
  void on_report(std::uint32_t slot, const Unexpected&) {
    pool_.reject(slot, kUnasked);
  }
  void stop();
  void fail(Error error);
  void close();
  void end();
  std::optional<Error> check_ledger() const;
  std::optional<Error> check_inputs() const;
  std::optional<Error> check_space() const;
  void finish_rows();
  void publish_outputs();
  JobSummary summary() const;
  void count_by_ledger(JobSummary& facts) const;

  // job_losses.cc: workers that do not end when they are killed.
  void on_lost(std::uint32_t slot, const LostWorker& lost);
  void on_lost_death(const LostWorkerDeath& ended);
  std::optional<std::uint32_t> held_chunk(std::uint32_t slot) const;
  std::vector<std::shared_ptr<const void>> mapped_memory() const;
  bool shares_slot_memory() const;
  bool may_replace(std::uint32_t slot) const;
  void settle_ended_losses();
  void settle(const Lost& lost);
  bool has_held_chunk() const;
  void wait_for_lost();

  // job_mending.cc: workers that die or hang, chunks that fail.
  void on_death(std::uint32_t slot, const WorkerDeath& death);
  std::uint64_t bury(std::uint32_t slot, const Slot& dead);
  bool settle_death(std::uint32_t slot, const Slot& dead, std::uint64_t stamp,
                    const WorkerDeath& death);
  bool was_done(std::uint64_t stamp) const;
  static FaultCause cause_of(const WorkerDeath& death, const std::optional<Kill>& kill);
  std::optional<std::uint32_t> blamed_chunk(const WorkerDeath& death, std::uint64_t stamp,
                                            const Slot& slot) const;
  void on_chunk_failure(std::uint32_t chunk, FailedAttempt attempt);
  void on_probe_failure(const Bisection::Probe& probe, FailedAttempt attempt);
  void give_up(std::uint32_t chunk, const FailedAttempt& attempt);
  FailedAttempt attempt_of(std::uint32_t slot, const WorkerDeath& death, FaultCause cause) const;
  void record(const FailedAttempt& attempt);
  void lose_accumulator(std::uint32_t slot);
  void replace(std::uint32_t slot, bool came_to_nothing, bool killed);
  void start_due_workers(Clock::time_point now);
  bool start_worker_in(std::uint32_t slot);
  void kill(std::uint32_t slot, FaultCause cause, std::uint64_t target);
  void replace_by_a_new_one(std::uint32_t slot);
  void run_suspect_apart();
  bool give_probes();
  bool give_fills();
  void prepare_fills();
  void watch(Clock::time_point now);
  bool watch_slot(std::uint32_t slot, Clock::time_point now);
  bool has_worker_to_come() const;

  WorkerPool& pool_;
  SegmentPool& segments_;
  std::shared_ptr<JobState> state_;
  PlannedJob& job_;
  const PluginStamp plugin_;
  std::uint32_t number_;
  Phase phase_ = Phase::kRunning;
  // What can be worked on at the same time: the chunks, then each level of the merges, or the
  // copying of rows into files.
  std::vector<ipc::ChunkRange> rounds_;
  std::size_t round_ = 0;
  std::uint32_t slot_count_ = 0;  // workers taking part: slots 0 to slot_count_
  std::vector<Slot> slots_;
  std::optional<JobControl> control_;  // none until there are workers
  OrderBook orders_;
  bool stopping_ = false;
  bool cancelled_ = false;
  bool complete_ = false;
  std::optional<Error> failure_;
  std::optional<Clock::time_point> deadline_;
  Clock::time_point first_order_;
  Clock::time_point quiet_since_;
  JobCosts costs_;

  // Counters and partitions may be wrong since a worker died or a chunk failed; the ledger is not.
  bool disturbed_ = false;
  bool disturbed_in_round_ = false;
  std::uint32_t lives_ = 0;
  RestartLimiter restarts_;
  HangWatch hangs_;
  ChunkFaults chunk_faults_;
  FaultReport report_;
  std::deque<std::uint32_t> suspects_;            // for the next fresh workers
  std::deque<std::uint32_t> apart_;               // suspects that run while nobody else does
  std::map<std::uint32_t, std::string> refused_;  // by the kernel; given up in the next quiet state
  std::set<std::uint64_t> lost_accumulators_;     // of an exact merge
  std::map<std::uint32_t, std::string> given_up_;  // chunks, and why
  Bisection bisection_;
  bool probing_ = false;
  bool bisected_ = false;
  std::optional<std::deque<ipc::Order>> fills_;  // none: not known yet
  std::optional<Error> last_start_error_;
  std::map<std::uint64_t, Lost> lost_;  // by the pool's number
  std::vector<int> losses_;             // of each slot, in processes that have not ended
  std::optional<Clock::time_point> waiting_since_;  // for lost workers alone
  Clock::time_point next_watch_{};
  Clock::time_point last_watch_{};
};

}  // namespace gristmill::engine
