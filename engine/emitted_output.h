#pragma once

#include <memory>
#include <vector>

#include "engine/output.h"
#include "engine/placed_memory.h"
#include "ipc/control_segment.h"
#include "ipc/mapping.h"
#include "ipc/segment.h"

namespace gristmill::engine {

// The memory of an emit's rows, which the outputs of its result share.
struct EmittedMemory {
  ipc::Segment segment;
  std::shared_ptr<const void> charge;  // counts for the engine's memory limit
};

// An output of an emit in memory: parts, which are where the workers wrote them, in the order of
// the chunks. No copy. Errors: of view and place: kInvalid when there are several parts.
class EmittedOutput : public OutputArray {
 public:
  // Where the rows of this output begin in an extent.
  struct Layout {
    std::int64_t region_bytes;
    std::int64_t offset_bytes;
    std::int64_t row_bytes;
  };

  // ranges: of the chunks, checked. shape: of all rows. Requires: nobody writes them any more.
  EmittedOutput(std::string name, DType dtype, Shape shape,
                std::shared_ptr<const EmittedMemory> memory, Layout layout,
                const std::vector<ipc::EmittedRange>& ranges);

  PlacedArray place() const override;
  void publish() override {}
  ArrayView view() const override;
  std::vector<ArrayView> parts() const override;
  const std::filesystem::path& path() const override { return path_; }

 private:
  std::int64_t offset_of(const ipc::EmittedRange& part) const;
  void require_one_part() const;

  std::shared_ptr<const EmittedMemory> memory_;
  // Of the one part: workers tell ranges of one segment from each other by it.
  std::shared_ptr<const MemoryName> name_of_part_ = MemoryName::create();
  Layout layout_;
  std::vector<ipc::EmittedRange> parts_;
  std::vector<ipc::ReadOnlyMapping> mappings_;  // by extent, as far as it is used
  std::filesystem::path path_;
};

}  // namespace gristmill::engine
