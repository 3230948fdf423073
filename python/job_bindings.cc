#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include <gristmill/job.h>
#include <gristmill/result.h>

#include "python/bindings.h"

namespace gristmill::python {
namespace nb = nanobind;
namespace {

const char* name_of_outcome(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kCancelled:
      return "cancelled";
  }
  return "failed";
}

nb::dict attempt_facts(const FailedAttempt& attempt) {
  nb::dict facts;
  facts["chunk"] = attempt.chunk;
  facts["begin"] = attempt.begin;
  facts["end"] = attempt.end;
  facts["attempt"] = attempt.attempt;
  facts["worker"] = attempt.worker;
  facts["cause"] = name_of(attempt.cause);
  facts["what"] = attempt.what;
  facts["signal"] = attempt.signal;
  facts["exit_code"] = attempt.exit_code;
  facts["seconds_after_start"] = attempt.at.count();
  facts["peak_memory_bytes"] = attempt.peak_memory_bytes;
  facts["cpu_seconds"] = attempt.cpu_time.count();
  facts["wall_seconds"] = attempt.wall_time.count();
  facts["last_lines"] = attempt.last_lines;
  return facts;
}

nb::dict fault_facts(const FaultReport& faults) {
  nb::list attempts;
  for (const FailedAttempt& attempt : faults.attempts) attempts.append(attempt_facts(attempt));
  nb::list quarantined;
  for (const QuarantinedItems& items : faults.quarantined) {
    nb::dict facts;
    facts["chunk"] = items.chunk;
    facts["begin"] = items.begin;
    facts["end"] = items.end;
    facts["why"] = items.why;
    quarantined.append(facts);
  }
  nb::dict facts;
  facts["attempts"] = attempts;
  facts["attempt_count"] = faults.attempt_count;
  facts["quarantined"] = quarantined;
  facts["restarts"] = faults.restarts;
  facts["retired"] = faults.retired;
  facts["lost"] = faults.lost;
  return facts;
}

nb::dict chunk_time_facts(const ChunkTimes& times) {
  nb::dict facts;
  facts["median"] = times.median.count();
  facts["p90"] = times.p90.count();
  facts["p99"] = times.p99.count();
  facts["longest"] = times.longest.count();
  return facts;
}

nb::list worker_facts(const JobSummary& summary) {
  nb::list workers;
  for (const WorkerStats& worker : summary.workers) {
    nb::dict facts;
    facts["worker"] = worker.worker;
    facts["chunks"] = worker.chunks;
    facts["items"] = worker.items;
    facts["leases"] = worker.leases;
    facts["stolen_leases"] = worker.stolen_leases;
    facts["start_seconds"] = worker.first_chunk.count();
    facts["wait_seconds"] = std::max((summary.running - worker.busy).count(), 0.0);
    facts["busy_seconds"] = worker.busy.count();
    facts["busy_share"] = worker.busy_share;
    workers.append(facts);
  }
  return workers;
}

nb::dict byte_facts(const JobSummary& summary) {
  nb::dict bytes;
  bytes["mapped"] = summary.mapped_bytes;
  bytes["copied"] = summary.copied_bytes;
  bytes["faulted"] = summary.faulted_bytes;
  bytes["huge"] = summary.huge_bytes;
  return bytes;
}

nb::dict facts_of(const Result& result) {
  const JobSummary& summary = result.summary();
  nb::dict counters;
  for (const auto& [name, value] : summary.counters) counters[name.c_str()] = value;
  nb::list log;
  for (const LogLine& line : summary.log) {
    log.append(nb::make_tuple(line.worker, line.is_warning ? "warning" : "info", line.text));
  }
  nb::dict facts;
  facts["outcome"] = name_of_outcome(result.outcome());
  facts["kernel"] = summary.plan.kernel;
  facts["seconds"] = summary.elapsed.count();
  facts["first_chunk_seconds"] = summary.first_chunk.count();
  facts["running_seconds"] = summary.running.count();
  facts["items"] = summary.items_done;
  facts["chunks"] = summary.chunks_done;
  facts["chunk_items"] = summary.plan.chunk_items;
  facts["chunk_rule"] = summary.plan.chunk_rule;
  facts["workers"] = worker_facts(summary);
  facts["chunk_seconds"] = chunk_time_facts(summary.chunk_times);
  facts["bytes"] = byte_facts(summary);
  facts["faults"] = fault_facts(summary.faults);
  facts["counters"] = counters;
  facts["log"] = log;
  return facts;
}

nb::list outputs_of(const Result& result) {
  nb::list outputs;
  for (const JobPlan::OutputPlan& output : result.summary().plan.outputs) {
    outputs.append(nb::make_tuple(output.name, std::string(name_of(output.dtype)),
                                  nb::tuple(nb::cast(output.shape))));
  }
  return outputs;
}

// No copy; the result keeps them alive.
nb::list parts_of(const Result& result, const std::string& name) {
  nb::list parts;
  for (const ArrayView& part : result.parts(name)) {
    const nb::capsule owner(new Result(result),
                            [](void* pointer) noexcept { delete static_cast<Result*>(pointer); });
    const auto size = static_cast<std::size_t>(part.size_bytes());
    parts.append(nb::make_tuple(
        nb::cast(nb::ndarray<nb::numpy, const std::uint8_t>(part.data(), {size}, owner)),
        nb::tuple(nb::cast(part.shape()))));
  }
  return parts;
}

nb::dict progress_of(const Job& job) {
  const Progress progress = job.progress();
  nb::dict facts;
  facts["items_done"] = progress.items_done;
  facts["items_total"] = progress.items_total;
  facts["seconds"] = progress.elapsed.count();
  facts["workers_running"] = progress.workers_running;
  facts["workers_stopped"] = progress.workers_stopped;
  facts["finished"] = progress.finished;
  return facts;
}

}  // namespace

