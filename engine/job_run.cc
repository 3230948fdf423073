#include "engine/job_run.h"

#include <algorithm>
#include <string>
#include <utility>

#include <gristmill/format.h>

#include "engine/dataset_storage.h"
#include "engine/fault_text.h"
#include "engine/open_message.h"
#include "engine/printable.h"
#include "engine/result_arrays.h"
#include "ipc/merge_tree.h"
#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

// How long a worker may take to leave a chunk of a stopped job, or to close an ended one.
constexpr std::chrono::seconds kGrace{1};

std::vector<ipc::ChunkRange> rounds_of(const PlannedJob& job) {
  const auto chunks = static_cast<std::uint32_t>(job.chunks.chunks);
  std::vector<ipc::ChunkRange> rounds;
  if (chunks > 0) rounds.push_back({0, chunks});
  // Each chunk's rows are copied when all are counted.
  if (job.emit && job.emit->gathers() && chunks > 0) rounds.push_back({chunks, 2 * chunks});
  if (!job.partials) return rounds;
  const std::uint32_t leaves = job.partials->leaves;
  const ipc::MergeTree tree(leaves, job.partials->fan_in);
  for (const ipc::ChunkRange& level : tree.levels()) {
    rounds.push_back({chunks + (level.begin - leaves), chunks + (level.end - leaves)});
  }
  return rounds;
}

// In an emit where rows lie; in an exact merge in whose accumulator a chunk is.
std::uint32_t records_of(const PlannedJob& job) {
  const bool has_records = job.emit || (job.partials && job.partials->exact);
  return has_records ? static_cast<std::uint32_t>(job.chunks.chunks) : 0;
}

// Of a worker that writes them while it owes nothing.
Error restless_words() {
  return Error(ErrorCode::kInternal, "the workers' words changed while nobody was to write them");
}

}  // namespace

JobRun::JobRun(WorkerPool& pool, SegmentPool& segments, std::shared_ptr<JobState> state,
               std::uint32_t number)
    : pool_(pool),
      segments_(segments),
      state_(std::move(state)),
      job_(state_->job()),
      plugin_(PluginStamp::of(job_.plan.plugin)),
      number_(number),
      rounds_(rounds_of(job_)),
      slots_(pool.size()),
      orders_(pool.size()),
      restarts_(pool.size()),
      hangs_(pool.size()),
      chunk_faults_(job_.faults.retries),
      losses_(pool.size()) {}

void JobRun::start() {
  first_order_ = quiet_since_ = last_watch_ = Clock::now();
  slot_count_ = rounds_.empty() ? 0 : std::min(pool_.size(), rounds_.front().size());
  if (slot_count_ == 0) {
    complete_ = true;
    return;
  }
  try {
    control_.emplace(segments_, slot_count_, rounds_.back().end, records_of(job_));
    GRISTMILL_TEST_POINT("coordinator-after-control");
    if (job_.emit) job_.emit->begin(slot_count_);
  } catch (const Error& error) {
    control_.reset();
    failure_ = error;
    return;
  }
  state_->set_running(control_->words());
  first_order_ = Clock::now();
  for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
    if (pool_.live(slot)) {
      open(slot);
    } else {
      start_worker_in(slot);
    }
  }
  begin_round();
}

// Requires: a quiet state.
void JobRun::begin_round() {
  disturbed_in_round_ = false;
  const ipc::ChunkRange chunks = rounds_[round_];
  const std::vector<std::uint32_t> ready = ready_slots();
  const auto workers = std::min(static_cast<std::uint32_t>(ready.size()), chunks.size());
  // All partitions before the first order: a worker that is woken early finds them all.
  control_->share_out(chunks, std::max(workers, 1U));
  for (std::uint32_t i = 0; i < workers; ++i) order(ready[i]);
}

// False if there is none. Requires: a quiet state, and that the round is complete.
bool JobRun::begin_next_round() {
  if (round_ + 1 >= rounds_.size()) return false;
  if (job_.emit) {
    try {
      job_.emit->size_files(*control_->words());
      GRISTMILL_TEST_POINT("coordinator-after-file-size");
    } catch (const Error& error) {
      fail(error);
      return true;
    }
  }
  GRISTMILL_TEST_POINT("coordinator-before-next-round");
  ++round_;
  begin_round();
  return true;
}

