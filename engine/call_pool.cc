#include "engine/call_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <csignal>
#include <iterator>
#include <utility>

#include "engine/process_state.h"
#include "ipc/segment.h"

namespace gristmill::engine {
namespace {

// So much work is given to a worker in advance: what it does while this process is busy otherwise.
constexpr double kSecondsInAdvance = 0.004;
constexpr std::size_t kLeastCalls = 2;  // one to run and one to go on with
constexpr std::size_t kMostCalls = 512;
// Of a worker's queue, so that what is sent fits.
constexpr std::size_t kMostQueueBytes = ipc::kRingBytes / 2;
constexpr std::size_t kFrameBytes = 64;  // of a call, without its data
// As many messages with descriptors does a socket hold without being read.
constexpr std::size_t kMostCallsWithMemory = 16;
// On their way to all workers: the system allows a user as many as a process may have open.
constexpr std::size_t kMostDescriptors = 256;
// What a worker has in a long call behind it, others may take.
constexpr std::chrono::milliseconds kLongCall{20};
constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::milliseconds kHousekeeping{1000};
constexpr std::uint64_t kInitializer = 0;

double next_mean(double mean, double seconds) { return mean + 0.2 * (seconds - mean); }

}  // namespace

CallPool::Load& CallPool::Load::operator+=(const Load& other) {
  bytes += other.bytes;
  messages += other.messages;
  descriptors += other.descriptors;
  return *this;
}

CallPool::Load& CallPool::Load::operator-=(const Load& other) {
  bytes -= other.bytes;
  messages -= other.messages;
  descriptors -= other.descriptors;
  return *this;
}

CallPool::CallPool(std::unique_ptr<WorkerLauncher> launcher, Options options,
                   SegmentPool::Limits limits, WorkerLines lines)
    : launcher_(std::move(launcher)),
      options_(std::move(options)),
      lines_(std::move(lines)),
      segments_(std::make_shared<SegmentPool>(limits)),
      pool_(std::make_unique<WorkerPool>(*launcher_, epoll_,
                                         static_cast<std::uint32_t>(options_.workers), lines_)),
      slots_(static_cast<std::size_t>(options_.workers)),
      places_(static_cast<std::size_t>(options_.workers)),
      limiter_(static_cast<std::uint32_t>(options_.workers)) {
  epoll_.add(bell_.fd());
}

CallPool::~CallPool() = default;

bool CallPool::reserve() {
  const std::lock_guard lock(mutex_);
  if (!has_room() && used_) {
    look();
    // The thread that waits may have been told already, and found nothing.
    if (more_ || !ends_.empty()) bell_.ring();
  }
  if (!has_room()) {
    wanted_room_ = true;
    return false;
  }
  ++reserved_;
  return true;
}

void CallPool::give_back() {
  const std::lock_guard lock(mutex_);
  --reserved_;
  if (wanted_room_) bell_.ring();
}

void CallPool::submit(CallRequest request) {
  assert(request.data.size() <= ipc::kMaxCallBytes);
  assert(request.memories.size() <= ipc::kMaxCallMemories);
  const std::lock_guard lock(mutex_);
  --reserved_;
  if (!broken_.empty()) return;
  queue_.push_back({std::move(request)});
  if (used_) return hand_out();
  used_ = true;  // the thread that waits starts the workers
  bell_.ring();
}

std::shared_ptr<const PooledSegment> CallPool::take_memory(std::int64_t size_bytes) {
  const std::int64_t sizes[] = {size_bytes};
  return segments_->take_all(sizes, "the arguments of a call").front();
}

std::vector<CallEnd> CallPool::wait() {
  for (;;) {
    bell_.answer();
    std::optional<std::chrono::milliseconds> limit;
    {
      const std::lock_guard lock(mutex_);
      if (used_ && broken_.empty()) {
        start_missing_workers();
        look();
        balance(Clock::now());
        hand_out();
        retire_worn_workers();
        watch_stopped(Clock::now());
      }
      const bool found_room = wanted_room_ && has_room();
      if (std::exchange(woken_, false) || !ends_.empty() || found_room || !broken_.empty()) {
        wanted_room_ = false;
        return std::exchange(ends_, {});
      }
      limit = more_ ? std::chrono::milliseconds(0) : wait_limit(Clock::now());
    }
    epoll_.wait(limit);
    keep_house();
  }
}

void CallPool::keep_house() {
  const auto now = Clock::now();
  if (now < next_housekeeping_) return;
  next_housekeeping_ = now + kHousekeeping;
  segments_->keep_house(now, "/");
}

void CallPool::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  bell_.ring();
}

