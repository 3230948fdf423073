#include "engine/dataset_storage.h"

#include <cassert>
#include <cerrno>

#include "ipc/system_error.h"

namespace gristmill {
namespace {

struct stat status_of(int fd, const std::filesystem::path& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw ipc::system_error("open \"" + path.string() + "\"", errno);
  return status;
}

}  // namespace

DatasetStorage::DatasetStorage(std::filesystem::path path, ipc::RegularFile file, DType dtype,
                               Shape shape, std::int64_t offset_bytes)
    : path_(std::move(path)),
      file_id_(status_of(file.fd.get(), path_)),
      dtype_(dtype),
      shape_(std::move(shape)),
      memory_(engine::MemoryName::create()),
      fd_(std::move(file.fd)),
      offset_bytes_(offset_bytes),
      is_sealed_(false),
      version_(status_of(fd_.get(), path_)),
      mapping_(fd_.get(), offset_bytes_, gristmill::size_bytes(dtype_, shape_).value()) {
  assert(offset_bytes_ % static_cast<std::int64_t>(size_of(dtype_)) == 0);
}

DatasetStorage::DatasetStorage(const ipc::Segment& sealed, DType dtype, Shape shape,
                               std::filesystem::path path, std::optional<engine::FileId> file_id)
    : path_(std::move(path)),
      file_id_(file_id),
      dtype_(dtype),
      shape_(std::move(shape)),
      memory_(engine::MemoryName::create()),
      fd_(sealed.read_only_fd()),
      offset_bytes_(0),
      is_sealed_(true),
      mapping_(fd_.get(), 0, sealed.size_bytes()) {
  assert(ipc::is_sealed(fd_.get()));
  assert(gristmill::size_bytes(dtype_, shape_) == sealed.size_bytes());
}

bool DatasetStorage::has_changed() const {
  if (whole_) return whole_->has_changed();
  struct stat status {};
  return version_ && (fstat(place().fd, &status) != 0 || engine::FileVersion(status) != *version_);
}

DatasetStorage::DatasetStorage(std::shared_ptr<const engine::OutputArray> output)
    : path_(output->path()),
      dtype_(output->dtype()),
      shape_(output->shape()),
      output_(std::move(output)) {
  if (path_.empty()) return;
  file_id_ = engine::FileId(status_of(output_->place().fd, path_));
  version_ = engine::FileVersion(status_of(output_->place().fd, path_));
}

DatasetStorage::DatasetStorage(std::shared_ptr<const DatasetStorage> whole, DType dtype,
                               Shape shape, std::int64_t offset_bytes)
    : path_(whole->path()),
      file_id_(whole->file_id()),
      dtype_(dtype),
      shape_(std::move(shape)),
      whole_(std::move(whole)),
      offset_bytes_(offset_bytes),
      is_sealed_(whole_->is_sealed()) {
  assert(offset_bytes_ >= 0 && offset_bytes_ + size_bytes() <= whole_->size_bytes());
}

bool DatasetStorage::is_in_memory() const {
  if (whole_) return whole_->is_in_memory();
  return is_sealed_ || (output_ && output_->path().empty());
}

std::byte* DatasetStorage::writable_view() const {
  return output_ ? output_->writable_view() : nullptr;
}

const void* DatasetStorage::address() const {
  const std::byte* const writable = writable_view();
  return writable != nullptr ? writable : view().data();
}

engine::PlacedArray DatasetStorage::place() const {
  if (whole_) {
    engine::PlacedArray place = whole_->place();
    place.array_offset += offset_bytes_;
    return place;
  }
  if (output_) return output_->place();
  return {memory_, fd_.get(), offset_bytes_, mapping_.size_bytes(), 0, is_sealed_};
}

std::int64_t DatasetStorage::size_bytes() const {
  if (whole_) return gristmill::size_bytes(dtype_, shape_).value();
  return output_ ? output_->size_bytes() : mapping_.size_bytes();
}

ArrayView DatasetStorage::view() const {
  if (whole_) {
    const auto* const begin = static_cast<const std::byte*>(whole_->view().data());
    return {begin + offset_bytes_, dtype_, shape_};
  }
  return output_ ? output_->view() : ArrayView(mapping_.data(), dtype_, shape_);
}

}  // namespace gristmill
