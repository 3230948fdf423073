#include "cli/fault_report.h"

#include <cstddef>

#include <fmt/format.h>

#include <gristmill/error.h>
#include <gristmill/format.h>

#include "cli/quantity_text.h"
#include "cli/summary_report.h"

namespace gristmill::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownRanges = 10;

std::string range_text(const QuarantinedItems& items) {
  if (items.end - items.begin == 1) {
    return fmt::format("item {}", format_count(items.begin));
  }
  return fmt::format("items {} to {}", format_count(items.begin), format_count(items.end - 1));
}

Json attempt_json(const FailedAttempt& attempt) {
  Json json;
  json["chunk"] = attempt.chunk < 0 ? Json() : Json(attempt.chunk);
  json["begin"] = attempt.begin;
  json["end"] = attempt.end;
  json["attempt"] = attempt.attempt;
  json["worker"] = attempt.worker;
  json["cause"] = name_of(attempt.cause);
  json["what"] = attempt.what;
  json["signal"] = attempt.signal;
  json["exit_code"] = attempt.exit_code;
  json["at_seconds"] = attempt.at.count();
  json["peak_memory_bytes"] = attempt.peak_memory_bytes;
  json["cpu_seconds"] = attempt.cpu_time.count();
  json["wall_seconds"] = attempt.wall_time.count();
  json["last_lines"] = attempt.last_lines;
  return json;
}

Json quarantined_json(const QuarantinedItems& items) {
  return {{"chunk", items.chunk}, {"begin", items.begin}, {"end", items.end}, {"why", items.why}};
}

std::string line_of(const char* event, const Json& facts) {
  Json json = {{"event", event}};
  json.update(facts);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string faults_text(const FaultReport& faults) {
  if (faults.attempt_count == 0 && faults.retired == 0 && faults.lost == 0) {
    return "";
  }
  std::string text = fmt::format("  {}, {}", count_text(faults.attempt_count, "failed attempt"),
                                 count_text(faults.restarts, "worker") + " started anew");
  if (faults.retired > 0) {
    text += fmt::format(", {} replaced because of memory", format_count(faults.retired));
  }
  if (faults.lost > 0) {
    text += fmt::format(", {} killed and did not end", format_count(faults.lost));
  }
  text += "\n";
  std::size_t shown = 0;
  for (const QuarantinedItems& items : faults.quarantined) {
    if (shown++ == kShownRanges) {
      text += fmt::format("  ... {} more, all of them with --json or --joblog\n",
                          count_text(static_cast<std::int64_t>(faults.quarantined.size()) -
                                         static_cast<std::int64_t>(kShownRanges),
                                     "range"));
      break;
    }
    text += fmt::format("  quarantined: chunk {}, {}: {}\n", format_count(items.chunk),
                        range_text(items), items.why);
  }
  return text;
}

Json faults_json(const FaultReport& faults) {
  Json attempts = Json::array();
  for (const FailedAttempt& attempt : faults.attempts) {
    attempts.push_back(attempt_json(attempt));
  }
  Json quarantined = Json::array();
  for (const QuarantinedItems& items : faults.quarantined) {
    quarantined.push_back(quarantined_json(items));
  }
  return {{"failed_attempts", faults.attempt_count},
          {"restarts", faults.restarts},
          {"retired", faults.retired},
          {"lost", faults.lost},
          {"attempts", attempts},
          {"quarantined", quarantined}};
}

JobLog::JobLog(const std::filesystem::path& path) : path_(path), file_(path) {
  if (!file_) {
    throw Error(ErrorCode::kInvalid, fmt::format("cannot write the job log \"{}\"", path.string()));
  }
}

void JobLog::write(const Result& result) {
  const JobSummary& summary = result.summary();
  for (const FailedAttempt& attempt : summary.faults.attempts) {
    file_ << line_of("failed_attempt", attempt_json(attempt));
  }
  for (const QuarantinedItems& items : summary.faults.quarantined) {
    file_ << line_of("quarantined", quarantined_json(items));
  }
  file_ << line_of("end", {{"kernel", summary.plan.kernel},
                           {"outcome", outcome_name(result.outcome())},
                           {"seconds", summary.elapsed.count()},
                           {"items", summary.items_done},
                           {"failed_attempts", summary.faults.attempt_count},
                           {"restarts", summary.faults.restarts}});
  file_.flush();
  if (!file_) {
    throw Error(ErrorCode::kResources,
                fmt::format("cannot write the job log \"{}\" to its end", path_.string()));
  }
}

}  // namespace gristmill::cli
