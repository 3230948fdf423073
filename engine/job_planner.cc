#include "engine/job_planner.h"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

#include <gristmill/format.h>
#include <gristmill/kernel.h>

#include "engine/dataset_storage.h"
#include "engine/declared_names.h"
#include "engine/job_inputs.h"
#include "engine/output_target.h"
#include "engine/params.h"
#include "engine/partials_plan.h"
#include "engine/plan_check.h"
#include "ipc/codec.h"
#include "ipc/fill_element.h"

namespace gristmill::engine {
namespace {

constexpr std::size_t kMaxAnswers = 256;

// The kernel's output that each requested one is; all of them if none is requested.
std::vector<std::size_t> match_outputs(const KernelInfo& kernel, std::vector<Output>& requested) {
  const std::vector<std::string> known = names_of(kernel.outputs);
  if (requested.empty()) {
    for (const std::string& name : known) requested.push_back({name, {}});
  }
  std::vector<std::size_t> indexes;
  for (Output& output : requested) {
    if (output.name.empty()) {
      if (known.size() != 1) {
        throw invalid("kernel \"" + kernel.name + "\" has several outputs: name each one",
                      "They are called " + joined(known) + ": write " + known.at(0) + "=" +
                          output.path.string() + ".");
      }
      output.name = known[0];
    }
    indexes.push_back(index_of(kernel.name, "output", output.name, known));
    if (std::count(indexes.begin(), indexes.end(), indexes.back()) > 1) {
      throw invalid("output \"" + output.name + "\" is asked for twice");
    }
  }
  return indexes;
}

std::vector<FileId> input_files(const std::vector<Input>& inputs) {
  std::vector<FileId> files;
  for (const Input& input : inputs) {
    if (const auto& id = input.data.storage()->file_id()) files.push_back(*id);
  }
  return files;
}

ipc::KernelRequest request_for(const KernelInfo& kernel, std::uint64_t identity,
                               const PlannedJob& job, std::vector<ParamValue> params) {
  ipc::KernelRequest request{kernel.plugin, identity, kernel.name, {}, std::move(params), {}};
  for (const auto& input : job.inputs) {
    auto& spec = request.inputs.emplace_back();
    if (input) spec = ipc::ArraySpec{input->dtype(), input->shape()};
  }
  for (const auto& index : job.plan_output_index) {
    request.outputs_wanted.push_back(index.has_value());
  }
  return request;
}

void require_possible(const FaultPolicy& faults, const KernelInfo& kernel, const PlannedJob& job,
                      const std::vector<std::size_t>& wanted) {
  if (faults.retries < 0) throw invalid("the number of retries is negative");
  if (faults.chunk_timeout.count() < 0 || faults.stopped_timeout.count() < 0) {
    throw invalid("a timeout is negative");
  }
  if (faults.bisect && faults.on_error == OnError::kStop) {
    throw invalid("a job that stops at a chunk that cannot be computed has nothing to bisect",
                  "Ask for on_error = skip as well.");
  }
  if (kernel.pattern != Pattern::kMap) {
    if (faults.bisect) {
      throw invalid("only the chunks of a map can be bisected, and \"" + kernel.name +
                    "\" is none");
    }
    return;
  }
  for (const std::size_t index : wanted) {
    const DType dtype = job.output_specs[index].dtype;
    if (ipc::fill_element(dtype, faults.fill)) continue;
    throw invalid("the fill value " + fmt::format("{}", *faults.fill) + " is no " +
                      std::string(name_of(dtype)) + ", as output \"" + kernel.outputs[index].name +
                      "\" has them",
                  "Choose a number that all outputs can hold, or ask for fewer outputs.");
  }
}

std::string in_words(const ipc::IndexSpace& space, const KernelInfo& kernel) {
  if (space.kind == ipc::SpaceKind::kRows) {
    return "rows of \"" + kernel.inputs[space.input].name + "\"";
  }
  if (space.kind == ipc::SpaceKind::kRange) return "range";
  const std::string tiles = "tiles of " + format_count(space.tile_rows) + " x " +
                            format_count(space.tile_columns) + " pairs of ";
  if (space.kind == ipc::SpaceKind::kTriangle) {
    return tiles + format_count(space.rows) + " rows, upper triangle";
  }
  return tiles + format_count(space.rows) + " x " + format_count(space.columns) + " rows";
}

std::int64_t mapped_bytes(const PlannedJob& job) {
  std::int64_t sum = 0;
  for (const auto& input : job.inputs) sum += input ? input->size_bytes() : 0;
  return sum;
}

void plan_work(PlannedJob& job, const ipc::Planned& planned, ChunkSize size, Pattern pattern,
               int workers) {
  ChunkDemand demand{planned.items, planned.bytes_per_item, planned.nanoseconds_per_item};
  const bool reduces = pattern == Pattern::kReduce;
  const bool exact_merge = (planned.flags & GM_EXACT_MERGE) != 0;
  if (reduces && !exact_merge) demand.most_chunks = most_leaves(planned.accumulator_bytes);
  job.chunks = plan_chunks(demand, size);
  if (!reduces) return;
  const std::int64_t leaves =
      exact_merge ? std::min<std::int64_t>(workers, job.chunks.chunks) : job.chunks.chunks;
  job.partials =
      plan_partials(planned.accumulator_bytes, static_cast<std::uint32_t>(leaves), exact_merge);
}

// All of the plan but its outputs.
JobPlan job_plan(const KernelInfo& kernel, const ipc::Planned& planned, const PlannedJob& job,
                 int workers) {
  JobPlan plan;
  plan.kernel = kernel.name;
  plan.pattern = kernel.pattern;
  plan.plugin = kernel.plugin;
  plan.instruction_set = planned.instruction_set;
  plan.index_space = in_words(planned.space, kernel);
  plan.items = planned.items;
  plan.bytes_per_item = planned.bytes_per_item;
  plan.chunk_items = job.chunks.chunk_items;
  plan.chunks = job.chunks.chunks;
  plan.chunk_rule = job.chunks.rule;
  plan.workers = static_cast<int>(std::min<std::int64_t>(workers, plan.chunks));
  if (job.partials) {
    plan.workers = std::max(plan.workers, 1);  // somebody must finish the result of no chunks
    plan.partials = job.partials->leaves;
    plan.accumulator_bytes = job.partials->accumulator_bytes;
    plan.merged_at_once = job.partials->fan_in;
    plan.partial_bytes = size_bytes(*job.partials);
  }
  plan.mapped_bytes = mapped_bytes(job);
  return plan;
}

// wanted: the kernel's output that each requested one is.
void plan_outputs(PlannedJob& job, const std::vector<Output>& requested,
                  const std::vector<std::size_t>& wanted) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const ipc::ArraySpec& array = job.output_specs[wanted[i]];
    const std::int64_t bytes = *size_bytes(array.dtype, array.shape);
    job.plan.reserved_bytes += bytes;
    job.plan.outputs.push_back(
        {requested[i].name, array.dtype, array.shape, bytes, requested[i].path});
  }
}

}  // namespace