std::string CallPool::broken() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

std::vector<pid_t> CallPool::pids() const {
  const std::lock_guard lock(mutex_);
  std::vector<pid_t> pids;
  for (std::uint32_t slot = 0; slot < pool_->size(); ++slot) {
    if (pool_->live(slot) && pool_->pid(slot) != 0) pids.push_back(pool_->pid(slot));
  }
  return pids;
}

void CallPool::kill_workers() {
  const std::lock_guard lock(mutex_);
  killed_ = true;
  for (std::uint32_t slot = 0; slot < pool_->size(); ++slot) pool_->kill(slot);
  bell_.ring();
}

ipc::CallClaim& CallPool::claim(const Slot& slot) {
  return *reinterpret_cast<ipc::CallClaim*>(slot.claim_memory->data());
}

std::size_t CallPool::window(std::uint32_t slot) const {
  const double calls = kSecondsInAdvance / places_[slot].seconds_per_call;
  return std::clamp(static_cast<std::size_t>(std::min(calls, double{kMostCalls})), kLeastCalls,
                    kMostCalls);
}

std::size_t CallPool::taken() const {
  std::size_t calls = reserved_ + queue_.size();
  for (const Slot& slot : slots_) calls += slot.calls.size();
  return calls;
}

bool CallPool::has_room() const {
  std::size_t room = 0;
  for (std::uint32_t slot = 0; slot < pool_->size(); ++slot) room += window(slot);
  return taken() < room;
}

void CallPool::start_missing_workers() {
  const auto now = Clock::now();
  bool possible = false;
  std::string why;
  if (killed_) why = "its workers were killed";
  for (std::uint32_t slot = 0; slot < pool_->size(); ++slot) {
    Place& place = places_[slot];
    if (killed_ && !pool_->live(slot)) place.given_up = true;
    if (!pool_->live(slot) && !place.given_up && place.start_at <= now) {
      try {
        start(slot);
      } catch (const Error& error) {
        why = error.what();
        const auto next = limiter_.after_nothing(slot, /*killed=*/false, now);
        place.given_up = !next;
        if (next) place.start_at = *next;
      }
    }
    possible |= !place.given_up;
  }
  if (possible) return;
  if (why.empty()) why = "its workers died again and again before they had done anything";
  broken_ = why;
}

void CallPool::start(std::uint32_t slot) {
  const ipc::Segment memory = ipc::Segment::create(sizeof(ipc::CallClaim));
  Slot fresh;
  fresh.claim_memory.emplace(memory.fd(), 0, memory.size_bytes());
  pool_->start(slot);
  slots_[slot] = std::move(fresh);
  if (!pool_->send(slot, ipc::OpenCalls{}, {memory.fd()})) return;
  slots_[slot].ready = options_.initializer.data.empty();
  if (slots_[slot].ready) return;
  Queued initializer{options_.initializer};
  give(slot, initializer);
}

// A bounded part of what workers have said, and who died: one that never stops talking holds nobody
// up.
void CallPool::look() {
  for (std::uint32_t slot = 0; slot < pool_->size(); ++slot) {
    if (pool_->live(slot)) slots_[slot].pid = pool_->pid(slot);
  }
  for (WorkerEvent& event : pool_->collect(more_)) on_event(event);
}

