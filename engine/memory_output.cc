#include "engine/memory_output.h"

#include <cassert>

namespace gristmill::engine {

MemoryOutput::MemoryOutput(std::string name, DType dtype, Shape shape,
                           std::shared_ptr<const PooledSegment> segment, std::int64_t offset_bytes)
    : OutputArray(std::move(name), dtype, std::move(shape)),
      segment_(std::move(segment)),
      offset_bytes_(offset_bytes) {
  assert(offset_bytes_ >= 0 && size_bytes() <= segment_->size_bytes() - offset_bytes_);
}

PlacedArray MemoryOutput::place() const {
  return {segment_->name(), segment_->fd(), 0, segment_->size_bytes(), offset_bytes_, false};
}

}  // namespace gristmill::engine
