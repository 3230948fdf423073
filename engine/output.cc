#include "engine/output.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/file_output.h"
#include "engine/memory_output.h"
#include "ipc/pages.h"

namespace gristmill::engine {
namespace {

std::int64_t checked_size_bytes(const std::string& name, DType dtype, const Shape& shape) {
  const auto size = size_bytes(dtype, shape);
  if (size && shape.size() <= kMaxRank) return *size;
  throw Error(ErrorCode::kInvalid,
              fmt::format("{} cannot have the shape {}", describe_output(name), to_string(shape)));
}

// Arrays that share a segment do not share a cache line.
std::int64_t rounded_to_line(std::int64_t size_bytes) {
  constexpr std::int64_t kLineBytes = 64;
  return (size_bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
}

// Where each output in memory lies: small ones behind each other in segment 0, large ones alone.
struct MemoryLayout {
  struct Place {
    std::size_t segment = 0;
    std::int64_t offset_bytes = 0;
  };
  std::vector<std::int64_t> segment_bytes = {0};
  std::vector<Place> places;  // by output; not used for files
  std::string what;
};

MemoryLayout lay_out(const std::vector<JobPlan::OutputPlan>& plans) {
  MemoryLayout layout;
  for (const auto& plan : plans) {
    MemoryLayout::Place& place = layout.places.emplace_back();
    if (!plan.path.empty()) continue;
    const std::int64_t size = checked_size_bytes(plan.name, plan.dtype, plan.shape);
    layout.what += (layout.what.empty() ? "" : ", ") + describe_output(plan.name);
    if (size < ipc::kHugePageBytes) {
      place.offset_bytes = layout.segment_bytes[0];
      layout.segment_bytes[0] += rounded_to_line(std::max<std::int64_t>(size, 1));
    } else {
      place.segment = layout.segment_bytes.size();
      layout.segment_bytes.push_back(size);
    }
  }
  return layout;
}

}  // namespace

OutputArray::OutputArray(std::string name, DType dtype, Shape shape)
    : name_(std::move(name)),
      dtype_(dtype),
      shape_(std::move(shape)),
      size_bytes_(checked_size_bytes(name_, dtype_, shape_)) {}

std::string describe_output(const std::string& name) { return "output \"" + name + "\""; }

std::vector<std::shared_ptr<OutputArray>> reserve_outputs(
    const std::vector<JobPlan::OutputPlan>& plans, bool replace_existing, SegmentPool& pool) {
  const MemoryLayout layout = lay_out(plans);
  const auto segments = pool.take_all(layout.segment_bytes, layout.what);
  std::vector<std::shared_ptr<OutputArray>> outputs;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const auto& plan = plans[i];
    if (!plan.path.empty()) {
      outputs.push_back(std::make_shared<FileOutput>(plan.name, plan.dtype, plan.shape, plan.path,
                                                     replace_existing));
      continue;
    }
    const auto [index, offset] = layout.places[i];
    outputs.push_back(
        std::make_shared<MemoryOutput>(plan.name, plan.dtype, plan.shape, segments[index], offset));
  }
  return outputs;
}

}  // namespace gristmill::engine