// What is left to be done. Requires: a quiet state, in a job that is not stopped.
void JobRun::give_orders() {
  settle_ended_losses();
  if (stopping_ || !orders_.quiet()) return;
  if (ready_slots().empty()) {
    if (has_worker_to_come()) return;
    return lost_.empty() ? fail(*last_start_error_) : wait_for_lost();
  }
  for (const auto& [chunk, why] : std::exchange(refused_, {})) {
    if (control_->convict(chunk)) given_up_.emplace(chunk, why);
  }
  if (!lost_accumulators_.empty()) control_->reopen(std::exchange(lost_accumulators_, {}));
  if (!suspects_.empty() || !apart_.empty()) return run_suspect_apart();
  const ipc::ChunkRange round = rounds_[round_];
  if (disturbed_ || control_->done_as_counted() != round.end) {
    const ipc::ChunkRange open = control_->open_chunks(round);
    if (!open.empty()) {
      // Without deaths a round completes the ledger.
      if (!disturbed_in_round_) return fail(check_ledger().value_or(restless_words()));
      disturbed_in_round_ = false;
      control_->share_out(open, slot_count_);
      for (const std::uint32_t slot : ready_slots()) order(slot);
      return;
    }
    disturbed_ = true;  // counters are wrong, the ledger is not
  }
  if (has_held_chunk()) return wait_for_lost();
  if (!given_up_.empty() && round_ == 0 && (give_probes() || give_fills())) return;
  if (begin_next_round()) return;
  complete_ = true;
  close();
}

void JobRun::open(std::uint32_t slot) {
  Slot& place = slots_[slot];
  place.life = ++lives_;
  place.abandoned = 0;
  place.done_before = control_->done_as_counted(slot);
  place.open = true;
  place.leaves = false;
  place.failed = false;
  place.kill.reset();
  const OpenMessage open = open_message(job_, number_, *control_, pool_, slot, place.life);
  // A worker that does not take it is killed by the pool, and replaced.
  pool_.send(slot, open.message, open.fds);
  GRISTMILL_TEST_POINT("coordinator-after-open");
}

// Requires: the slot is ready.
void JobRun::order(std::uint32_t slot, ipc::Order order) {
  order.job = number_;
  order.seq = orders_.order(slot);
  slots_[slot].order = order;
  hangs_.reset(slot, Clock::now());
  waiting_since_.reset();
  GRISTMILL_TEST_POINT("coordinator-before-order");
  pool_.send(slot, order);
  GRISTMILL_TEST_POINT("coordinator-after-order");
}

std::vector<std::uint32_t> JobRun::ready_slots() const {
  std::vector<std::uint32_t> ready;
  for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
    const Slot& place = slots_[slot];
    if (place.open && !place.leaves && pool_.live(slot) && !orders_.busy(slot)) {
      ready.push_back(slot);
    }
  }
  return ready;
}

void JobRun::on_event(const WorkerEvent& event) {
  if (event.slot >= slot_count_) return;
  if (const auto* death = std::get_if<WorkerDeath>(&event.what)) {
    return on_death(event.slot, *death);
  }
  if (const auto* lost = std::get_if<LostWorker>(&event.what)) return on_lost(event.slot, *lost);
  if (const auto* ended = std::get_if<LostWorkerDeath>(&event.what)) return on_lost_death(*ended);
  std::visit([&](const auto& report) { on_report(event.slot, report); },
             std::get<ipc::Report>(event.what));
}

void JobRun::on_report(std::uint32_t slot, const ipc::Idle& report) {
  if (report.job != number_ || !orders_.answer(slot, report.seq)) return;
  GRISTMILL_TEST_POINT("coordinator-after-idle");
  if (!report.retires || phase_ != Phase::kRunning || stopping_) return;
  // The next one would have as much from its start.
  const Slot& place = slots_[slot];
  if (!place.failed && control_->done_as_counted(slot) == place.done_before) return;
  ++report_.retired;
  replace_by_a_new_one(slot);
}

void JobRun::on_report(std::uint32_t slot, const ipc::JobFailed& report) {
  if (report.job != number_ || !orders_.busy(slot)) return pool_.reject(slot, kUnasked);
  ErrorText text = without_control_characters(report.text);
  const bool names_chunk = report.chunk && control_ && *report.chunk < control_->chunks();
  const bool skips =
      job_.faults.on_error == OnError::kSkip && names_chunk && !is_follow_up(job_, *report.chunk);
  if (skips && !stopping_) {
    slots_[slot].failed = true;
    FailedAttempt attempt;
    attempt.worker = static_cast<int>(slot);
    attempt.cause = FaultCause::kError;
    attempt.what = text.message;
    const ipc::Order& order = slots_[slot].order;
    if (order.kind == ipc::OrderKind::kProbe) {
      on_probe_failure({order.begin, order.item_begin, order.item_end}, std::move(attempt));
    } else if (control_->is_open(*report.chunk)) {
      on_chunk_failure(*report.chunk, std::move(attempt));
    }
    // What the chunk did to an accumulator of several chunks cannot be undone.
    lose_accumulator(slot);
    return;
  }
  if (names_chunk) {
    text.detail = "It failed in " + chunk_in_words(job_, *report.chunk, control_->chunks()) + "." +
                  (text.detail.empty() ? "" : " " + text.detail);
  }
  fail(Error(report.code, std::move(text)));
}