void CallPool::on_event(WorkerEvent& event) {
  if (auto* report = std::get_if<ipc::Report>(&event.what)) {
    on_report(event.slot, *report);
  } else if (const auto* death = std::get_if<WorkerDeath>(&event.what)) {
    on_death(event.slot, *death);
  } else if (const auto* lost = std::get_if<LostWorker>(&event.what)) {
    lost_.emplace(lost->id, on_death(event.slot, lost->presumed));
  } else {
    lost_.erase(std::get<LostWorkerDeath>(event.what).id);
  }
}

void CallPool::hand_out() {
  while (!queue_.empty()) {
    const std::optional<std::uint32_t> slot = slot_for(queue_.front().request);
    if (!slot) return;
    Queued call = std::move(queue_.front());
    queue_.pop_front();
    if (!give(*slot, call)) queue_.push_front(std::move(call));
  }
}

// The one with the fewest calls.
std::optional<std::uint32_t> CallPool::slot_for(const CallRequest& request) const {
  std::optional<std::uint32_t> best;
  for (std::uint32_t i = 0; i < pool_->size(); ++i) {
    const Slot& slot = slots_[i];
    if (!pool_->live(i) || !slot.ready || slot.calls.size() >= window(i)) continue;
    if (!slot.calls.empty() && !takes_more(i, load_of(request))) continue;
    const auto given = slot.returned + static_cast<std::int64_t>(slot.calls.size());
    if (options_.calls_per_worker > 0 && given >= options_.calls_per_worker) continue;
    if (!best || slot.calls.size() < slots_[*best].calls.size()) best = i;
  }
  return best;
}

// Behind a call that may be long. One without calls takes any: what it has not read was taken back,
// and leaves room for one.
bool CallPool::takes_more(std::uint32_t index, const Load& load) const {
  const Slot& slot = slots_[index];
  // It could not be taken back.
  if (claim(slot).closed()) return false;
  if (slot.load.bytes + load.bytes > kMostQueueBytes) return false;
  if (load.descriptors == 0) return true;
  std::size_t descriptors = load.descriptors;
  for (const Slot& other : slots_) descriptors += other.load.descriptors;
  return slot.load.messages < kMostCallsWithMemory && descriptors <= kMostDescriptors;
}

CallPool::Load CallPool::load_of(const CallRequest& request) {
  const std::size_t descriptors = request.memories.size();
  return {request.data.size() + kFrameBytes, descriptors == 0 ? 0U : 1U, descriptors};
}

// False: the worker takes nothing; its death will be seen.
bool CallPool::give(std::uint32_t index, Queued& call) {
  Slot& slot = slots_[index];
  const std::uint64_t number = slot.last_number + 1;
  const bool has_memory = !call.request.memories.empty();
  const std::uint64_t uses_begin = last_use_ + 1;
  if (has_memory && !send_memories(index, number, call.request)) {
    slot.ready = false;
    return false;
  }
  // Copied: a worker that dies has not begun it, perhaps.
  if (!pool_->send(index, ipc::Call{number, has_memory, call.request.data})) {
    slot.ready = false;
    return false;
  }
  slot.last_number = number;
  if (slot.calls.empty()) slot.progress_at = Clock::now();
  const Load load = load_of(call.request);
  slot.load += load;
  slot.calls.push_back({std::move(call), number, uses_begin, last_use_ + 1, load});
  return true;
}

bool CallPool::send_memories(std::uint32_t index, std::uint64_t number,
                             const CallRequest& request) {
  Slot& slot = slots_[index];
  ipc::CallMemory message{number, {}, {}};
  std::vector<int> fds;
  for (const CallArgument& argument : request.memories) {
    const PlacedArray& place = argument.place;
    const std::uint64_t use = ++last_use_;
    slot.uses.emplace(use, argument.keep);
    message.placements.push_back({static_cast<std::uint32_t>(fds.size()), use, place.range_offset,
                                  place.range_bytes, 0, place.sealed});
    message.writable.push_back(argument.writable);
    fds.push_back(place.fd);
  }
  return pool_->send(index, message, fds);
}

void CallPool::on_report(std::uint32_t slot, ipc::Report& report) {
  if (auto* returned = std::get_if<ipc::Returned>(&report)) return on_return(slot, *returned);
  if (const auto* need = std::get_if<ipc::NeedMemory>(&report)) return on_need(slot, *need);
  pool_->reject(slot, "it reported what nobody had asked for");
}

