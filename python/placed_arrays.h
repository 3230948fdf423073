#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include <gristmill/dataset.h>

namespace gristmill::python {

// The datasets whose memory Python has arrays of, by address: an array that comes back is known.
// Threads and processes: safe from any thread.
class PlacedArrays {
 public:
  struct Found {
    Dataset whole;
    std::int64_t offset_bytes;
  };

  void add(const Dataset& dataset);
  // The dataset that all of these bytes lie in. None too for no bytes.
  std::optional<Found> find(const void* data, std::int64_t size_bytes);

 private:
  struct Entry {
    std::uintptr_t end;
    std::weak_ptr<const DatasetStorage> storage;
  };

  std::mutex mutex_;
  std::map<std::uintptr_t, Entry> entries_;  // by their first address
};

// Those of this process.
PlacedArrays& placed_arrays();

}  // namespace gristmill::python