JobPlanner::JobPlanner(Planner& planner, std::vector<std::string> plugins, int workers)
    : planner_(planner), plugins_(std::move(plugins)), workers_(workers) {}

PlannedJob JobPlanner::plan(JobSpec spec) {
  const KernelInfo info = kernel(spec.kernel);
  PlannedJob job;
  job.replace_existing = spec.replace_existing;
  job.faults = spec.faults;
  job.inputs = match_inputs(info, spec.inputs);
  const std::vector<std::size_t> wanted = match_outputs(info, spec.outputs);
  job.plan_output_index.resize(info.outputs.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) job.plan_output_index[wanted[i]] = i;
  check_output_targets(spec.outputs, spec.replace_existing, input_files(spec.inputs));
  job.request = request_for(info, identity_of(info.plugin), job, resolve_params(info, spec.params));

  ipc::Planned planned = ask(job.request);
  require_sensible(info, job.request, planned);
  if (info.pattern == Pattern::kEmit) {
    for (ipc::ArraySpec& output : planned.outputs) output.shape[0] = 0;  // known at the end
  }
  job.space = planned.space;
  job.flags = planned.flags;
  plan_work(job, planned, spec.chunk_size, info.pattern, workers_);
  job.plan = job_plan(info, planned, job, workers_);
  job.output_specs = std::move(planned.outputs);
  require_possible(job.faults, info, job, wanted);
  plan_outputs(job, spec.outputs, wanted);
  return job;
}

// A kernel is asked the same only once.
ipc::Planned JobPlanner::ask(const ipc::KernelRequest& request) {
  const std::vector<std::byte> encoded = ipc::encode(ipc::Task(ipc::PlanRequest{0, request}));
  const std::string key(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  {
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find(key);
    if (found != answers_.end()) return found->second;
  }
  ipc::Planned planned = planner_.plan(request);
  const std::lock_guard lock(mutex_);
  if (answers_.size() >= kMaxAnswers) answers_.clear();
  answers_.emplace(key, planned);
  return planned;
}

std::vector<KernelInfo> JobPlanner::kernels() {
  const std::lock_guard lock(mutex_);
  std::vector<KernelInfo> all;
  for (const std::string& plugin : plugins_) {
    const std::vector<KernelInfo>& kernels = plugin_at(plugin).kernels;
    all.insert(all.end(), kernels.begin(), kernels.end());
  }
  return all;
}

KernelInfo JobPlanner::kernel(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const KernelInfo* found = nullptr;
  std::vector<std::string> names;
  for (const std::string& plugin : plugins_) {
    for (const KernelInfo& kernel : plugin_at(plugin).kernels) {
      if (found == nullptr && kernel.name == name) found = &kernel;
      names.push_back(kernel.name);
    }
  }
  if (found == nullptr) throw unknown_name("kernel", name, names);
  return *found;
}

std::uint64_t JobPlanner::identity_of(const std::string& plugin) {
  const std::lock_guard lock(mutex_);
  return plugin_at(plugin).identity;
}

const DescribedPlugin& JobPlanner::plugin_at(const std::string& path) {
  const auto found = described_.find(path);
  if (found != described_.end()) return found->second;
  return described_[path] = planner_.describe(path);
}

}  // namespace gristmill::engine
