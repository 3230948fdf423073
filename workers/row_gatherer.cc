#include "workers/row_gatherer.h"

#include <algorithm>
#include <cstring>

#include <gristmill/error.h>

namespace gristmill::workers {

RowGatherer::RowGatherer(const ipc::Emit& emit, const std::vector<ipc::ArraySpec>& outputs,
                         const std::vector<ipc::UniqueFd>& fds, MemoryCache& memory,
                         const ipc::ControlSegment& control)
    : emit_(emit), segment_fd_(fds.at(emit.placement.fd_index).get()) {
  read_records(control);
  for (std::size_t i = 0; i < emit.files.size(); ++i) {
    if (!emit.files[i]) continue;
    ipc::Placement place = *emit.files[i];
    const std::int64_t row_bytes = ipc::row_bytes(outputs.at(i));
    place.range_bytes = first_row_.back() * row_bytes;
    MappedMemory& file = memory.map(fds.at(place.fd_index).get(), place, ipc::Access::kWrite);
    files_.push_back({i, row_bytes, &file});
  }
  mappings_.resize(files_.size() * emit.extents);
}

void RowGatherer::read_records(const ipc::ControlSegment& control) {
  extent_rows_.resize(emit_.extents);
  ranges_.reserve(control.records());
  first_row_.reserve(control.records() + std::size_t{1});
  std::int64_t rows = 0;
  for (std::uint32_t chunk = 0; chunk < control.records(); ++chunk) {
    first_row_.push_back(rows);
    const ipc::EmittedRange range = ipc::read_record(control.record(chunk));
    if (!range.lies_within(emit_.extents, emit_.capacity_rows)) {
      throw Error(ErrorCode::kInternal, "a record names rows that there cannot be");
    }
    extent_rows_[range.extent] = std::max(extent_rows_[range.extent], range.first_row + range.rows);
    ranges_.push_back(range);
    rows += range.rows;
  }
  first_row_.push_back(rows);
}

void RowGatherer::gather(std::uint32_t chunk) {
  const ipc::EmittedRange& range = ranges_.at(chunk);
  if (range.rows == 0) return;
  for (const File& file : files_) {
    const std::int64_t begin = first_row_[chunk] * file.row_bytes;
    const std::int64_t size = range.rows * file.row_bytes;
    file.memory->pages().prepare(begin, begin + size);
    std::memcpy(file.memory->data() + begin,
                rows_of(range.extent, file) + range.first_row * file.row_bytes,
                static_cast<std::size_t>(size));
  }
}

// Mapped at the first use, as far as it is used.
const std::byte* RowGatherer::rows_of(std::uint32_t extent, const File& file) {
  const auto number = static_cast<std::size_t>(&file - files_.data());
  auto& mapping = mappings_[number * emit_.extents + extent];
  if (!mapping) {
    mapping.emplace(segment_fd_,
                    std::int64_t{extent} * emit_.region_bytes + emit_.offsets[file.output],
                    extent_rows_[extent] * file.row_bytes);
  }
  return mapping->data();
}

}  // namespace gristmill::workers
