#include "engine/output.h"

#include <fmt/core.h>

#include "engine/file_output.h"
#include "engine/memory_output.h"
#include "engine/reservation.h"

namespace gristmill::engine {
namespace {

std::int64_t checked_size_bytes(const std::string& name, DType dtype, const Shape& shape) {
  const auto size = size_bytes(dtype, shape);
  if (size && shape.size() <= kMaxRank) return *size;
  throw Error(ErrorCode::kInvalid,
              fmt::format("{} cannot have the shape {}", describe_output(name), to_string(shape)));
}

void require_memory_for(const std::vector<JobPlan::OutputPlan>& plans) {
  std::int64_t total = 0;
  std::string what;
  for (const auto& plan : plans) {
    if (!plan.path.empty()) continue;
    const std::int64_t size = checked_size_bytes(plan.name, plan.dtype, plan.shape);
    if (__builtin_add_overflow(total, size, &total)) total = INT64_MAX;
    what += (what.empty() ? "" : ", ") + describe_output(plan.name);
  }
  if (total > 0) require_memory(total, what);
}

}  // namespace

OutputArray::OutputArray(std::string name, DType dtype, Shape shape)
    : name_(std::move(name)),
      dtype_(dtype),
      shape_(std::move(shape)),
      size_bytes_(checked_size_bytes(name_, dtype_, shape_)) {}

std::string describe_output(const std::string& name) { return "output \"" + name + "\""; }

std::vector<std::unique_ptr<OutputArray>> reserve_outputs(
    const std::vector<JobPlan::OutputPlan>& plans, bool replace_existing) {
  require_memory_for(plans);
  std::vector<std::unique_ptr<OutputArray>> outputs;
  for (const auto& plan : plans) {
    if (plan.path.empty()) {
      outputs.push_back(std::make_unique<MemoryOutput>(plan.name, plan.dtype, plan.shape));
    } else {
      outputs.push_back(std::make_unique<FileOutput>(plan.name, plan.dtype, plan.shape, plan.path,
                                                     replace_existing));
    }
  }
  return outputs;
}

}  // namespace gristmill::engine
