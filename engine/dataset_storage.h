#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include <gristmill/array.h>

#include "engine/file_id.h"
#include "engine/output.h"
#include "engine/placed_memory.h"
#include "ipc/mapping.h"
#include "ipc/regular_file.h"
#include "ipc/segment.h"

namespace gristmill {

// What a Dataset is made of.
// Owns: a descriptor open for reading only, and this process's read-only mapping.
// Threads and processes: immutable, safe from any thread. The descriptor may be sent to workers.
// Errors: of the constructors: kInvalid when a file is too short, kResources.
// Cost: does not depend on the size; no page is touched.
class DatasetStorage {
 public:
  // A range of a file. Requires: the range is inside the file and aligned to the element size.
  DatasetStorage(std::filesystem::path path, ipc::RegularFile file, DType dtype, Shape shape,
                 std::int64_t offset_bytes);
  // Elements in a sealed segment; path and file_id tell where they were copied from, if from a
  // file.
  DatasetStorage(const ipc::Segment& sealed, DType dtype, Shape shape,
                 std::filesystem::path path = {}, std::optional<engine::FileId> file_id = {});
  // A finished output: no copy, the memory is shared. Requires: no worker writes it any more.
  explicit DatasetStorage(std::shared_ptr<const engine::OutputArray> output);

  // A part of another, or the same elements read otherwise: no copy. Requires: it lies in the whole
  // and is aligned to its element size.
  DatasetStorage(std::shared_ptr<const DatasetStorage> whole, DType dtype, Shape shape,
                 std::int64_t offset_bytes);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t size_bytes() const;
  ArrayView view() const;

  // What workers map for reading.
  engine::PlacedArray place() const;
  // True if the file was written to, or has another length, since it was opened. Never for memory.
  bool has_changed() const;
  // Of a finished output in memory, for its owner to write; else null. As OutputArray.
  std::byte* writable_view() const;
  // Where this process has the elements that it hands out: those to write, where there are any.
  const void* address() const;
  // True for memory that nobody can write any more; a file may be changed by others.
  bool is_sealed() const { return is_sealed_; }

  // True for sealed memory and for outputs in memory.
  bool is_in_memory() const;

  // The file it came from; empty for memory that came from none.
  const std::filesystem::path& path() const { return path_; }
  const std::optional<engine::FileId>& file_id() const { return file_id_; }

 private:
  std::filesystem::path path_;
  std::optional<engine::FileId> file_id_;
  DType dtype_;
  Shape shape_;
  std::shared_ptr<const DatasetStorage> whole_;        // or what follows
  std::shared_ptr<const engine::OutputArray> output_;  // or what follows
  std::shared_ptr<const engine::MemoryName> memory_;
  ipc::UniqueFd fd_;
  std::int64_t offset_bytes_ = 0;
  bool is_sealed_ = false;
  std::optional<engine::FileVersion> version_;
  ipc::ReadOnlyMapping mapping_;
};

}  // namespace gristmill