void CallPool::on_return(std::uint32_t index, ipc::Returned& returned) {
  Slot& slot = slots_[index];
  if (slot.calls.empty() || returned.call != slot.calls.front().number ||
      (returned.uses_memory && !slot.result)) {
    return pool_->reject(index, "it answered a call that it was not in");
  }
  for (const std::uint64_t use : returned.released) {
    if (slot.uses.erase(use) == 0) {
      return pool_->reject(index, "it gave memory back that it did not have");
    }
  }
  const Given given = std::move(slot.calls.front());
  slot.calls.pop_front();
  slot.progress_at = Clock::now();
  ++slot.returned;
  slot.load -= given.load;
  if (slot.resumed_at != 0 && !claim(slot).closed()) {
    // It has read all that was taken back.
    slot.load = {};
    for (const Given& call : slot.calls) slot.load += call.load;
    slot.resumed_at = 0;
  }
  std::shared_ptr<const PooledSegment> memory = std::exchange(slot.result, nullptr);
  if (!returned.uses_memory) memory.reset();
  if (given.call.request.id == kInitializer) {
    slot.returned = 0;
    slot.ready = true;
    if (!returned.failed) return;
    broken_ = "the initializer failed";
  } else {
    double& mean = places_[index].seconds_per_call;
    mean = next_mean(mean, std::max(1e-9, static_cast<double>(returned.nanoseconds) * 1e-9));
  }
  ends_.push_back({given.call.request.id, returned.failed, std::move(returned.data),
                   std::move(memory), returned.nanoseconds, std::nullopt});
}

void CallPool::on_need(std::uint32_t index, const ipc::NeedMemory& need) {
  Slot& slot = slots_[index];
  if (slot.calls.empty() || need.call != slot.calls.front().number || slot.result ||
      need.size_bytes <= 0) {
    return pool_->reject(index, "it asked for memory outside of a call");
  }
  if (!pool_->live(index)) return;  // it died after it had asked
  ipc::CallMemory answer{need.call, {}, {}};
  std::vector<int> fds;
  try {
    const std::int64_t sizes[] = {need.size_bytes};
    slot.result = segments_->take_all(sizes, "the result of a call").front();
    answer.placements.push_back({0, 0, 0, slot.result->size_bytes(), 0, false});
    answer.writable.push_back(true);
    fds.push_back(slot.result->fd());
  } catch (const Error&) {
    // The worker says so, in the call's words.
  }
  if (!pool_->send(index, answer, fds)) slot.ready = false;
}

// The first of its calls has no answer. It is to blame if the worker had claimed it; the others it
// cannot have begun. Of a claim that says anything else than that nothing was begun, so is it, too.
// Returns what is left of the worker.
CallPool::Slot CallPool::on_death(std::uint32_t index, const WorkerDeath& death) {
  Slot dead = std::exchange(slots_[index], Slot{});
  Place& place = places_[index];
  const auto now = Clock::now();
  const std::uint64_t begun = claim(dead).begun();
  bool in_call = false;
  if (!dead.calls.empty()) {
    const std::uint64_t first = dead.calls.front().number;
    in_call = begun + 1 != first && (dead.resumed_at == 0 || begun >= first);
  }
  if (in_call) {
    Queued call = std::move(dead.calls.front().call);
    dead.calls.pop_front();
    if (call.request.id != kInitializer && call.deaths++ < options_.retries) {
      queue_.push_front(std::move(call));
    } else {
      if (call.request.id == kInitializer) broken_ = "a worker died in the initializer";
      ends_.push_back({call.request.id,
                       true,
                       {},
                       nullptr,
                       0,
                       CallDeath{static_cast<std::uint32_t>(index), dead.pid, death}});
    }
  }
  std::erase_if(dead.calls, [](const Given& call) { return call.call.request.id == kInitializer; });
  requeue(dead.calls);
  place.start_at = now;
  bell_.ring();  // for the thread that starts workers: this one may be another
  if (in_call || dead.returned > 0) return dead;
  const bool killed = death.exit.signal == SIGKILL && !death.own_kill;
  const auto next = limiter_.after_nothing(index, killed, now);
  place.given_up = !next;
  if (next) place.start_at = *next;
  return dead;
}

