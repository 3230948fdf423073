#include "kernels/copy.h"

#include <vector>

#include "kernels/streaming_copy.h"

namespace gristmill::kernels {

void Copy::plan(const kernel::Request& request, kernel::Plan& plan) {
  const kernel::Input array = request.input("array");
  if (array.rank() == 0) {
    throw kernel::Invalid("input \"array\" has no axes", "Give it one: a shape of 1.");
  }
  std::vector<std::int64_t> row;
  for (std::uint32_t axis = 1; axis < array.rank(); ++axis) row.push_back(array.shape(axis));
  plan.rows_of("array").output("copy", array.dtype(), row);
}

void Copy::run(const kernel::Chunk& chunk) const {
  const std::span<std::byte> rows = chunk.output_bytes("copy");
  if (rows.empty()) return;
  const std::size_t row_bytes = rows.size() / static_cast<std::size_t>(chunk.size());
  streaming_copy(rows, source_.data() + static_cast<std::size_t>(chunk.begin()) * row_bytes);
}

}  // namespace gristmill::kernels
