#include "engine/plan_check.h"

#include <algorithm>
#include <optional>
#include <string>

#include <gristmill/error.h>

namespace gristmill::engine {
namespace {

[[noreturn]] void fail(const KernelInfo& kernel, const std::string& what) {
  throw Error(ErrorCode::kFailed, "kernel \"" + kernel.name + "\" planned " + what);
}

// What the index space says of the items, for whoever believes no worker.
std::int64_t items_of(const ipc::IndexSpace& space, const ipc::KernelRequest& request,
                      std::int64_t claimed) {
  if (space.has_tiles()) return ipc::tile_count(space).value_or(-1);
  if (space.kind == ipc::SpaceKind::kRange) return claimed;
  if (space.input >= request.inputs.size() || !request.inputs[space.input]) return -1;
  const Shape& shape = request.inputs[space.input]->shape;
  return shape.empty() ? 1 : shape[0];
}

// How an output of a map must begin: with a row for each item, or with the rows and columns of
// tiles.
bool has_items(const ipc::Planned& planned, const Shape& shape) {
  if (!planned.space.has_tiles()) return !shape.empty() && shape[0] == planned.items;
  return shape.size() >= 2 && shape[0] == planned.space.rows && shape[1] == planned.space.columns;
}

// Of the array and of its row; none if there cannot be so many.
std::optional<std::int64_t> most_bytes(const ipc::ArraySpec& array) {
  const Shape row(array.shape.begin() + (array.shape.empty() ? 0 : 1), array.shape.end());
  const auto whole_bytes = size_bytes(array.dtype, array.shape);
  const auto row_bytes = size_bytes(array.dtype, row);
  if (!whole_bytes || !row_bytes) return std::nullopt;
  return std::max(*whole_bytes, *row_bytes);
}

void require_sensible_outputs(const KernelInfo& kernel, const ipc::Planned& planned) {
  if (planned.outputs.size() != kernel.outputs.size()) fail(kernel, "a wrong number of outputs");
  std::int64_t all_bytes = 0;
  for (std::size_t i = 0; i < planned.outputs.size(); ++i) {
    ipc::ArraySpec array = planned.outputs[i];
    const std::string name = "output \"" + kernel.outputs[i].name + "\" ";
    if (array.shape.size() > kMaxRank) {
      fail(kernel, name + "with " + std::to_string(array.shape.size()) + " axes");
    }
    if (kernel.pattern == Pattern::kMap && !has_items(planned, array.shape)) {
      fail(kernel, name + "without a row for each item");
    }
    if (kernel.pattern == Pattern::kEmit) {
      if (array.shape.empty()) fail(kernel, name + "without rows");
      array.shape[0] = 0;  // known at the end
    }
    if (std::any_of(array.shape.begin(), array.shape.end(), [](auto n) { return n < 0; })) {
      fail(kernel, name + "with a negative length");
    }
    const auto bytes = most_bytes(array);
    if (!bytes) fail(kernel, name + "larger than any memory");
    if (__builtin_add_overflow(all_bytes, *bytes, &all_bytes)) {
      fail(kernel, "outputs that are larger than any memory together");
    }
  }
}

}  // namespace

void require_sensible(const KernelInfo& kernel, const ipc::KernelRequest& request,
                      const ipc::Planned& planned) {
  if (planned.items < 0) fail(kernel, "a negative number of items");
  if (planned.bytes_per_item < 0) fail(kernel, "a negative number of bytes per item");
  if (items_of(planned.space, request, planned.items) != planned.items) {
    fail(kernel, "items that are not those of its index space");
  }
  if (kernel.pattern == Pattern::kReduce && planned.accumulator_bytes < 1) {
    fail(kernel, "no accumulator");
  }
  require_sensible_outputs(kernel, planned);
}

}  // namespace gristmill::engine
