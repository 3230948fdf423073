#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gristmill/array.h>
#include <gristmill/job.h>

#include "engine/placed_memory.h"
#include "engine/segment_pool.h"

namespace gristmill::engine {

// An array that workers write in place, one class per backing: memory_output.h, file_output.h.
// Owns: a writable descriptor and this process's read-only mapping.
// Threads and processes: const members are safe from any thread; publish is called once.
// Lifetime: views stay valid while the object lives. A file that others shorten meanwhile is a
// SIGBUS for whoever reads the lost part.
class OutputArray {
 public:
  OutputArray(std::string name, DType dtype, Shape shape);
  OutputArray(const OutputArray&) = delete;
  OutputArray& operator=(const OutputArray&) = delete;
  virtual ~OutputArray() = default;

  const std::string& name() const { return name_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t size_bytes() const { return size_bytes_; }

  // Where workers write it. Valid while the object lives.
  virtual PlacedArray place() const = 0;

  // What must not be used again while somebody may write the array; null for a file of its own.
  virtual std::shared_ptr<const void> memory() const { return nullptr; }

  // Gives it its final name, if it is to have one. Requires: nobody writes it any more.
  // Errors: kFailed when the name cannot be given.
  virtual void publish() = 0;

  // To be asked when a worker was stopped by a page that could not be written.
  // Errors: kResources when what is not written yet no longer fits on its file system.
  virtual void require_space() const {}

  // No copy. Before the job has ended, some rows are not written yet.
  virtual ArrayView view() const = 0;
  // The same in parts, one after another along axis 0: more than one in an emit only.
  virtual std::vector<ArrayView> parts() const { return {view()}; }
  // The same memory for its owner to write, once the job has ended; null for what can only be read.
  // Not safe from several threads. Errors: kResources when the address space is full.
  virtual std::byte* writable_view() const { return nullptr; }
  // The final name; empty for memory.
  virtual const std::filesystem::path& path() const = 0;

 private:
  std::string name_;
  DType dtype_;
  Shape shape_;
  std::int64_t size_bytes_;
};

// How messages name an output: output "distance".
std::string describe_output(const std::string& name);

// Reserves all outputs of a job, in the order of the plan, or none. The memory is counted for all
// of them together before the first is made; its pages are allocated when workers touch them.
// Requires: the paths passed check_output_targets (output_target.h).
// Errors: kInvalid for a shape that is none, or a folder that cannot be written; kResources, with
// both numbers, when there is no memory or no space.
// Outputs in memory take their segments from the pool; those under the size of a huge page share
// one.
std::vector<std::shared_ptr<OutputArray>> reserve_outputs(
    const std::vector<JobPlan::OutputPlan>& plans, bool replace_existing, SegmentPool& pool);

}  // namespace gristmill::engine
