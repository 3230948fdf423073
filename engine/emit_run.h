#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/emitted_output.h"
#include "engine/file_output.h"
#include "engine/placed_memory.h"
#include "engine/segment_pool.h"
#include "engine/temporary_file.h"
#include "ipc/messages.h"

namespace gristmill::engine {

// The rows of an emit job as the coordinator has them: where workers write them, and what becomes
// of them. How many rows there will be, nobody knows before the last chunk is done: so each worker
// writes into a region of its own, which is address space until a row is in it, and all together
// are limited to what memory there was when the job was submitted.
class EmitRun {
 public:
  struct Output {
    std::string name;
    ipc::ArraySpec spec;  // axis 0 is not said
    std::filesystem::path path;
    std::size_t kernel_output = 0;  // its number in the kernel
  };

  // outputs: those that are asked for. kernel_outputs: how many the kernel has.
  // Errors: of opening a file. May block.
  EmitRun(std::vector<Output> outputs, std::size_t kernel_outputs, bool replace_existing,
          std::shared_ptr<SegmentPool> pool);

  // Makes the memory, for so many slots. Errors: kResources.
  void begin(std::uint32_t extents);

  // A worker of that extent died: the next one goes on behind the rows of its done chunks.
  // Requires: it was reaped.
  void bury(std::uint32_t extent, const ipc::ControlSegment& control,
            const std::function<bool(std::uint32_t chunk)>& is_done);

  // Whether rows are copied into files when all are there.
  bool gathers() const;

  // What the worker of that extent is told, but for its placements.
  ipc::Emit message(std::uint32_t extent) const;
  PlacedArray region(std::uint32_t extent) const;
  // By the kernel's output.
  std::vector<std::optional<PlacedArray>> files() const;

  // Counts the rows and gives the files their size. Requires: all chunks of items are done, in a
  // quiet state. Errors: kFailed for records of rows that there cannot be; kResources.
  void size_files(const ipc::ControlSegment& control);

  // The outputs, in the order in which they were asked for. control: null for a job without items.
  // Requires: the rest of the job is done. Errors: as size_files.
  std::vector<std::shared_ptr<OutputArray>> finish(const ipc::ControlSegment* control);

  // Memory that is taken by rows. Requires: finish was called.
  std::int64_t taken_bytes() const { return taken_bytes_; }
  // What was copied into files. Requires: finish was called.
  std::int64_t copied_bytes() const;
  // As OutputArray, for the files that rows are copied into.
  void require_space() const;

 private:
  struct File {
    std::unique_ptr<TemporaryFile> file;  // until it has its size
    std::shared_ptr<const MemoryName> name = MemoryName::create();
    std::shared_ptr<FileOutput> output;
  };

  void count_rows(const ipc::ControlSegment& control);
  void make_files();
  std::shared_ptr<OutputArray> make_memory_output(const Output& output,
                                                  std::int64_t offset_bytes) const;
  Shape shape_of(const Output& output) const;

  std::vector<Output> outputs_;
  std::vector<std::int64_t> offsets_;  // by kernel output
  bool replace_existing_;
  std::shared_ptr<SegmentPool> pool_;
  std::int64_t all_row_bytes_ = 0;
  std::int64_t limit_bytes_ = 0;
  std::int64_t capacity_rows_ = 0;
  std::int64_t region_bytes_ = 0;
  std::uint32_t extents_ = 0;
  std::vector<std::int64_t> first_rows_;  // by extent
  std::vector<File> files_;               // by output; empty for memory
  std::vector<std::shared_ptr<const MemoryName>> region_names_;
  std::shared_ptr<EmittedMemory> memory_;
  std::optional<std::vector<ipc::EmittedRange>> ranges_;  // by chunk, once they are counted
  std::int64_t rows_ = 0;
  std::int64_t taken_bytes_ = 0;
};

}  // namespace gristmill::engine
