#include "python/placed_arrays.h"

#include "engine/dataset_storage.h"

namespace gristmill::python {

void PlacedArrays::add(const Dataset& dataset) {
  const auto begin = reinterpret_cast<std::uintptr_t>(dataset.storage()->address());
  const auto size = static_cast<std::uintptr_t>(dataset.size_bytes());
  if (size == 0) return;
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const auto& entry) { return entry.second.storage.expired(); });
  // Of a whole and a part that begin together, the whole.
  const auto known = entries_.find(begin);
  if (known == entries_.end() || known->second.end < begin + size) {
    entries_[begin] = {begin + size, dataset.storage()};
  }
}

std::optional<PlacedArrays::Found> PlacedArrays::find(const void* data, std::int64_t size_bytes) {
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  if (size_bytes <= 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.upper_bound(begin); entry != entries_.begin();) {
    --entry;
    if (begin + static_cast<std::uintptr_t>(size_bytes) > entry->second.end) continue;
    auto storage = entry->second.storage.lock();
    if (!storage) continue;
    return Found{Dataset(std::move(storage)), static_cast<std::int64_t>(begin - entry->first)};
  }
  return std::nullopt;
}

PlacedArrays& placed_arrays() {
  // Never destroyed: arrays may outlive the module.
  static auto& arrays = *new PlacedArrays();
  return arrays;
}

}  // namespace gristmill::python
