#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/epoll.h"
#include "engine/placed_memory.h"
#include "engine/restart_limiter.h"
#include "engine/segment_pool.h"
#include "engine/worker_launcher.h"
#include "engine/worker_output.h"
#include "engine/worker_pool.h"
#include "ipc/call_claim.h"
#include "ipc/doorbell.h"
#include "ipc/mapping.h"

namespace gristmill::engine {

// Memory that a call's worker maps. writable: as pages of its own.
struct CallArgument {
  PlacedArray place;
  bool writable = false;
  std::shared_ptr<const void> keep;  // until the worker has unmapped it
};

struct CallRequest {
  std::uint64_t id = 0;                // the caller's; not 0
  std::vector<std::byte> data;         // at most ipc::kMaxCallBytes
  std::vector<CallArgument> memories;  // at most ipc::kMaxCallMemories
};

// Of a worker that died in a call.
struct CallDeath {
  std::uint32_t worker = 0;
  pid_t pid = 0;
  WorkerDeath death;
};

struct CallEnd {
  std::uint64_t id = 0;
  bool failed = false;  // the data tell how
  std::vector<std::byte> data;
  std::shared_ptr<const PooledSegment> memory;  // with the result, if the call asked for some
  std::int64_t nanoseconds = 0;
  std::optional<CallDeath> death;  // instead of an answer
};

// Worker processes that run single calls, in the order in which they come. A call whose worker dies
// in it has failed, or is run again; those that this worker had not begun go to others.
// Threads and processes: wait() is for one thread, which starts the workers, must outlive them, and
// destroys this; all else is safe from any thread.
// Cost: a bounded number of calls is taken, so that those that wait stay with the caller.
class CallPool {
 public:
  struct Options {
    int workers = 1;
    int retries = 0;                    // of a call whose worker died in it
    std::int64_t calls_per_worker = 0;  // then it is replaced; 0: any number
    // A worker that has calls and is stopped (SIGSTOP) for longer is killed.
    std::chrono::milliseconds stopped_limit{60'000};
    // The first call of each worker, of id 0; no data: none.
    CallRequest initializer = {};
  };

  CallPool(std::unique_ptr<WorkerLauncher> launcher, Options options, SegmentPool::Limits limits,
           WorkerLines lines);
  ~CallPool();
  CallPool(const CallPool&) = delete;
  CallPool& operator=(const CallPool&) = delete;

  // A place for one more call, to be used by submit() or given back. False: none now; one may be
  // free when wait() returns.
  bool reserve();
  void give_back();
  void submit(CallRequest request);

  // For arguments to be copied into. Errors: kResources.
  std::shared_ptr<const PooledSegment> take_memory(std::int64_t size_bytes);

  // What has ended. Returns none only after wake(), or when a place is free that reserve() had not.
  std::vector<CallEnd> wait();
  void wake();
  // Why no call can be run any more; empty while they can. All that were taken have no end then.
  std::string broken() const;

  // Of the workers that live, as far as they are known.
  std::vector<pid_t> pids() const;
  // No others are started. Calls that they were in end by that, and all others have no end.
  void kill_workers();

 private:
  using Clock = std::chrono::steady_clock;

  struct Queued {
    CallRequest request;
    int deaths = 0;
  };
  // On its way to a worker, which has not read it yet.
  struct Load {
    std::size_t bytes = 0;  // of its queue
    std::size_t messages = 0;
    std::size_t descriptors = 0;  // with the messages

    Load& operator+=(const Load& other);
    Load& operator-=(const Load& other);
  };
  struct Given {
    Queued call;
    std::uint64_t number = 0;      // of this worker's calls
    std::uint64_t uses_begin = 0;  // of memory: [begin, end)
    std::uint64_t uses_end = 0;
    Load load = {};
  };
  struct Slot {
    std::optional<ipc::WritableMapping> claim_memory = {};
    std::deque<Given> calls = {};  // the first one is being run
    std::uint64_t last_number = 0;
    std::uint64_t resumed_at = 0;
    Load load = {};  // also of calls that were taken back
    std::int64_t returned = 0;
    bool ready = false;  // the initializer is done
    pid_t pid = 0;
    Clock::time_point progress_at{};
    std::optional<Clock::time_point> stopped_since = {};
    std::map<std::uint64_t, std::shared_ptr<const void>> uses = {};  // of memory that it has mapped
    std::shared_ptr<const PooledSegment> result = {};  // given for the call that is being run
  };
  // Of a slot, whichever worker is in it.
  struct Place {
    bool given_up = false;
    Clock::time_point start_at{};
    double seconds_per_call = 1;
  };

  static ipc::CallClaim& claim(const Slot& slot);
  std::size_t window(std::uint32_t slot) const;
  std::size_t taken() const;
  bool has_room() const;
  void start_missing_workers();
  void start(std::uint32_t slot);
  void look();
  void hand_out();
  std::optional<std::uint32_t> slot_for(const CallRequest& request) const;
  bool takes_more(std::uint32_t slot, const Load& load) const;
  static Load load_of(const CallRequest& request);
  bool give(std::uint32_t slot, Queued& call);
  bool send_memories(std::uint32_t slot, std::uint64_t number, const CallRequest& request);
  void on_report(std::uint32_t slot, ipc::Report& report);
  void on_return(std::uint32_t slot, ipc::Returned& returned);
  void on_need(std::uint32_t slot, const ipc::NeedMemory& need);
  void on_event(WorkerEvent& event);
  Slot on_death(std::uint32_t slot, const WorkerDeath& death);
  void retire_worn_workers();
  void watch_stopped(Clock::time_point now);
  void balance(Clock::time_point now);
  void take_back(std::uint32_t slot);
  void requeue(std::deque<Given>& calls);
  void keep_house();
  std::optional<std::chrono::milliseconds> wait_limit(Clock::time_point now) const;

  const std::unique_ptr<WorkerLauncher> launcher_;
  const Options options_;
  const WorkerLines lines_;
  const std::shared_ptr<SegmentPool> segments_;
  const ipc::Doorbell bell_ = ipc::Doorbell::create();
  Epoll epoll_;

  mutable std::mutex mutex_;  // all below
  std::unique_ptr<WorkerPool> pool_;
  std::vector<Slot> slots_;
  std::vector<Place> places_;
  // Of workers that were killed and do not end: what they may still write.
  std::map<std::uint64_t, Slot> lost_;
  RestartLimiter limiter_;
  std::deque<Queued> queue_;
  std::vector<CallEnd> ends_;
  std::size_t reserved_ = 0;
  bool wanted_room_ = false;  // reserve() had none
  bool woken_ = false;
  bool more_ = false;  // workers have said more than was looked at
  bool killed_ = false;
  bool used_ = false;  // workers start with the first call
  Clock::time_point next_housekeeping_{};
  Clock::time_point next_watch_{};
  std::uint64_t last_use_ = 0;
  std::string broken_;
};

}  // namespace gristmill::engine
