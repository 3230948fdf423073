#include "engine/emitted_output.h"

#include <algorithm>

#include <gristmill/format.h>

namespace gristmill::engine {
namespace {

// Neighbours of one extent as one.
std::vector<ipc::EmittedRange> joined(const std::vector<ipc::EmittedRange>& ranges) {
  std::vector<ipc::EmittedRange> parts;
  for (const ipc::EmittedRange& range : ranges) {
    if (range.rows == 0) continue;
    if (!parts.empty() && parts.back().extent == range.extent &&
        parts.back().first_row + parts.back().rows == range.first_row) {
      parts.back().rows += range.rows;
    } else {
      parts.push_back(range);
    }
  }
  return parts;
}

}  // namespace

EmittedOutput::EmittedOutput(std::string name, DType dtype, Shape shape,
                             std::shared_ptr<const EmittedMemory> memory, Layout layout,
                             const std::vector<ipc::EmittedRange>& ranges)
    : OutputArray(std::move(name), dtype, std::move(shape)),
      memory_(std::move(memory)),
      layout_(layout),
      parts_(joined(ranges)) {
  std::vector<std::int64_t> used_rows;
  for (const ipc::EmittedRange& part : parts_) {
    if (used_rows.size() <= part.extent) used_rows.resize(part.extent + std::size_t{1});
    used_rows[part.extent] = std::max(used_rows[part.extent], part.first_row + part.rows);
  }
  for (std::size_t extent = 0; extent < used_rows.size(); ++extent) {
    if (used_rows[extent] == 0) {
      mappings_.emplace_back();
      continue;
    }
    mappings_.emplace_back(memory_->segment.fd(),
                           offset_of({static_cast<std::uint32_t>(extent), 0, 0}),
                           used_rows[extent] * layout_.row_bytes);
  }
}

std::int64_t EmittedOutput::offset_of(const ipc::EmittedRange& part) const {
  return std::int64_t{part.extent} * layout_.region_bytes + layout_.offset_bytes +
         part.first_row * layout_.row_bytes;
}

void EmittedOutput::require_one_part() const {
  if (parts_.size() <= 1) return;
  throw Error(ErrorCode::kInvalid,
              {describe_output(name()) + " is not one array but " +
                   format_count(static_cast<std::int64_t>(parts_.size())) + " parts",
               {},
               "Take the parts, or a concatenated copy; an output file has them in one."});
}

PlacedArray EmittedOutput::place() const {
  require_one_part();
  const std::int64_t offset = parts_.empty() ? 0 : offset_of(parts_.front());
  return {name_of_part_, memory_->segment.fd(), offset, size_bytes(), 0, false};
}

ArrayView EmittedOutput::view() const {
  require_one_part();
  return parts_.empty() ? ArrayView(nullptr, dtype(), shape()) : parts().front();
}

std::vector<ArrayView> EmittedOutput::parts() const {
  std::vector<ArrayView> views;
  for (const ipc::EmittedRange& part : parts_) {
    Shape shape_of_part = shape();
    shape_of_part[0] = part.rows;
    views.emplace_back(mappings_[part.extent].data() + part.first_row * layout_.row_bytes, dtype(),
                       std::move(shape_of_part));
  }
  return views;
}

}  // namespace gristmill::engine
