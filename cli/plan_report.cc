#include "cli/plan_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <gristmill/format.h>

#include "cli/quantity_text.h"
#include "cli/summary_report.h"

namespace gristmill::cli {
namespace {

std::string line(const char* name, const std::string& text) {
  return fmt::format("{:<16} {}\n", name, text);
}

std::string chunks_text(const JobPlan& plan) {
  if (plan.chunks <= 1) {
    return count_text(plan.chunks, "chunk");
  }
  return fmt::format("{} of {}", count_text(plan.chunks, "chunk"),
                     count_text(plan.chunk_items, "item"));
}

std::string partials_text(const JobPlan& plan) {
  return fmt::format("{} of {}, merged {} at a time, {} in all", format_count(plan.partials),
                     format_size(plan.accumulator_bytes), format_count(plan.merged_at_once),
                     format_size(plan.partial_bytes));
}

std::string output_text(const JobPlan& plan, const JobPlan::OutputPlan& output) {
  const std::string where = output.path.empty() ? "in memory" : output.path.string();
  if (plan.pattern == Pattern::kEmit) {
    Shape row = output.shape;
    row[0] = 1;
    return fmt::format("\"{}\": {}, as many rows of {} as there are, {}", output.name,
                       name_of(output.dtype), to_string(row), where);
  }
  return fmt::format("\"{}\": {}, {}, {}, {}", output.name, name_of(output.dtype),
                     to_string(output.shape), format_size(output.size_bytes), where);
}

}  // namespace

std::string plan_text(const JobPlan& plan, std::int64_t copied_bytes) {
  std::string text = line("kernel", plan.kernel) + line("plug-in", plan.plugin);
  if (!plan.instruction_set.empty()) {
    text += line("instruction set", plan.instruction_set);
  }
  text += line("index space", plan.index_space);
  text += line("items", fmt::format("{}, {} each", format_count(plan.items),
                                    format_size(plan.bytes_per_item)));
  text += line("chunks", chunks_text(plan)) + line("chunk size", plan.chunk_rule);
  text += line("workers", format_count(plan.workers));
  if (plan.pattern == Pattern::kReduce) {
    text += line("partials", partials_text(plan));
  }
  const std::string copied =
      copied_bytes == 0 ? "not copied" : format_size(copied_bytes) + " of them copied into memory";
  text += line("mapped", format_size(plan.mapped_bytes) + " of inputs, " + copied);
  text += line("reserved", format_size(plan.reserved_bytes) + " for outputs");
  for (const JobPlan::OutputPlan& output : plan.outputs) {
    text += line("output", output_text(plan, output));
  }
  return text;
}

std::string plan_json(const JobPlan& plan, std::int64_t copied_bytes) {
  nlohmann::ordered_json json;
  json["schema"] = kJsonSchema;
  json["outcome"] = "planned";
  json["kernel"] = plan.kernel;
  json["plugin"] = plan.plugin;
  json["instruction_set"] = plan.instruction_set;
  json["index_space"] = plan.index_space;
  json["items"] = plan.items;
  json["bytes_per_item"] = plan.bytes_per_item;
  json["chunks"] = {{"total", plan.chunks}, {"items", plan.chunk_items}, {"rule", plan.chunk_rule}};
  json["workers"] = plan.workers;
  if (plan.pattern == Pattern::kReduce) {
    json["partials"] = {{"count", plan.partials},
                        {"accumulator_bytes", plan.accumulator_bytes},
                        {"merged_at_once", plan.merged_at_once},
                        {"bytes", plan.partial_bytes}};
  }
  json["outputs"] = outputs_json(plan);
  if (plan.pattern == Pattern::kEmit) {
    // How many rows there are is known at the end.
    for (auto& output : json["outputs"]) {
      output["shape"][0] = nullptr;
      output["bytes"] = nullptr;
    }
  }
  json["bytes"] = {
      {"mapped", plan.mapped_bytes}, {"copied", copied_bytes}, {"reserved", plan.reserved_bytes}};
  return json_text(json);
}

}  // namespace gristmill::cli