void JobRun::on_report(std::uint32_t slot, const ipc::LogLine& report) {
  if (report.job != number_ || !orders_.busy(slot)) return pool_.reject(slot, kUnasked);
  costs_.add(slot, report);
}

void JobRun::on_report(std::uint32_t slot, const ipc::JobClosed& report) {
  if (report.job != number_ || phase_ != Phase::kClosing || !slots_[slot].closing) return;
  slots_[slot].closing = false;
  GRISTMILL_TEST_POINT("coordinator-after-closed");
  costs_.add(report);
}

void JobRun::on_turn(Clock::time_point now) {
  if (phase_ == Phase::kRunning) {
    if (state_->cancel_requested() && !stopping_) {
      cancelled_ = true;
      stop();
    }
    if (!stopping_) {
      if (std::optional<Error> changed = check_inputs()) fail(std::move(*changed));
    }
    if (deadline_ && now >= *deadline_) {
      for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
        if (orders_.busy(slot)) pool_.kill(slot);
      }
      deadline_.reset();
    }
    if (!stopping_ && control_) {
      start_due_workers(now);
      watch(now);
    }
    if (orders_.quiet()) {
      if (stopping_ || failure_ || !control_) {
        close();
      } else {
        give_orders();
        // It may have failed the job.
        if (stopping_ && orders_.quiet() && phase_ == Phase::kRunning) close();
      }
    }
  }
  if (phase_ == Phase::kClosing) {
    const auto closing = [this](std::uint32_t slot) { return slots_[slot].closing; };
    bool waits = false;
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      if (deadline_ && now >= *deadline_ && closing(slot)) pool_.kill(slot);
      waits |= closing(slot);
    }
    if (deadline_ && now >= *deadline_) deadline_.reset();
    if (!waits) end();
  }
}

std::optional<JobRun::Clock::time_point> JobRun::deadline() const {
  std::optional<Clock::time_point> first = deadline_;
  const auto consider = [&](Clock::time_point time) {
    if (!first || time < *first) first = time;
  };
  if (phase_ != Phase::kRunning || stopping_) return first;
  consider(next_watch_);
  for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
    if (slots_[slot].restart_at) consider(*slots_[slot].restart_at);
  }
  return first;
}

void JobRun::stop() {
  stopping_ = true;
  deadline_ = Clock::now() + kGrace;
  if (control_) control_->stop(number_);
}

void JobRun::fail(Error error) {
  if (!failure_) failure_ = std::move(error);
  if (!stopping_) stop();
}

// Quiet: the workers that still live give up writing before the job ends.
void JobRun::close() {
  GRISTMILL_TEST_POINT("coordinator-before-close");
  phase_ = Phase::kClosing;
  quiet_since_ = Clock::now();
  deadline_ = quiet_since_ + kGrace;
  for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
    slots_[slot].closing = pool_.live(slot) && slots_[slot].open;
    if (slots_[slot].closing) pool_.send(slot, ipc::CloseJob{number_});
  }
}

void JobRun::end() {
  phase_ = Phase::kEnded;
  deadline_.reset();
  const bool complete = !failure_ && complete_;
  if (control_ && complete) failure_ = check_ledger();
  // A changed input explains whatever else went wrong, a SIGBUS behind its new end above all.
  if (!cancelled_ || complete) {
    if (std::optional<Error> changed = check_inputs()) failure_ = std::move(changed);
  }
  if (complete && !failure_) {
    try {
      if (job_.emit) finish_rows();
      publish_outputs();
    } catch (const Error& error) {
      failure_ = error;
    }
  }
  const Outcome outcome = failure_   ? Outcome::kFailed
                          : complete ? Outcome::kDone
                                     : Outcome::kCancelled;
  JobSummary facts = summary();
  std::vector<std::shared_ptr<OutputArray>> outputs = std::move(job_.outputs);
  // An output that is dropped here removes its unfinished file. Handles of the job may live on.
  if (outcome != Outcome::kDone) outputs.clear();
  // Before the end is told: what the next job needs is free then.
  job_.let_go_of_memory();
  facts.elapsed = Clock::now() - state_->submitted();
  GRISTMILL_TEST_POINT("coordinator-before-result");
  state_->finish(Result(outcome, failure_, std::move(facts),
                        std::make_shared<const ResultArrays>(std::move(outputs))));
  GRISTMILL_TEST_POINT("coordinator-after-result");
}