void CallPool::retire_worn_workers() {
  if (options_.calls_per_worker == 0) return;
  for (std::uint32_t index = 0; index < pool_->size(); ++index) {
    Slot& slot = slots_[index];
    if (!pool_->live(index) || !slot.calls.empty() || slot.returned < options_.calls_per_worker) {
      continue;
    }
    pool_->drop(index);
    slot = Slot{};
    bell_.ring();  // to start the next one
  }
}

void CallPool::watch_stopped(Clock::time_point now) {
  if (now < next_watch_) return;
  next_watch_ = now + kTick;
  for (std::uint32_t index = 0; index < pool_->size(); ++index) {
    Slot& slot = slots_[index];
    if (!pool_->live(index) || slot.calls.empty() || now - slot.progress_at < kTick ||
        state_of_process(slot.pid) != ProcessState::kStopped) {
      slot.stopped_since.reset();
      continue;
    }
    if (!slot.stopped_since) slot.stopped_since = now;
    if (now - *slot.stopped_since < options_.stopped_limit) continue;
    const std::chrono::duration<double> limit = options_.stopped_limit;
    pool_->reject(index, fmt::format("it was stopped for more than {:.3g} s", limit.count()));
  }
}

// Calls that wait behind a long one go to a worker that has none.
void CallPool::balance(Clock::time_point now) {
  const auto idle = [this](const Slot& slot) { return slot.ready && slot.calls.empty(); };
  if (!queue_.empty() || std::none_of(slots_.begin(), slots_.end(), idle)) return;
  for (std::uint32_t index = 0; index < pool_->size(); ++index) {
    const Slot& slot = slots_[index];
    if (!pool_->live(index) || !slot.ready || slot.calls.size() < 2) continue;
    // It has not read yet what was taken back last time: a second word would be taken for the
    // first.
    if (claim(slot).closed()) continue;
    if (now - slot.progress_at >= kLongCall) take_back(index);
  }
}

void CallPool::take_back(std::uint32_t index) {
  Slot& slot = slots_[index];
  const std::uint64_t begun = claim(slot).take_back();
  const std::uint64_t first = slot.calls.front().number;
  // The answer to the first one may be on its way, and the next one begun.
  if (begun + 1 < first || begun > slot.last_number) {
    return pool_->reject(index, "it claimed a call that it was not given");
  }
  std::deque<Given> rest;
  while (!slot.calls.empty() && slot.calls.back().number > begun) {
    // It will never map their memory.
    slot.uses.erase(slot.uses.lower_bound(slot.calls.back().uses_begin),
                    slot.uses.lower_bound(slot.calls.back().uses_end));
    rest.push_front(std::move(slot.calls.back()));
    slot.calls.pop_back();
  }
  slot.resumed_at = slot.last_number;
  if (!pool_->send(index, ipc::ResumeCalls{slot.last_number})) slot.ready = false;
  requeue(rest);
}

void CallPool::requeue(std::deque<Given>& calls) {
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    queue_.push_front(std::move(call->call));
  }
}

std::optional<std::chrono::milliseconds> CallPool::wait_limit(Clock::time_point now) const {
  if (!used_) return std::nullopt;
  auto limit = kHousekeeping;
  bool idle = false;
  bool waiting = false;
  for (std::uint32_t index = 0; index < pool_->size(); ++index) {
    const Slot& slot = slots_[index];
    idle |= slot.ready && slot.calls.empty();
    waiting |= slot.calls.size() > 1;
    if (!slot.calls.empty()) limit = std::min(limit, kTick);
    if (!pool_->live(index) && !places_[index].given_up) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(places_[index].start_at - now);
      limit = std::clamp(left, std::chrono::milliseconds(0), limit);
    }
  }
  return idle && waiting ? std::min(limit, kLongCall) : limit;
}

}  // namespace gristmill::engine
