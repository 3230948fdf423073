#include "engine/job_run.h"

#include <algorithm>
#include <csignal>
#include <string>

#include <gristmill/format.h>
#include <gristmill/kernel.h>

#include "engine/dataset_storage.h"
#include "engine/printable.h"
#include "engine/result_arrays.h"
#include "ipc/merge_tree.h"

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

}  // namespace

JobRun::JobRun(WorkerPool& pool, SegmentPool& segments, std::shared_ptr<JobState> state,
               std::uint32_t number)
    : pool_(pool),
      segments_(segments),
      state_(std::move(state)),
      job_(state_->job()),
      number_(number),
      rounds_(rounds_of(job_)),
      orders_(pool.size()),
      closing_(pool.size(), false) {}

void JobRun::start() {
  first_order_ = quiet_since_ = Clock::now();
  try {
    slots_ = start_workers();
    if (slots_ == 0) return;
    const auto chunks = static_cast<std::uint32_t>(job_.chunks.chunks);
    control_.emplace(segments_, slots_, rounds_.back().end, job_.emit ? chunks : 0);
    if (job_.emit) job_.emit->begin(slots_);
  } catch (const Error& error) {
    slots_ = 0;
    control_.reset();
    failure_ = error;
    return;
  }
  state_->set_running(control_->words());
  first_order_ = Clock::now();
  // A worker that does not take it is killed by the pool, and its death settles the order.
  for (std::uint32_t slot = 0; slot < slots_; ++slot) open(slot);
  begin_round();
}

// Requires: a quiet state.
void JobRun::begin_round() {
  const ipc::ChunkRange chunks = rounds_[round_];
  const std::uint32_t workers = std::min(slots_, chunks.size());
  // All partitions before the first order: a worker that is woken early finds them all.
  control_->share_out(chunks, workers);
  for (std::uint32_t slot = 0; slot < workers; ++slot) order(slot);
}

// False if there is none, or what it merges is not there. The ledger is asked when all is done.
bool JobRun::begin_next_round() {
  if (!control_) return false;
  if (round_ + 1 >= rounds_.size() || control_->done_as_counted() != rounds_[round_].end)
    return false;
  if (job_.emit) {
    try {
      job_.emit->size_files(*control_->words());
    } catch (const Error& error) {
      fail(error);
      return false;
    }
  }
  ++round_;
  begin_round();
  return true;
}

std::uint32_t JobRun::start_workers() {
  const std::uint32_t slots = rounds_.empty() ? 0 : std::min(pool_.size(), rounds_.front().size());
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    if (!pool_.live(slot)) pool_.start(slot);
  }
  return slots;
}

bool JobRun::open(std::uint32_t slot) {
  std::vector<int> fds;
  ipc::OpenJob message{.job = number_,
                       .slot = slot,
                       .slots = slots_,
                       .chunks = static_cast<std::uint32_t>(job_.chunks.chunks),
                       .items = job_.chunks.items,
                       .chunk_items = job_.chunks.chunk_items,
                       .space = job_.space,
                       .flags = job_.flags,
                       .ledger_key = control_->ledger_key(),
                       .control = place(slot, control_->place(), fds),
                       .request = job_.request,
                       .outputs = job_.output_specs,
                       .input_placements = {},
                       .output_placements = {},
                       .partials = job_.partials,
                       .emit = {}};
  for (const auto& input : job_.inputs) {
    auto& placement = message.input_placements.emplace_back();
    if (input) placement = place(slot, input->storage()->place(), fds);
  }
  for (const auto& index : job_.plan_output_index) {
    auto& placement = message.output_placements.emplace_back();
    if (index && !job_.emit) placement = place(slot, job_.outputs[*index]->place(), fds);
  }
  if (message.partials) {
    const PooledSegment& memory = *job_.partials_memory;
    const PlacedArray array{memory.name(), memory.fd(), 0, memory.size_bytes(), 0, false};
    message.partials->placement = place(slot, array, fds);
  }
  if (job_.emit) {
    message.emit = job_.emit->message(slot);
    message.emit->placement = place(slot, job_.emit->region(slot), fds);
    const auto files = job_.emit->files();
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i]) message.emit->files[i] = place(slot, *files[i], fds);
    }
  }
  return pool_.send(slot, message, fds);
}

