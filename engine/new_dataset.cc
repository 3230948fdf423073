#include <fmt/core.h>

#include <gristmill/dataset.h>

#include "engine/dataset_storage.h"
#include "engine/new_memory.h"
#include "engine/parallel_parts.h"
#include "engine/sealed_copy.h"

namespace gristmill {
namespace {

std::unique_ptr<engine::NewMemory> allocate(DType dtype, const Shape& shape) {
  const auto size = size_bytes(dtype, shape);
  if (!size || shape.size() > kMaxRank) {
    throw Error(ErrorCode::kInvalid,
                fmt::format("a dataset cannot have the shape {}", to_string(shape)));
  }
  auto memory = std::make_unique<engine::NewMemory>(
      *size, fmt::format("a dataset of {} x {}", to_string(shape), name_of(dtype)));
  engine::for_each_part(*size, engine::kPartBytes, [&](std::int64_t begin, std::int64_t end) {
    engine::prepare_pages(memory->bytes().subspan(static_cast<std::size_t>(begin),
                                                  static_cast<std::size_t>(end - begin)));
  });
  return memory;
}

}  // namespace

NewDataset::NewDataset(DType dtype, Shape shape)
    : dtype_(dtype), shape_(std::move(shape)), memory_(allocate(dtype_, shape_)) {}

NewDataset::NewDataset(NewDataset&&) noexcept = default;
NewDataset& NewDataset::operator=(NewDataset&&) noexcept = default;
NewDataset::~NewDataset() = default;

engine::NewMemory& NewDataset::memory() const {
  if (memory_) return *memory_;
  throw Error(ErrorCode::kInvalid, "this dataset was sealed or moved away");
}

void* NewDataset::data() { return memory().bytes().data(); }

ArrayView NewDataset::view() const { return {memory().bytes().data(), dtype_, shape_}; }

Dataset NewDataset::seal() && {
  memory();
  // Moved out first: a seal that fails leaves nothing behind that could be written.
  const std::unique_ptr<engine::NewMemory> memory = std::move(memory_);
  const ipc::Segment sealed = std::move(*memory).seal();
  return Dataset(std::make_shared<const DatasetStorage>(sealed, dtype_, std::move(shape_)));
}

}  // namespace gristmill
