#include "bench/openmp_job.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "bench/peers.h"
#include "engine/params.h"
#include "workers/shared_object_host.h"

namespace gristmill::bench {
namespace {

constexpr std::int64_t kGapBytes = std::int64_t{1} << 20;

KernelInfo info_of(const workers::KernelHost& host, const std::string& kernel) {
  for (KernelInfo& info : host.describe()) {
    if (info.name == kernel) return std::move(info);
  }
  throw std::runtime_error("the plug-in has no kernel " + kernel);
}

const Dataset* input_named(const JobSpec& spec, const std::string& name) {
  for (const Input& input : spec.inputs) {
    if (input.name == name) return &input.data;
  }
  return nullptr;
}

bool is_wanted(const JobPlan& plan, const std::string& output) {
  return std::any_of(plan.outputs.begin(), plan.outputs.end(),
                     [&](const JobPlan::OutputPlan& wanted) { return wanted.name == output; });
}

std::int64_t bytes_of(const ipc::ArraySpec& spec) {
  return size_bytes(spec.dtype, spec.shape).value();
}

}  // namespace

OpenmpJob::OpenmpJob(const JobSpec& spec, const JobPlan& plan)
    : host_(std::make_unique<workers::SharedObjectHost>(plan.plugin)),
      info_(info_of(*host_, spec.kernel)),
      items_(plan.items),
      chunk_items_(plan.chunk_items),
      accumulator_bytes_(plan.accumulator_bytes) {
  ipc::KernelRequest request{plan.plugin, 0, spec.kernel, {}, {}, {}};
  request.params = engine::resolve_params(info_, spec.params);
  for (const KernelInfo::Output& output : info_.outputs) {
    request.outputs_wanted.push_back(is_wanted(plan, output.name));
  }
  std::vector<workers::JobArray> inputs;
  for (const KernelInfo::Input& declared : info_.inputs) {
    const Dataset* data = input_named(spec, declared.name);
    auto& asked = request.inputs.emplace_back();
    if (data == nullptr) {
      inputs.emplace_back();
      continue;
    }
    asked = ipc::ArraySpec{data->dtype(), data->shape()};
    inputs.push_back(warm_array(*asked));
    std::memcpy(inputs.back().data, data->view().data(),
                static_cast<std::size_t>(bytes_of(*asked)));
  }
  const ipc::Planned planned = host_->plan(request);
  space_ = planned.space;
  for (std::size_t i = 0; i < planned.outputs.size(); ++i) {
    outputs_.push_back(request.outputs_wanted[i] ? warm_array(planned.outputs[i])
                                                 : workers::JobArray{nullptr, planned.outputs[i]});
  }
  for (int thread = 0; thread < usable_cpus(); ++thread) {
    if (accumulator_bytes_ > 0) {
      // Neighbours would lose their cache lines to each other's prefetching.
      accumulators_.push_back(warm_array({DType::kInt8, {accumulator_bytes_ + kGapBytes}}).data);
    }
    kernels_.push_back(
        host_->open(request, inputs, outputs_, accumulator_bytes_, {cancel_, nullptr, nullptr}));
  }
}

workers::JobArray OpenmpJob::warm_array(const ipc::ArraySpec& spec) {
  const std::int64_t bytes = std::max<std::int64_t>(bytes_of(spec), 1);
  memory_.push_back(std::make_unique<FreshPages>(bytes, Pages::kPrivateHuge));
  std::memset(memory_.back()->data(), 0, static_cast<std::size_t>(bytes));
  return {memory_.back()->data(), spec};
}

void OpenmpJob::run() {
  const auto threads = static_cast<std::int64_t>(kernels_.size());
  const std::int64_t chunks = (items_ + chunk_items_ - 1) / chunk_items_;
  openmp_static(static_cast<int>(threads), threads, [&](std::int64_t i) {
    const auto thread = static_cast<std::size_t>(i);
    if (accumulator_bytes_ > 0) {
      std::memset(accumulators_[thread], 0, static_cast<std::size_t>(accumulator_bytes_));
    }
    const std::int64_t end = chunks * (i + 1) / threads;
    for (std::int64_t chunk = chunks * i / threads; chunk < end; ++chunk) run_chunk(thread, chunk);
  });
  if (accumulator_bytes_ > 0) merge_and_finish();
}

void OpenmpJob::run_chunk(std::size_t thread, std::int64_t chunk) {
  void* accumulator = accumulator_bytes_ > 0 ? accumulators_[thread] : nullptr;
  const std::int64_t begin = chunk * chunk_items_;
  const std::int64_t end = std::min(begin + chunk_items_, items_);
  if (!space_.has_tiles()) {
    return kernels_[thread]->run({begin, end, {begin, end, 0, 0}}, accumulator);
  }
  for (std::int64_t item = begin; item < end; ++item) {
    kernels_[thread]->run({item, item + 1, ipc::tile_at(space_, item)}, accumulator);
  }
}

void OpenmpJob::merge_and_finish() {
  for (std::size_t i = 1; i < accumulators_.size(); ++i) {
    kernels_[0]->merge(accumulators_[0], accumulators_[i]);
  }
  kernels_[0]->finish(accumulators_[0]);
}

const std::byte* OpenmpJob::output(const std::string& name) const {
  std::size_t index = 0;
  while (info_.outputs.at(index).name != name) ++index;
  return static_cast<const std::byte*>(outputs_[index].data);
}

}  // namespace gristmill::bench