ChunkSize chunk_size_of(const nb::object& value) {
  if (nb::isinstance<nb::str>(value)) return ChunkSize::parse(nb::cast<std::string>(value));
  return ChunkSize::items(nb::cast<std::int64_t>(value));
}

FaultPolicy fault_policy_of(const nb::dict& wishes) {
  FaultPolicy policy;
  for (const auto& [key, value] : wishes) {
    const auto name = nb::cast<std::string>(key);
    const auto milliseconds = [&, wish = value] {
      return std::chrono::milliseconds(std::llround(nb::cast<double>(wish) * 1000.0));
    };
    if (name == "retries") policy.retries = nb::cast<int>(value);
    if (name == "timeout") policy.chunk_timeout = milliseconds();
    if (name == "stopped_timeout") policy.stopped_timeout = milliseconds();
    if (name == "skip") policy.on_error = nb::cast<bool>(value) ? OnError::kSkip : OnError::kStop;
    if (name == "fill") policy.fill = nb::cast<double>(value);
    if (name == "bisect") policy.bisect = nb::cast<bool>(value);
  }
  return policy;
}

void bind_jobs(nb::module_& module) {
  nb::class_<Result>(module, "Result")
      .def("raise_failure",
           [](const Result& result) {
             if (result.error()) throw Error(*result.error());
           })
      .def_prop_ro("outcome",
                   [](const Result& result) { return name_of_outcome(result.outcome()); })
      .def("facts", &facts_of)
      .def("outputs", &outputs_of)
      .def("dataset",
           [](const Result& result, const std::string& name) { return result.dataset(name); })
      .def("parts", &parts_of);
  nb::class_<Job>(module, "Job")
      .def("wait_for",
           [](Job& job, double seconds) {
             const nb::gil_scoped_release released;
             return job.wait_for(std::chrono::milliseconds(std::llround(seconds * 1000.0)));
           })
      .def("wait", &Job::wait, nb::call_guard<nb::gil_scoped_release>())
      .def("cancel", &Job::cancel)
      .def("progress", &progress_of);
}

}  // namespace gristmill::python
