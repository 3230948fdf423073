#include "cli/summary_report.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <gristmill/format.h>

#include "cli/array_text.h"
#include "cli/fault_report.h"
#include "cli/quantity_text.h"

namespace gristmill::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kShownRows = 5;
constexpr std::int64_t kShownOfReduce = 64;

const char* error_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kFailed:
      return "failed";
    case ErrorCode::kResources:
      return "resources";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

// "2 workers, busy 95 %, 99 %", "64 workers, busy 91 % to 99 %".
std::string workers_text(const JobSummary& summary) {
  constexpr std::size_t kListed = 8;
  std::vector<std::string> shares;
  for (const WorkerStats& worker : summary.workers) {
    shares.push_back(fmt::format("{:.0f} %", 100.0 * worker.busy_share));
  }
  std::string text = count_text(std::ssize(shares), "worker");
  if (shares.empty()) {
    return text;
  }
  if (shares.size() <= kListed) {
    return fmt::format("{}, busy {}", text, fmt::join(shares, ", "));
  }
  const auto less_busy = [](const WorkerStats& a, const WorkerStats& b) {
    return a.busy_share < b.busy_share;
  };
  const auto [least, most] =
      std::minmax_element(summary.workers.begin(), summary.workers.end(), less_busy);
  return fmt::format("{}, busy {:.0f} % to {:.0f} %", text, 100.0 * least->busy_share,
                     100.0 * most->busy_share);
}

std::string first_values(const std::vector<ArrayView>& parts) {
  std::string text;
  std::int64_t shown = 0;
  for (const ArrayView& part : parts) {
    for (std::int64_t row = 0; row < part.rows(); ++row) {
      if (shown++ == kShownRows) {
        return text + "    ...\n";
      }
      text += fmt::format("    {}\n", row_text(part, row));
    }
  }
  return text;
}

std::string counters_text(const JobSummary& summary) {
  std::string text;
  for (const auto& [name, value] : summary.counters) {
    text += fmt::format("{}{} {}", text.empty() ? "  counted: " : ", ", name, format_count(value));
  }
  return text.empty() ? "" : text + "\n";
}

Json log_json(const JobSummary& summary) {
  Json log = Json::array();
  for (const LogLine& line : summary.log) {
    log.push_back({{"worker", line.worker},
                   {"level", line.is_warning ? "warning" : "info"},
                   {"text", line.text}});
  }
  return log;
}

std::string output_text(const Result& result, const JobPlan::OutputPlan& output) {
  if (output.path.empty() && result.summary().plan.pattern == Pattern::kReduce) {
    return fmt::format("  {}: {}\n", output.name,
                       elements_text(result.array(output.name), kShownOfReduce));
  }
  const std::string text = fmt::format("  {}: {}, {}, {}", output.name, name_of(output.dtype),
                                       to_string(output.shape), format_size(output.size_bytes));
  if (!output.path.empty()) {
    return fmt::format("{}, in {}\n", text, output.path.string());
  }
  return fmt::format("{}, in memory\n{}", text, first_values(result.parts(output.name)));
}

Json workers_json(const JobSummary& summary) {
  Json workers = Json::array();
  for (const WorkerStats& worker : summary.workers) {
    workers.push_back({{"worker", worker.worker},
                       {"chunks", worker.chunks},
                       {"items", worker.items},
                       {"leases", worker.leases},
                       {"stolen_leases", worker.stolen_leases},
                       {"first_chunk_seconds", worker.first_chunk.count()},
                       {"busy_seconds", worker.busy.count()},
                       {"busy_share", worker.busy_share}});
  }
  return workers;
}

std::int64_t quarantined_chunks(const FaultReport& faults) {
  std::set<std::int64_t> chunks;
  for (const QuarantinedItems& items : faults.quarantined) {
    chunks.insert(items.chunk);
  }
  return std::ssize(chunks);
}

Json error_json(const Error& error) {
  return {{"code", error_name(error.code())},
          {"message", error.message()},
          {"detail", error.detail()},
          {"hint", error.hint()}};
}

}  // namespace

const char* outcome_name(Outcome outcome) {
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

std::string summary_text(const Result& result, const Placing& placing) {
  const JobSummary& summary = result.summary();
  std::string text =
      fmt::format("{}: {} in {}", summary.plan.kernel, count_text(summary.items_done, "item"),
                  duration_text(summary.elapsed));
  if (summary.items_done > 0) {
    text += ", " + rate_text(summary.items_done, summary.elapsed);
  }
  text +=
      fmt::format("\n  {}, {}\n", count_text(summary.chunks_done, "chunk"), workers_text(summary));
  text += fmt::format("  {} mapped, {} copied, {} faulted, {} huge\n",
                      format_size(summary.mapped_bytes),
                      format_size(placing.copied_bytes + summary.copied_bytes),
                      format_size(summary.faulted_bytes), format_size(summary.huge_bytes));
  if (placing.elapsed.count() > 0) {
    text += fmt::format("  inputs placed in memory in {} before\n", duration_text(placing.elapsed));
  }
  text += faults_text(summary.faults);
  text += counters_text(summary);
  for (const JobPlan::OutputPlan& output : summary.plan.outputs) {
    text += output_text(result, output);
  }
  return text;
}

std::string summary_json(const Result& result, const Placing& placing) {
  const JobSummary& summary = result.summary();
  Json json;
  json["schema"] = kJsonSchema;
  json["outcome"] = outcome_name(result.outcome());
  json["kernel"] = summary.plan.kernel;
  json["seconds"] = summary.elapsed.count();
  json["first_chunk_seconds"] = summary.first_chunk.count();
  json["items"] = summary.items_done;
  json["chunks"] = {{"total", summary.plan.chunks},
                    {"run", summary.chunks_done},
                    {"resumed", 0},
                    {"quarantined", quarantined_chunks(summary.faults)}};
  json["outputs"] = outputs_json(summary.plan);
  json["workers"] = workers_json(summary);
  json["chunk_seconds"] = {{"median", summary.chunk_times.median.count()},
                           {"p90", summary.chunk_times.p90.count()},
                           {"p99", summary.chunk_times.p99.count()},
                           {"longest", summary.chunk_times.longest.count()}};
  json["placing_seconds"] = placing.elapsed.count();
  json["bytes"] = {{"mapped", summary.mapped_bytes},
                   {"copied", placing.copied_bytes + summary.copied_bytes},
                   {"faulted", summary.faulted_bytes},
                   {"huge", summary.huge_bytes}};
  json["faults"] = faults_json(summary.faults);
  json["counters"] = Json(summary.counters);
  json["log"] = log_json(summary);
  if (result.error()) {
    json["error"] = error_json(*result.error());
  }
  return json_text(json);
}

Json outputs_json(const JobPlan& plan) {
  Json outputs = Json::array();
  for (const JobPlan::OutputPlan& output : plan.outputs) {
    outputs.push_back({{"name", output.name},
                       {"dtype", name_of(output.dtype)},
                       {"shape", output.shape},
                       {"bytes", output.size_bytes},
                       {"path", output.path.empty() ? Json() : Json(output.path.string())}});
  }
  return outputs;
}

std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gristmill::cli
