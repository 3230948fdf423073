#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <gristmill/array.h>

namespace gristmill {

class DatasetStorage;  // engine/dataset_storage.h

// A placed, immutable array that any number of jobs and workers read.
// Owns: a share of the memory or of the mapped file; copies of a Dataset share it.
// Threads and processes: safe to use from any thread. Workers map the same pages.
// Lifetime: views stay valid while any copy of the Dataset lives.
class Dataset {
 public:
  // An existing .npy file (format 1.0, 2.0 or 3.0; C order, little-endian, numeric or bool), mapped
  // in place: nothing is copied, the cost does not depend on the size. (Copied once, as by
  // open_raw, if the header is padded so oddly that the elements are not aligned; NumPy writes no
  // such file.) Errors: kInvalid with the reason: missing, not a regular file, malformed, refused
  // dtype or order.
  static Dataset open(const std::filesystem::path& path);

  // Raw row-major elements in an existing file, from offset_bytes on. Mapped in place, nothing
  // copied, if the offset is a multiple of the element size; else copied once into sealed memory,
  // because kernels are promised aligned elements.
  static Dataset open_raw(const std::filesystem::path& path, DType dtype, Shape shape,
                          std::int64_t offset_bytes = 0);

  // One copy of the caller's array into sealed shared memory.
  // Errors: kResources when there is no memory for it.
  static Dataset copy_of(const ArrayView& array);

  // No copy; valid while this Dataset or a copy of it lives.
  ArrayView view() const;
  DType dtype() const;
  const Shape& shape() const;
  std::int64_t size_bytes() const;
  // The file it came from; empty for memory.
  const std::filesystem::path& path() const;

  // For the engine.
  explicit Dataset(std::shared_ptr<const DatasetStorage> storage) : storage_(std::move(storage)) {}
  const std::shared_ptr<const DatasetStorage>& storage() const { return storage_; }

 private:
  std::shared_ptr<const DatasetStorage> storage_;
};

}  // namespace gristmill
