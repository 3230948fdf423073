#include "workers/output_filler.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <gristmill/error.h>

namespace gristmill::workers {

OutputFiller OutputFiller::of_byte(const std::vector<JobArray>& outputs,
                                   const ipc::IndexSpace& space, std::int64_t rows,
                                   std::byte byte) {
  ipc::ElementBytes element;
  element.fill(byte);
  OutputFiller filler;
  for (const JobArray& output : outputs) filler.add(output, space, rows, element);
  return filler;
}

OutputFiller OutputFiller::of_number(const std::vector<JobArray>& outputs,
                                     const ipc::IndexSpace& space, std::int64_t rows,
                                     std::optional<double> value) {
  OutputFiller filler;
  for (const JobArray& output : outputs) {
    const std::optional<ipc::ElementBytes> element = ipc::fill_element(output.spec.dtype, value);
    if (!element) {
      throw Error(ErrorCode::kInternal,
                  "the fill value is no " + std::string(name_of(output.spec.dtype)));
    }
    filler.add(output, space, rows, *element);
  }
  return filler;
}

void OutputFiller::add(const JobArray& output, const ipc::IndexSpace& space, std::int64_t rows,
                       const ipc::ElementBytes& element) {
  mirrors_ = space.kind == ipc::SpaceKind::kTriangle;
  if (output.data == nullptr) return;
  const std::int64_t bytes = size_bytes(output.spec.dtype, output.spec.shape).value_or(0);
  const std::int64_t row_bytes = rows > 0 ? bytes / rows : 0;
  const auto element_bytes = static_cast<std::int64_t>(size_of(output.spec.dtype));
  const bool one_byte = std::all_of(element.begin(), element.begin() + element_bytes,
                                    [&](std::byte byte) { return byte == element[0]; });
  outputs_.push_back({static_cast<std::byte*>(output.data), row_bytes,
                      space.columns > 0 ? row_bytes / space.columns : 0, bytes, element_bytes,
                      element, one_byte});
}

void OutputFiller::fill_rows(std::int64_t begin, std::int64_t end) const {
  for (const FilledOutput& output : outputs_) {
    write(output, begin * output.row_bytes, end * output.row_bytes);
  }
}

void OutputFiller::fill_tile(const ipc::Tile& tile) const {
  fill_block(tile);
  if (mirrors_) fill_block({tile.column_begin, tile.column_end, tile.row_begin, tile.row_end});
}

void OutputFiller::fill_block(const ipc::Tile& tile) const {
  for (const FilledOutput& output : outputs_) {
    for (std::int64_t row = tile.row_begin; row < tile.row_end; ++row) {
      const std::int64_t begin = row * output.row_bytes;
      write(output, begin + tile.column_begin * output.cell_bytes,
            begin + tile.column_end * output.cell_bytes);
    }
  }
}

void OutputFiller::fill_all() const {
  for (const FilledOutput& output : outputs_) write(output, 0, output.size_bytes);
}

void OutputFiller::write(const FilledOutput& output, std::int64_t begin, std::int64_t end) {
  if (output.one_byte) {
    std::memset(output.data + begin, std::to_integer<int>(output.element[0]),
                static_cast<std::size_t>(end - begin));
    return;
  }
  for (std::int64_t at = begin; at < end; at += output.element_bytes) {
    std::memcpy(output.data + at, output.element.data(),
                static_cast<std::size_t>(output.element_bytes));
  }
}

}  // namespace gristmill::workers