// Every chunk has its tag or was given up and, if no worker died, as many as the workers counted.
std::optional<Error> JobRun::check_ledger() const {
  const std::int64_t counted = control_->done_as_counted();
  const std::uint32_t done = control_->done_in_ledger();
  const bool all = done + given_up_.size() == control_->chunks();
  if (all && (disturbed_ || counted == done)) return std::nullopt;
  return Error(ErrorCode::kInternal, "the ledger has " + std::to_string(done) + " of " +
                                         std::to_string(control_->chunks()) +
                                         " chunks and the workers counted " +
                                         std::to_string(counted) + " [this is a bug]");
}

std::optional<Error> JobRun::check_inputs() const {
  for (const auto& input : job_.inputs) {
    if (!input || !input->storage()->has_changed()) continue;
    return Error(ErrorCode::kFailed,
                 {"input \"" + input->path().string() + "\" changed while the job ran",
                  "Its length or its time of last change is not what it was when it was opened.",
                  "Open it again and run the job again when nobody writes to it."});
  }
  return std::nullopt;
}

std::optional<Error> JobRun::check_space() const {
  try {
    for (const auto& output : job_.outputs) output->require_space();
    if (job_.emit) job_.emit->require_space();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

void JobRun::publish_outputs() {
  for (const auto& output : job_.outputs) output->publish();
}

void JobRun::finish_rows() {
  job_.outputs = job_.emit->finish(control_ ? control_->words().get() : nullptr);
  for (std::size_t i = 0; i < job_.outputs.size(); ++i) {
    JobPlan::OutputPlan& plan = job_.plan.outputs[i];
    plan.shape = job_.outputs[i]->shape();
    plan.size_bytes = job_.outputs[i]->size_bytes();
  }
  job_.plan.reserved_bytes = job_.emit->taken_bytes();
}

JobSummary JobRun::summary() const {
  JobSummary facts;
  facts.plan = job_.plan;
  facts.plan.workers = static_cast<int>(slot_count_);
  facts.running = quiet_since_ - first_order_;
  facts.mapped_bytes = job_.plan.mapped_bytes + job_.plan.reserved_bytes;
  facts.faulted_bytes = costs_.faulted_bytes();
  facts.counters = costs_.counters();
  facts.log = costs_.log();
  facts.faults = report_;
  if (job_.emit) facts.copied_bytes = job_.emit->copied_bytes();
  // Where two workers' parts meet, both may have mapped a page.
  facts.huge_bytes = std::min(costs_.huge_bytes(), job_.plan.reserved_bytes);
  if (!control_) return facts;
  facts.workers = control_->worker_stats(state_->submitted(), facts.running);
  facts.chunk_times = control_->chunk_times();
  for (const WorkerStats& stats : facts.workers) {
    facts.chunks_done += stats.chunks;
    facts.items_done += stats.items;
  }
  if (disturbed_) count_by_ledger(facts);
  if (const auto first = control_->first_chunk()) facts.first_chunk = *first - state_->submitted();
  return facts;
}

// Workers that died have not counted all that they did, and some of it was done again.
void JobRun::count_by_ledger(JobSummary& facts) const {
  facts.chunks_done = 0;
  facts.items_done = 0;
  for (std::uint32_t chunk = 0; chunk < job_.chunks.chunks; ++chunk) {
    if (control_->is_open(chunk)) continue;
    const ItemRange range = job_.chunks.range_of(chunk);
    ++facts.chunks_done;
    facts.items_done += range.end - range.begin;
  }
  facts.chunks_done -= static_cast<std::int64_t>(given_up_.size());
  for (const auto& [id, lost] : lost_) {
    if (!control_->is_convicted(lost.chunk) || given_up_.contains(lost.chunk)) continue;
    if (is_follow_up(job_, lost.chunk)) continue;
    const ItemRange range = job_.chunks.range_of(lost.chunk);
    --facts.chunks_done;
    facts.items_done -= range.end - range.begin;
  }
  for (const QuarantinedItems& items : report_.quarantined) {
    facts.items_done -= items.end - items.begin;
  }
}

}  // namespace gristmill::engine
