#include "cli/run_command.h"

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <gristmill/engine.h>
#include <gristmill/format.h>
#include <gristmill/job.h>
#include <gristmill/result.h>

#include "cli/error_report.h"
#include "cli/fault_report.h"
#include "cli/interrupt.h"
#include "cli/job_request.h"
#include "cli/plan_report.h"
#include "cli/progress_display.h"
#include "cli/quantity_text.h"
#include "cli/summary_report.h"

namespace gristmill::cli {
namespace {

using namespace std::chrono_literals;

void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

Result wait_showing_progress(Job job, const Interrupt& interrupt, ProgressDisplay& display) {
  bool cancelled = false;
  while (!job.wait_for(50ms)) {
    if (interrupt.signal() != 0 && !cancelled) {
      job.cancel();
      cancelled = true;
    }
    display.show(job.progress());
  }
  return job.wait();
}

Result run(Engine& engine, JobSpec spec, ProgressMode progress, const Interrupt& interrupt) {
  ProgressDisplay display(progress, spec.kernel);
  return wait_showing_progress(engine.submit(std::move(spec)), interrupt, display);
}

// Bytes of the inputs that were copied when they were opened, or will be placed in memory.
std::int64_t copied_bytes(const JobSpec& spec, bool in_memory) {
  std::int64_t bytes = 0;
  for (const Input& input : spec.inputs) {
    if (in_memory || input.data.is_in_memory()) {
      bytes += input.data.size_bytes();
    }
  }
  return bytes;
}

// Puts the inputs that are files into memory. Returns the result that is not done, if there is one.
std::optional<Result> place_inputs(Engine& engine, JobSpec& spec, ProgressMode progress,
                                   const Interrupt& interrupt, Placing& placing) {
  for (Input& input : spec.inputs) {
    if (input.data.is_in_memory()) {
      continue;
    }
    if (input.data.shape().empty()) {
      input.data = engine.in_memory(input.data);
      continue;
    }
    ProgressDisplay display(progress, "placing " + input.data.path().filename().string());
    const Result result =
        wait_showing_progress(engine.submit_in_memory(input.data), interrupt, display);
    if (!result.done()) {
      return result;
    }
    input.data = result.dataset();
    placing.elapsed += result.summary().elapsed;
  }
  return std::nullopt;
}

// What the kernel had to say.
void print_log(const JobSummary& summary) {
  std::string text;
  for (const LogLine& line : summary.log) {
    text += fmt::format("{}worker {}: {}\n", line.is_warning ? "warning: " : "", line.worker,
                        line.text);
  }
  std::fputs(text.c_str(), stderr);
}

int report(const Result& result, const Placing& placing, const RunArguments& arguments,
           int signal) {
  print_log(result.summary());
  if (arguments.json) {
    print(summary_json(result, placing));
  } else if (result.done()) {
    print(summary_text(result, placing));
  }
  switch (result.outcome()) {
    case Outcome::kDone:
      return result.summary().faults.quarantined.empty() ? kExitDone : kExitQuarantined;
    case Outcome::kFailed:
      return report_error(*result.error());
    case Outcome::kCancelled:
      break;
  }
  const JobSummary& summary = result.summary();
  std::fputs(fmt::format("gristmill: interrupted by {} after {} of {}\n", signal_name(signal),
                         format_count(summary.items_done), count_text(summary.plan.items, "item"))
                 .c_str(),
             stderr);
  return kExitSignalBase + signal;
}

int run_request(const RunArguments& arguments, const JobRequest& request) {
  JobSpec spec = job_spec(request);
  spec.replace_existing = !arguments.no_clobber;
  Placing placing{.copied_bytes = copied_bytes(spec, request.in_memory)};
  if (arguments.dry_run) {
    const JobPlan plan = Engine(engine_options(request)).plan(std::move(spec));
    print(arguments.json ? plan_json(plan, placing.copied_bytes)
                         : plan_text(plan, placing.copied_bytes));
    return kExitDone;
  }
  // Before the engine's thread starts, after the inputs are open: until here a signal may just end
  // the program, nothing is left over.
  const Interrupt interrupt;
  Engine engine(engine_options(request));
  if (request.in_memory) {
    // What is wrong with the job is said before anything is copied for it.
    engine.plan(spec);
    const std::optional<Result> failed =
        place_inputs(engine, spec, arguments.progress, interrupt, placing);
    if (failed) {
      return report(*failed, placing, arguments, interrupt.signal());
    }
  }
  std::optional<JobLog> log;
  if (arguments.joblog) {
    log.emplace(*arguments.joblog);
  }
  const Result result = run(engine, std::move(spec), arguments.progress, interrupt);
  if (log) {
    log->write(result);
  }
  return report(result, placing, arguments, interrupt.signal());
}

}  // namespace

int run_job(const RunArguments& arguments) {
  const JobRequest request = job_request(arguments);
  try {
    return run_request(arguments, request);
  } catch (const Error& error) {
    throw placed(error, request);
  }
}

}  // namespace gristmill::cli