void JobRun::order(std::uint32_t slot) {
  if (!pool_.live(slot)) return;
  const std::uint64_t seq = orders_.order(slot);
  pool_.send(slot, ipc::Order{number_, seq, 0, 0});
}

ipc::Placement JobRun::place(std::uint32_t slot, const PlacedArray& array, std::vector<int>& fds) {
  pool_.will_map(slot, array.memory);
  fds.push_back(array.fd);
  return {static_cast<std::uint32_t>(fds.size() - 1),
          array.memory->number(),
          array.range_offset,
          array.range_bytes,
          array.array_offset,
          array.sealed};
}

void JobRun::on_event(const WorkerEvent& event) {
  if (event.slot >= slots_) return;
  if (const auto* death = std::get_if<WorkerDeath>(&event.what)) {
    return on_death(event.slot, *death);
  }
  std::visit([&](const auto& report) { on_report(event.slot, report); },
             std::get<ipc::Report>(event.what));
}

void JobRun::on_report(std::uint32_t slot, const ipc::Idle& report) {
  if (report.job == number_) orders_.answer(slot, report.seq);
}

void JobRun::on_report(std::uint32_t slot, const ipc::JobFailed& report) {
  if (report.job != number_ || !orders_.busy(slot)) return pool_.reject(slot, kUnasked);
  ErrorText text = without_control_characters(report.text);
  if (report.chunk && *report.chunk < control_->chunks()) {
    text.detail = "It failed in " + chunk_in_words(*report.chunk) + "." +
                  (text.detail.empty() ? "" : " " + text.detail);
  }
  fail(Error(report.code, std::move(text)));
}

void JobRun::on_report(std::uint32_t slot, const ipc::LogLine& report) {
  if (report.job != number_ || !orders_.busy(slot)) return pool_.reject(slot, kUnasked);
  if (log_.size() >= kMostLogLines) return;
  log_.push_back({static_cast<int>(slot), report.level != GM_LOG_INFO,
                  without_control_characters(report.text)});
}

void JobRun::on_report(std::uint32_t slot, const ipc::JobClosed& report) {
  if (report.job != number_ || phase_ != Phase::kClosing || !closing_[slot]) return;
  closing_[slot] = false;
  // A worker's word: no sum of them overflows.
  faulted_bytes_ += std::clamp<std::int64_t>(report.faulted_bytes, 0, kMostOfOneWorker);
  huge_bytes_ += std::clamp<std::int64_t>(report.huge_bytes, 0, kMostOfOneWorker);
  for (const ipc::Counter& counter : report.counters) add_counter(counter);
}

void JobRun::add_counter(const ipc::Counter& counter) {
  const std::string name = without_control_characters(counter.name);
  if (counters_.size() >= kMostCounters && !counters_.contains(name)) return;
  std::int64_t& sum = counters_[name];
  if (__builtin_add_overflow(sum, counter.value, &sum))
    sum = counter.value < 0 ? INT64_MIN : INT64_MAX;
}

void JobRun::on_death(std::uint32_t slot, const WorkerDeath& death) {
  closing_[slot] = false;
  const bool blameless = death.own_kill && death.violation.empty();
  if (!orders_.busy(slot)) {
    if (phase_ == Phase::kRunning && !blameless) fail(death_error(slot, death, 0));
    return;
  }
  orders_.reaped(slot);
  const std::uint64_t stamp = control_->take_stamp(slot);
  if (!blameless) fail(death_error(slot, death, stamp));
}

