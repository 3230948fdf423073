#pragma once

#include "engine/output.h"
#include "ipc/mapping.h"
#include "ipc/segment.h"

namespace gristmill::engine {

// An output in a segment. Its memory is not counted here: reserve_outputs does.
// Errors: kInvalid for a shape that is none; kResources when the system refuses the segment.
class MemoryOutput : public OutputArray {
 public:
  MemoryOutput(std::string name, DType dtype, Shape shape);

  int fd() const override { return segment_.fd(); }
  std::int64_t offset_bytes() const override { return 0; }
  void publish() override {}
  ArrayView view() const override { return {mapping_.data(), dtype(), shape()}; }
  const std::filesystem::path& path() const override { return path_; }

 private:
  ipc::Segment segment_;
  ipc::ReadOnlyMapping mapping_;
  std::filesystem::path path_;
};

}  // namespace gristmill::engine
