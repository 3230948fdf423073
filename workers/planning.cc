#include "workers/planning.h"

#include <algorithm>
#include <limits>
#include <string>

#include <gristmill/error.h>

#include "workers/kernel_call.h"

namespace gristmill::workers {
namespace {

[[noreturn]] void fail(const gm_kernel& kernel, const std::string& what) {
  throw Error(ErrorCode::kFailed, "kernel \"" + std::string(kernel.name) + "\" planned " + what);
}

ipc::ArraySpec spec_of(const gm_kernel& kernel, const gm_output_decl& output,
                       const gm_array& array) {
  const std::string name = "output \"" + std::string(output.name) + "\" ";
  if (array.dtype < 1 || array.dtype > static_cast<gm_dtype>(kLastDType) ||
      array.rank > GM_MAX_RANK) {
    fail(kernel, name + "of no known dtype or rank");
  }
  const std::uint32_t first = kernel.pattern == GM_EMIT ? std::min(array.rank, 1U) : 0;
  if (std::any_of(array.shape + first, array.shape + array.rank,
                  [](std::int64_t length) { return length < 0; })) {
    fail(kernel, name + "with a negative length");
  }
  return {static_cast<DType>(array.dtype), Shape(array.shape, array.shape + array.rank)};
}

ipc::IndexSpace space_of(const gm_kernel& kernel, const gm_plan& plan) {
  ipc::IndexSpace space;
  if (plan.index_space > GM_TRIANGLE) fail(kernel, "an index space that is none");
  space.kind = static_cast<ipc::SpaceKind>(plan.index_space);
  if (space.kind == ipc::SpaceKind::kRows) space.input = plan.input;
  if (!space.has_tiles()) return space;
  space.rows = plan.rows;
  space.tile_rows = plan.tile_rows == 0 ? ipc::kDefaultTileRows : plan.tile_rows;
  const bool triangle = space.kind == ipc::SpaceKind::kTriangle;
  space.columns = triangle && plan.columns == 0 ? plan.rows : plan.columns;
  space.tile_columns = triangle && plan.tile_columns == 0 ? space.tile_rows
                       : plan.tile_columns == 0           ? ipc::kDefaultTileRows
                                                          : plan.tile_columns;
  return space;
}

std::int64_t items_of(const gm_kernel& kernel, const ipc::KernelRequest& request,
                      const gm_plan& plan, const ipc::IndexSpace& space) {
  if (space.kind == ipc::SpaceKind::kRange) return plan.items;
  if (space.has_tiles()) {
    const auto tiles = ipc::tile_count(space);
    if (!tiles) fail(kernel, "tiles that there cannot be");
    return *tiles;
  }
  if (space.input >= request.inputs.size() || !request.inputs[space.input]) {
    fail(kernel, "the rows of an input that is not there");
  }
  const Shape& shape = request.inputs[space.input]->shape;
  return shape.empty() ? 1 : shape[0];
}

// Bytes behind the first axes of an array; saturates.
std::int64_t bytes_behind(const ipc::ArraySpec& array, std::size_t axes) {
  auto bytes = static_cast<std::int64_t>(size_of(array.dtype));
  for (std::size_t axis = axes; axis < array.shape.size(); ++axis) {
    if (__builtin_mul_overflow(bytes, array.shape[axis], &bytes)) {
      return std::numeric_limits<std::int64_t>::max();
    }
  }
  return bytes;
}

std::int64_t bytes_per_item(const gm_kernel& kernel, const ipc::KernelRequest& request,
                            const ipc::Planned& planned) {
  std::int64_t bytes = 0;
  const auto add = [&](std::int64_t more) {
    if (__builtin_add_overflow(bytes, more, &bytes)) {
      bytes = std::numeric_limits<std::int64_t>::max();
    }
  };
  if (planned.space.kind == ipc::SpaceKind::kRows) {
    add(bytes_behind(*request.inputs[planned.space.input], 1));
  }
  if (kernel.pattern == GM_REDUCE) return bytes;
  const bool blocks = planned.space.has_tiles() && kernel.pattern == GM_MAP;
  for (const ipc::ArraySpec& output : planned.outputs) {
    std::int64_t of_output = bytes_behind(output, blocks ? 2 : 1);
    std::int64_t pairs = 0;
    if (blocks &&
        (__builtin_mul_overflow(planned.space.tile_rows, planned.space.tile_columns, &pairs) ||
         __builtin_mul_overflow(of_output, pairs, &of_output))) {
      of_output = std::numeric_limits<std::int64_t>::max();
    }
    add(of_output);
  }
  return bytes;
}

}  // namespace

ipc::Planned plan_kernel(const gm_kernel& kernel, const ipc::KernelRequest& request) {
  const CRequest c_request(kernel, request);
  CallContext context(kernel.name, nullptr);
  gm_plan plan{};
  plan.struct_size = sizeof(gm_plan);
  plan.flags = kernel.flags;
  context.require_ok(kernel.plan(context.host(), &c_request.get(), &plan));
  ipc::Planned planned;
  planned.flags = plan.flags;
  planned.space = space_of(kernel, plan);
  planned.items = items_of(kernel, request, plan, planned.space);
  planned.nanoseconds_per_item = plan.nanoseconds_per_item;
  planned.instruction_set = plan.instruction_set == nullptr ? "" : plan.instruction_set;
  planned.accumulator_bytes = plan.accumulator_bytes;
  for (std::uint32_t i = 0; i < kernel.output_count; ++i) {
    planned.outputs.push_back(spec_of(kernel, kernel.outputs[i], plan.outputs[i]));
  }
  planned.bytes_per_item =
      plan.bytes_per_item != 0 ? plan.bytes_per_item : bytes_per_item(kernel, request, planned);
  return planned;
}

}  // namespace gristmill::workers