// A stamp is a worker's word: it counts if it names a chunk of this job that is not done.
Error JobRun::death_error(std::uint32_t slot, const WorkerDeath& death, std::uint64_t stamp) const {
  std::string where = "outside of any chunk";
  std::string hint = "Run it under a debugger, or with fewer items, to find out why.";
  if (stamp != 0 && ipc::job_of_stamp(stamp) == number_) {
    const std::uint32_t chunk = ipc::chunk_of_stamp(stamp);
    const bool known = chunk < control_->chunks();
    if (known && !control_->is_done(chunk)) {
      where = "in " + chunk_in_words(chunk);
      if (!is_follow_up(chunk)) {
        hint = "Cut these rows out of the input and run the kernel on them alone to find out why.";
      }
    }
  }
  if (death.exit.signal == SIGKILL && death.violation.empty()) {
    hint = "Another program killed it; the system does so itself when memory runs out.";
  }
  const std::string how =
      death.violation.empty() ? death.exit.in_words() : "was killed because " + death.violation;
  return Error(ErrorCode::kFailed,
               {"kernel \"" + job_.plan.kernel + "\" could not be finished: worker " +
                    std::to_string(slot) + " " + how + " " + where,
                {},
                std::move(hint)});
}

std::string JobRun::chunk_in_words(std::uint32_t chunk) const {
  if (is_follow_up(chunk) && job_.emit) {
    return "the copying of the rows of chunk " + format_count(chunk - job_.chunks.chunks);
  }
  if (is_follow_up(chunk)) {
    const bool last = chunk + 1 == control_->chunks();
    return "merge " + format_count(chunk - job_.chunks.chunks) + " of the partial results" +
           (last ? " (the last, which finishes them)" : "");
  }
  const ItemRange range = job_.chunks.range_of(chunk);
  const char* items = job_.space.has_tiles() ? "tiles" : "rows";
  return "chunk " + format_count(chunk) + ", " + items + " " + format_count(range.begin) + " to " +
         format_count(range.end - 1);
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
      for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        if (orders_.busy(slot)) pool_.kill(slot);
      }
      deadline_.reset();
    }
    if (orders_.quiet() && (stopping_ || !begin_next_round())) close();
  }
  if (phase_ == Phase::kClosing) {
    if (deadline_ && now >= *deadline_) {
      for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        if (closing_[slot]) pool_.kill(slot);
      }
      deadline_.reset();
    }
    if (std::find(closing_.begin(), closing_.end(), true) == closing_.end()) end();
  }
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
  phase_ = Phase::kClosing;
  quiet_since_ = Clock::now();
  deadline_ = quiet_since_ + kGrace;
  for (std::uint32_t slot = 0; slot < slots_; ++slot) {
    closing_[slot] = pool_.live(slot);
    if (pool_.live(slot)) pool_.send(slot, ipc::CloseJob{number_});
  }
}

void JobRun::end() {
  phase_ = Phase::kEnded;
  deadline_.reset();
  const bool complete =
      !failure_ && (!control_ || control_->done_as_counted() == control_->chunks());
  if (control_ && !failure_ && !(cancelled_ && !complete)) failure_ = check_ledger();
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
  job_.partials_memory.reset();
  job_.emit.reset();
  facts.elapsed = Clock::now() - state_->submitted();
  state_->finish(Result(outcome, failure_, std::move(facts),
                        std::make_shared<const ResultArrays>(std::move(outputs))));
}

// Every chunk has its tag, and as many as the workers counted.
std::optional<Error> JobRun::check_ledger() const {
  const std::int64_t counted = control_->done_as_counted();
  const std::uint32_t done = control_->done_in_ledger();
  if (done == control_->chunks() && counted == done) return std::nullopt;
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
  facts.plan.workers = static_cast<int>(slots_);
  facts.running = quiet_since_ - first_order_;
  facts.mapped_bytes = job_.plan.mapped_bytes + job_.plan.reserved_bytes;
  facts.faulted_bytes = faulted_bytes_;
  facts.counters = counters_;
  facts.log = log_;
  if (job_.emit) facts.copied_bytes = job_.emit->copied_bytes();
  // Where two workers' parts meet, both may have mapped a page.
  facts.huge_bytes = std::min(huge_bytes_, job_.plan.reserved_bytes);
  if (!control_) return facts;
  facts.workers = control_->worker_stats(facts.running);
  for (const WorkerStats& stats : facts.workers) {
    facts.chunks_done += stats.chunks;
    facts.items_done += stats.items;
  }
  if (const auto first = control_->first_chunk()) facts.first_chunk = *first - state_->submitted();
  return facts;
}

}  // namespace gristmill::engine
