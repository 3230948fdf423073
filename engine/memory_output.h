#pragma once

#include <memory>

#include "engine/output.h"
#include "engine/segment_pool.h"

namespace gristmill::engine {

// An output in a segment of the pool, alone or with others. Its memory is not counted here:
// reserve_outputs does. Errors: kInvalid for a shape that is none.
class MemoryOutput : public OutputArray {
 public:
  // Requires: the array fits into the segment from the offset on.
  MemoryOutput(std::string name, DType dtype, Shape shape,
               std::shared_ptr<const PooledSegment> segment, std::int64_t offset_bytes);

  PlacedArray place() const override;
  std::shared_ptr<const void> memory() const override { return segment_; }
  void publish() override {}
  ArrayView view() const override { return {segment_->view() + offset_bytes_, dtype(), shape()}; }
  std::byte* writable_view() const override { return segment_->writable_view() + offset_bytes_; }
  const std::filesystem::path& path() const override { return path_; }

 private:
  std::shared_ptr<const PooledSegment> segment_;
  std::int64_t offset_bytes_;
  std::filesystem::path path_;
};

}  // namespace gristmill::engine
