#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include <gristmill/array.h>

namespace gristmill {

class DatasetStorage;  // engine/dataset_storage.h
class NewDataset;

namespace engine {
class NewMemory;
}

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

  // One copy of the caller's array into sealed shared memory, by as many threads as there are
  // usable CPUs, at most eight. Errors: kResources, with both numbers, when there is no memory for
  // it; kInvalid when the array cannot be read.
  static Dataset copy_of(const ArrayView& array);

  // A contiguous part of the elements, or the same bytes as elements of another dtype, from
  // offset_bytes on: no copy, the memory is shared. Errors: kInvalid for what does not lie in this
  // dataset, or is not aligned to its element size.
  Dataset part(DType dtype, Shape shape, std::int64_t offset_bytes) const;

  // Shared memory for the caller to fill and then seal: an array that is made here need not be
  // copied. Errors: kInvalid for a shape that is none; kResources, with both numbers, when there is
  // no memory for it. Cost: its pages are allocated at once, huge ones where the system gives them
  // (about 0.1 s for a GiB).
  static NewDataset create(DType dtype, Shape shape);

  // No copy; valid while this Dataset or a copy of it lives.
  ArrayView view() const;
  DType dtype() const;
  const Shape& shape() const;
  std::int64_t size_bytes() const;
  // True if the elements are in memory, false if they are in a mapped file.
  bool is_in_memory() const;
  // The file it came from; empty for memory that came from none.
  const std::filesystem::path& path() const;

  // For the engine.
  explicit Dataset(std::shared_ptr<const DatasetStorage> storage) : storage_(std::move(storage)) {}
  const std::shared_ptr<const DatasetStorage>& storage() const { return storage_; }

 private:
  std::shared_ptr<const DatasetStorage> storage_;
};

// A dataset that is being filled by its maker. No worker sees it until it is sealed.
// Owns: the memory, which is given back if it is never sealed. Children that a program forks do not
// get it.
// Threads and processes: any thread may write its own part of the elements.
// Lifetime: spans and views of it end with seal(), or when it is dropped. Errors: kInvalid from
// whatever is asked of one that was sealed or moved away.
class NewDataset {
 public:
  NewDataset(NewDataset&&) noexcept;
  NewDataset& operator=(NewDataset&&) noexcept;
  ~NewDataset();

  // All elements in row-major order, to be written in place; zero until then. No copy.
  // Errors: kInvalid if T is not the dtype.
  template <class T>
  std::span<T> as() {
    return {static_cast<T*>(data()), view().as<T>().size()};
  }
  // Where they begin, for any dtype; aligned to the size of a page.
  void* data();
  // No copy.
  ArrayView view() const;

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }

  // Makes it read-only for ever, for everybody, by the kernel of the operating system; nothing is
  // copied. Consumes: std::move(rows).seal(). Errors: kInternal if the kernel refuses because a
  // device or another thread still writes to the memory, or it was mapped a second time.
  Dataset seal() &&;

 private:
  friend class Dataset;
  NewDataset(DType dtype, Shape shape);

  DType dtype_;
  Shape shape_;
  engine::NewMemory& memory() const;

  std::unique_ptr<engine::NewMemory> memory_;  // null: sealed or moved away
};

}  // namespace gristmill
